import { type Field, isField } from '../message/headers.ts';
import { worst } from '../report.ts';
import { annotate } from './annotations.ts';
import { checkPath } from './checks.ts';
import { contentProtection } from './content.ts';
import { dateAt } from './date.ts';
import { type Line, makeHops } from './hops.ts';
import { readReceived } from './parse.ts';
import { summarise } from './summary.ts';
import { findBorder, type TrustOptions } from './trust.ts';
import type { MessagePath } from './types.ts';

/** A message as far as its path is concerned. */
export type PathInput = {
  /** All header fields in the order of the message, newest Received first. */
  readonly fields: readonly Field[];
  /** The beginning of the body; absent when only a header block is at hand. */
  readonly body?: Uint8Array | undefined;
  /** The header section was longer than what was read. */
  readonly truncated?: boolean;
  /** What was read, such as a file name; for the report. */
  readonly target?: string;
};

export type PathOptions = TrustOptions & {
  /** Now, milliseconds since the epoch: dates after it are flagged. */
  readonly nowMs: number;
};

/**
 * Tell the way of a message by its trace fields: every hop, which of them can be believed, where the message
 * entered the reader's system, and whether that hop was encrypted. Works offline.
 *
 * @returns status `ok` when the border hop was encrypted (or the message never left one system), `warn` when
 *   it was in plaintext, `unknown` when the line does not tell or there is none
 */
export function describePath(input: PathInput, options: PathOptions): MessagePath {
  const lines = linesOf(input.fields);
  const run = findBorder(lines, options);
  const hops = makeHops(lines, run, dateField(input.fields), options);
  const border = hops.find((hop) => hop.border) ?? null;
  const content = contentProtection(input.fields, input.body);
  const truncated = input.truncated === true;
  const checks = checkPath({ hops, border, content, truncated });
  return {
    target: input.target ?? null,
    status: worst(checks.map((check) => check.status)),
    summary: summarise(hops, border),
    checks,
    hops,
    border: border?.index ?? null,
    totalSeconds: totalSeconds(lines),
    content,
    annotations: annotate(input.fields, hops, border, options),
    truncated,
  };
}

function linesOf(fields: readonly Field[]): Line[] {
  const lines: Line[] = [];
  for (const field of fields) {
    if (!isField(field, 'received')) continue;
    const { trace, instantMs } = readReceived(field.rawValue);
    lines.push({ field, trace, instantMs });
  }
  return lines;
}

function dateField(fields: readonly Field[]): number | null {
  const field = fields.find((each) => isField(each, 'date'));
  const date = field === undefined ? null : dateAt(field.value, 0);
  return date?.zoneKnown === true ? date.ms : null;
}

/** @param lines  newest first */
function totalSeconds(lines: readonly Line[]): number | null {
  const newest = lines.findIndex(({ instantMs }) => instantMs !== null);
  const oldest = lines.findLastIndex(({ instantMs }) => instantMs !== null);
  const from = lines[oldest]?.instantMs;
  const to = lines[newest]?.instantMs;
  if (from == null || to == null || oldest === newest) return null;
  return Math.trunc((to - from) / 1000) + 0;
}
