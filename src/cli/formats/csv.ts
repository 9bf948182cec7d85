import type { Check } from '../../report.ts';
import { clean } from '../clean.ts';
import { rfc3339 } from '../envelope.ts';
import type { Row, Writer } from './types.ts';

const COLUMNS = [
  'time',
  'id',
  'target',
  'status',
  'where',
  'check',
  'information',
  'message',
  'evidence',
  'fix',
  'ref',
] as const;

type Cells = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>;

/** What a spreadsheet takes for the beginning of a formula, full-width signs included, blanks before it or not. */
const FORMULA = /^\s*[=+\-@＝＋－＠]/;

/** Needs no quotes in any dialect: neither commas nor semicolons separate in it. */
const PLAIN = /^[\w.:/ -]*$/;

/**
 * A cell by RFC 4180. A quote mark goes before whatever a spreadsheet would compute; control characters become
 * visible, so that a row is a line.
 */
function cell(text: string): string {
  const visible = clean(text);
  const inert = FORMULA.test(visible) ? `'${visible}` : visible;
  return PLAIN.test(inert) ? inert : `"${inert.replaceAll('"', '""')}"`;
}

function record(cells: Cells): string {
  return `${COLUMNS.map((column) => cell(cells[column] ?? '')).join(',')}\r\n`;
}

function ofCheck({ id: check, status, info, message, evidence = '', fix = '', ref = '' }: Check): Cells {
  return { status, check, information: info ? 'yes' : '', message, evidence, fix, ref };
}

function records({ id = '', target, timeMs, status, summary, findings, failure }: Row): string {
  const common = { time: rfc3339(timeMs), id, target };
  const verdict = { ...common, status, message: summary, fix: failure?.hint ?? '' };
  return [
    record(verdict),
    ...findings.map(({ where, check }) => record({ ...common, where, ...ofCheck(check) })),
  ].join('');
}

/** CSV: of each target first the verdict, whose `check` is empty, then a record a check. */
export function csvWriter(): Writer {
  return { begin: () => `${COLUMNS.join(',')}\r\n`, row: records };
}
