import { AppError, ExitCode } from '../../errors.ts';
import { collector, type Found, MAX_KEYS, rawFromRow } from './entry.ts';

/** Columns by which the programs are told apart. */
const FORMATS = [
  ['yk_publicname', 'yubikey-val'],
  ['counter', 'yubiserver'],
  ['serialnr', 'yubikey-ksm'],
] as const;

/** Columns that are looked at; others may hold anything. */
const WANTED: ReadonlySet<string> = new Set([
  ...['active', 'yk_publicname', 'yk_counter', 'yk_use', 'yk_low', 'yk_high'],
  ...['serialnr', 'publicname', 'internalname', 'aeskey', 'counter'],
]);

const textOf = (value: unknown) =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

function noDatabase(file: string, cause?: unknown): AppError {
  return new AppError(`'${file}' is no database of yubikey-val, yubikey-ksm or yubiserver.`, {
    code: 'E_IMPORT',
    exit: ExitCode.input,
    hint: 'It has a table "yubikeys". Stop the server first, or take a copy with ".backup" of sqlite3.',
    cause,
  });
}

/**
 * Keys from the SQLite database of another server. It is opened to be read only, and nothing that its schema brings
 * (views, functions, triggers) is trusted.
 *
 * @throws AppError E_IMPORT (exit 65)
 */
export async function keysFromSqlite(file: string): Promise<Found> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    try {
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;');
      const table = database
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = 'yubikeys'")
        .get();
      if (!table) throw noDatabase(file);
      const columns = database
        .prepare("SELECT name FROM pragma_table_info('yubikeys')")
        .all()
        .map(({ name }) => textOf(name).toLowerCase());
      const format = FORMATS.find(([column]) => columns.includes(column))?.[1];
      if (format === undefined) throw noDatabase(file);
      const { add, found } = collector(format);
      const picked = columns.filter((name) => WANTED.has(name));
      const statement = database.prepare(
        `SELECT ${picked.map((name) => `substr(${name}, 1, 100) AS ${name}`).join(', ')} FROM yubikeys LIMIT ${MAX_KEYS + 1}`,
      );
      let row = 0;
      for (const values of statement.iterate()) {
        row += 1;
        add(`row ${row}`, rawFromRow(Object.fromEntries(picked.map((name) => [name, textOf(values[name])]))));
      }
      return found();
    } finally {
      database.close();
    }
  } catch (error) {
    throw error instanceof AppError ? error : noDatabase(file, error);
  }
}
