import { readFileSync } from 'node:fs';
import type { Pool, PoolClient } from 'pg';
import { AppError, ExitCode } from '../errors.ts';
import { type DatabasePlace, type DatabaseServer, nameOfDatabase } from './place.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Values of a statement: `$1` is the first. */
export type Values = readonly unknown[];

/** Runs one statement. */
export type Run = (text: string, values?: Values) => Promise<readonly Row[]>;

/** A database that is reached over a few connections, each with its deadlines. */
export type Database = {
  /** As it is shown. */
  readonly name: string;
  /** One statement, which is a transaction of its own: what it wrote is on the disk when this resolves. */
  readonly run: Run;
  /** All of the statements, or none. */
  readonly transaction: <T>(work: (run: Run) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
};

/** Connections of one process, and how long each step may take, in milliseconds. */
const LIMITS = { connections: 8, connectMs: 5000, statementMs: 4000, lockMs: 2000, answerMs: 5000 } as const;

/** A statement on one connection may take that long where a schema is made. */
export const MIGRATION_MS = 60_000;

/** Everything lies in a schema of its own; nothing else is ever looked at. */
export const SCHEMA = 'postern';

/** invalid_password, invalid_authorization_specification */
const WRONG_PASSWORD = /^28/;

const HINTS: readonly (readonly [code: RegExp, hint: string])[] = [
  [WRONG_PASSWORD, 'Look at the user, at --store-password-file and at pg_hba.conf of the server.'],
  [/^3D000$/, 'Make the database: createdb --owner USER NAME.'],
  [/^42501$/, 'The user has to own the database, or its schema postern.'],
  [/^53/, 'Look at max_connections and at the free space of the server.'],
];

function codeIn(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** What came of a failed statement, connection, or wait. */
function broken(name: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const code = codeIn(cause);
  const { message = '' } = cause as { message?: string };
  return new AppError(`The database ${name} cannot be used: ${message || code || 'unknown'}.`, {
    code: 'E_STORE',
    exit: ExitCode.unavailable,
    hint:
      HINTS.find(([pattern]) => pattern.test(code))?.[1] ??
      'Is the server running, and reached from here? What was not told as done may be repeated.',
    cause,
  });
}

function unsafe(name: string, what: string, hint: string): AppError {
  return new AppError(`The database ${name} may forget what it has told as written: ${what}.`, {
    code: 'E_STORE_UNSAFE',
    exit: ExitCode.config,
    hint,
  });
}

function noPassword(name: string): AppError {
  return new AppError(`The database ${name} wants a password.`, {
    code: 'E_STORE',
    exit: ExitCode.config,
    hint: 'Name a private file that holds it with --store-password-file, or set PGPASSWORD.',
  });
}

function refuse(error: AppError): never {
  throw error;
}

/** Commits that are on the disk of this server at least; remote_apply promises more. */
const DURABLE: ReadonlySet<unknown> = new Set(['on', 'remote_apply']);

/**
 * Set a new connection up. A server that does not promise to keep what it has committed is no place for counters, and a
 * standby takes no writes.
 */
async function prepare(client: PoolClient, name: string): Promise<void> {
  const { rows } = await client.query<Record<string, unknown>>(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
       current_setting('synchronous_commit') AS commit, pg_is_in_recovery() AS standby`,
  );
  const [{ fsync, pages, commit, standby } = {}] = rows;
  if (fsync !== 'on') throw unsafe(name, 'fsync is off', 'Switch it on in postgresql.conf, and restart it.');
  if (pages !== 'on')
    throw unsafe(name, 'full_page_writes is off', 'Switch it on in postgresql.conf, and reload it.');
  if (standby === true) throw broken(name, new Error('it is a standby, which takes no writes'));
  await client.query(
    `SET search_path = ${SCHEMA};
     SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
     SET statement_timeout = ${LIMITS.statementMs};
     SET lock_timeout = ${LIMITS.lockMs};
     SET idle_in_transaction_session_timeout = ${LIMITS.answerMs};
     ${DURABLE.has(commit) ? '' : 'SET synchronous_commit = on;'}`,
  );
}

function tlsOptions({ tls }: DatabaseServer) {
  if (tls === null) return false;
  const ca = tls.ca === undefined ? undefined : readCa(tls.ca);
  return { minVersion: 'TLSv1.2' as const, ...(ca !== undefined && { ca }) };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError(`--store: '${file}' cannot be read.`, {
      code: 'E_STORE_URL',
      exit: ExitCode.usage,
      hint: 'sslrootcert names the certificate authorities of the database in PEM.',
      cause,
    });
  }
}

/** The type of bigint, whose values are all less than 2^53 here. */
const INT8 = 20;

async function openPool(
  server: DatabaseServer,
  password: () => Promise<string>,
  name: string,
): Promise<Pool> {
  const { Pool, types } = await import('pg');
  const pool = new Pool({
    host: server.host,
    port: server.port,
    database: server.database,
    ...(server.user !== undefined && { user: server.user }),
    password,
    ssl: tlsOptions(server),
    enableChannelBinding: server.tls !== null,
    application_name: 'postern',
    keepAlive: true,
    max: LIMITS.connections,
    connectionTimeoutMillis: LIMITS.connectMs,
    query_timeout: LIMITS.answerMs,
    types: {
      getTypeParser: ((oid: number, format: never) =>
        oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
    },
    verify: (client, done) => {
      prepare(client, name).then(() => done(), done);
    },
  });
  // A connection may be lost while nobody uses it, or between two statements: whoever needs it next is told, or gets a
  // new one. Without somebody who listens, it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Reach a database. Nothing is asked of it yet.
 *
 * @throws AppError E_STORE_URL (exit 64) for certificate authorities that cannot be read; what is run throws E_STORE
 *   (exit 69), or E_STORE_UNSAFE (exit 78) where the server does not promise to keep what it has committed
 */
export async function reachDatabase(place: Pick<DatabasePlace, 'server' | 'password'>): Promise<Database> {
  const name = nameOfDatabase(place.server);
  let lack: unknown;
  // Never looked for by the package itself. What it is told in place of a password ends the connection at once, where an
  // error would leave it open.
  const password = async () => {
    try {
      lack = undefined;
      return place.password?.() ?? refuse(noPassword(name));
    } catch (error) {
      lack = error;
      return '-';
    }
  };
  const pool = await openPool(place.server, password, name);
  const names = new Map<string, string>();
  const on = (client: PoolClient): Run => {
    return async (text, values = []) => {
      const known = names.get(text) ?? `p${names.size}`;
      names.set(text, known);
      const { rows } = await client.query<Record<string, unknown>>({
        name: known,
        text,
        values: [...values],
      });
      return rows;
    };
  };
  const withClient = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    try {
      const client = await pool.connect();
      try {
        const result = await work(client);
        client.release();
        return result;
      } catch (error) {
        // What we refuse ourselves leaves the connection as it was. After anything else a new one is safer.
        client.release(!(error instanceof AppError));
        throw error;
      }
    } catch (error) {
      throw broken(name, WRONG_PASSWORD.test(codeIn(error)) ? (lack ?? error) : error);
    }
  };
  return {
    name,
    run: (text, values) => withClient((client) => on(client)(text, values)),
    transaction: (work) => withClient((client) => inTransaction(client, () => work(on(client)))),
    close: () => pool.end(),
  };
}

async function inTransaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // Any other error ends the connection, and the transaction with it.
    if (error instanceof AppError) await client.query('ROLLBACK');
    throw error;
  }
}

/** What the server has said, in its five characters, or Node of the way to it; empty for neither. */
export function codeOf(error: unknown): string {
  return codeIn((error as { cause?: unknown }).cause);
}
