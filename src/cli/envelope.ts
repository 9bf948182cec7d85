import type { Report } from '../report.ts';
import type { Failure } from './failure.ts';

/** Who produced a document. */
export type Tool = { readonly name: string; readonly version: string };

/** The JSON document of a result: the envelope first, then the command's own fields. */
export type Envelope<T extends Report> = {
  readonly schema: string;
  readonly tool: Tool;
  readonly time: string;
} & T;

/** The JSON document of a failure. */
export type ErrorDocument = {
  readonly schema: 'postern/error/1';
  readonly tool: Tool;
  readonly time: string;
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
};

/** Schema id of a command: `mx:probe` or `mx probe` gives `postern/mx-probe/1`. */
export function schemaId(command: string, version = 1): string {
  return `postern/${command.replaceAll(/[ :]/g, '-')}/${version}`;
}

/** What all documents of a run begin with. */
export type Head = { readonly schema: string; readonly tool: Tool };

/** @param id  of the case, in a batch */
export function envelope<T extends Report>(
  result: T,
  schema: string,
  tool: Tool,
  nowMs: number,
  id?: string,
): Envelope<T> {
  const time = rfc3339(nowMs);
  // The places of what every report has; the values come with the rest.
  const report = { target: null, status: null, summary: null, checks: null };
  return id === undefined
    ? { schema, tool, time, ...report, ...result }
    : { schema, id, tool, time, ...report, ...result };
}

export function errorDocument(failure: Failure, tool: Tool, nowMs: number): ErrorDocument {
  const { code, message, hint } = failure;
  return {
    schema: 'postern/error/1',
    tool,
    time: rfc3339(nowMs),
    error: { code, message, ...(hint !== undefined && { hint }) },
  };
}

let told = { second: Number.NaN, text: '' };

/** RFC 3339 in UTC, whole seconds. The last one is kept: rows of a batch share it. */
export function rfc3339(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== told.second)
    told = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return told.text;
}
