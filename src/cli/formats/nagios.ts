import { type Status, worst } from '../../report.ts';
import { clean } from '../clean.ts';
import type { Failure } from '../failure.ts';
import { type About, type Figure, problems, type Row, type Writer } from './types.ts';

/** Most bytes of the first line, which older daemons cut at 4 kB, and of the whole, cut at 8 kB. */
const FIRST_BYTES = 4000;
const ALL_BYTES = 8000;

const WORDS: Readonly<Record<Status, string>> = {
  ok: 'OK',
  warn: 'WARNING',
  crit: 'CRITICAL',
  unknown: 'UNKNOWN',
};

/** Text of one line; a bar would begin the performance data. */
function plain(text: string): string {
  return clean(text).replaceAll('|', '¦');
}

/** Text cut to a number of bytes at a character, with a sign that it was. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let kept = '';
  let used = Buffer.byteLength('…');
  for (const char of text) {
    used += Buffer.byteLength(char);
    if (used > bytes) break;
    kept += char;
  }
  return `${kept}…`;
}

/** As many texts as fit into a number of bytes, each with its separator. */
function fitting(texts: readonly string[], bytes: number): string[] {
  let used = 0;
  const end = texts.findIndex((text) => {
    used += Buffer.byteLength(text) + 1;
    return used > bytes;
  });
  return texts.slice(0, end === -1 ? texts.length : end);
}

/** One figure as performance data; there is no unit for days. */
function perfdata(target: string, { name, unit, value, where }: Figure): string {
  const label = [target, where, unit === 'days' ? `${name}_days` : name].filter(Boolean).join(' ');
  const safe = cut(clean(label).replace(/['=|]/g, '_'), 200);
  return `'${safe}'=${Number(value.toFixed(6))}${unit === 'seconds' ? 's' : ''}`;
}

/** What the status line says of several targets. */
function count(rows: readonly Row[]): string {
  const states = (['crit', 'unknown', 'warn', 'ok'] as const)
    .map((status) => ({ status, number: rows.filter((row) => row.status === status).length }))
    .filter(({ number }) => number > 0)
    .map(({ status, number }) => `${number} ${WORDS[status].toLowerCase()}`);
  return `${rows.length} targets: ${states.join(', ')}`;
}

function details(row: Row, several: boolean): string[] {
  const own = problems(row).map(
    ({ where, check }) =>
      `[${WORDS[check.status]}] ${where === '' ? '' : `${where}: `}${check.message} (${check.id})`,
  );
  if (!several) return own;
  return [`[${WORDS[row.status]}] ${row.target}: ${row.summary}`, ...own.map((text) => `  ${text}`)];
}

function statusLine({ command }: About, status: Status, text: string): string {
  return `POSTERN ${command.toUpperCase()} ${WORDS[status]} - ${plain(text)}`;
}

function wholeOutput(about: About, rows: readonly Row[]): string {
  const [only] = rows;
  const several = rows.length > 1;
  const text = several ? count(rows) : (only?.summary ?? 'nothing was asked');
  const head = cut(statusLine(about, worst(rows.map(({ status }) => status)), text), FIRST_BYTES / 2);
  const figures = rows.flatMap((row) =>
    row.figures.map((figure) => perfdata(several ? row.target : '', figure)),
  );
  const shown = fitting(figures, FIRST_BYTES - Buffer.byteLength(head) - 3);
  const first = shown.length > 0 ? `${head} | ${shown.join(' ')}` : head;
  const long = rows.flatMap((row) => details(row, several)).map((each) => cut(plain(each), 1000));
  const kept = fitting(long, ALL_BYTES - Buffer.byteLength(first) - 40);
  const left = long.length - kept.length;
  return [first, ...kept, ...(left > 0 ? [`… and ${left} more`] : []), ''].join('\n');
}

/** Output of a monitoring plug-in: one status line with performance data, then a line a finding. */
export function nagiosWriter(about: About): Writer {
  const rows: Row[] = [];
  return {
    row: (row) => {
      rows.push(row);
      return '';
    },
    end: () => wholeOutput(about, rows),
  };
}

/** The status line of a run that came to nothing: a daemon reads standard output only. */
export function nagiosFailure(command: string, { message, hint }: Failure): string {
  const text = `POSTERN ${command.toUpperCase()} ${WORDS.unknown} - ${plain(`${message}${hint ? ` ${hint}` : ''}`)}`;
  return `${cut(text, FIRST_BYTES)}\n`;
}
