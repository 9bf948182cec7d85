import { AppError, ExitCode } from '../errors.ts';
import type { Status } from '../report.ts';
import { readWhole } from './input.ts';

/** A row that an earlier run wrote. */
export type EarlierRow = {
  readonly target: string;
  readonly status: Status;
  readonly summary: string;
  /** When it was made, in milliseconds since the epoch; 0 where it does not say. */
  readonly timeMs: number;
  /** The row as it was. */
  readonly document: unknown;
};

/** Largest file of rows, in bytes. */
const MAX_ROWS = 512_000_000;

const STATES: ReadonlySet<unknown> = new Set(['ok', 'warn', 'crit', 'unknown']);

function asRow(value: unknown, schema: string): EarlierRow | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { schema: id, target, status, summary, time } = value as Record<string, unknown>;
  if (id !== schema || typeof target !== 'string' || !STATES.has(status)) return undefined;
  return {
    target,
    status: status as Status,
    summary: String(summary ?? ''),
    timeMs: Date.parse(String(time)) || 0,
    document: value,
  };
}

/**
 * The rows of a JSON Lines file, or the one document of a JSON file. A last line that was cut off (a run that was
 * killed) is passed over.
 *
 * @param schema  schema id that the rows must have
 * @throws AppError E_ROWS (exit 65) when the file holds something else
 */
export async function readRows(file: string, schema: string): Promise<EarlierRow[]> {
  return parseRows(file, (await readWhole(file, MAX_ROWS)).toString('utf8'), schema);
}

/** The rows in a text; see {@link readRows}. */
export function parseRows(file: string, text: string, schema: string): EarlierRow[] {
  const lines = text.trimStart().startsWith('{\n')
    ? [text]
    : text.split('\n').filter((line) => line.trim() !== '');
  const rows: EarlierRow[] = [];
  for (const [index, line] of lines.entries()) {
    const row = asRow(parse(line), schema);
    if (row) rows.push(row);
    else if (index < lines.length - 1 || lines.length === 1) throw notRows(file, index + 1, schema);
  }
  return rows;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function notRows(file: string, number: number, schema: string): AppError {
  return new AppError(`'${file}', line ${number}: not a row of ${schema}.`, {
    code: 'E_ROWS',
    exit: ExitCode.input,
    hint: 'Give a file that --json or --format jsonl of the same command wrote.',
  });
}
