import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AppError, ExitCode } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { MIGRATIONS } from './schema.ts';

/** How long a writer waits for another one, in milliseconds. */
const BUSY_MS = 5000;

function broken(file: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError(`The database '${file}' cannot be used: ${reason}.`, {
    code: 'E_STORE',
    exit: ExitCode.unavailable,
    hint: 'Look at its permissions and at the free space of its disk.',
    cause,
  });
}

/** Make the file, empty and ours alone, unless it is there; refuse one that others can read. */
function prepareFile(file: string): void {
  makeFolder(dirname(file), 0o700);
  const descriptor = openSync(file, 'a', 0o600);
  try {
    if ((fstatSync(descriptor).mode & 0o077) === 0) return;
  } finally {
    closeSync(descriptor);
  }
  throw new AppError(`The database '${file}' can be read by others.`, {
    code: 'E_STORE_PERMISSION',
    exit: ExitCode.noPermission,
    hint: `Take their permission away: chmod 600 '${file}'.`,
  });
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** Run statements as one: all of them are on the disk when this returns, or none is. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A copy beside the database, before it is changed for good. */
function backUp(database: DatabaseSync, file: string, version: number): void {
  const copy = `${file}.v${version}.bak`;
  rmSync(copy, { force: true });
  prepareFile(copy);
  database.prepare('VACUUM INTO ?').run(copy);
}

function migrate(database: DatabaseSync, file: string): void {
  const version = userVersion(database);
  if (version > MIGRATIONS.length) {
    throw new AppError(`The database '${file}' was written by a newer postern.`, {
      code: 'E_STORE_NEWER',
      exit: ExitCode.config,
      hint: 'Use that version, or the backup it made beside the database.',
    });
  }
  if (version === MIGRATIONS.length) return;
  if (version > 0) backUp(database, file, version);
  transaction(database, () => {
    for (const step of MIGRATIONS.slice(userVersion(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

/**
 * Open the database, make it, bring it up to date. Every commit is on the disk before it returns: write-ahead log,
 * `synchronous=FULL`.
 *
 * @throws AppError E_STORE_NEWER (exit 78), E_STORE_PERMISSION (exit 77), E_STORE (exit 69)
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    prepareFile(file);
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
      migrate(database, file);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw error instanceof AppError ? error : broken(file, error);
  }
}
