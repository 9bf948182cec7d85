import type { DatabaseSync } from 'node:sqlite';
import { openDatabase, transaction } from '../keys/database.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { unseal } from '../keys/seal.ts';
import { aboutKey } from '../keys/store.ts';
import { writeAudit } from '../validation/audit.ts';
import { type Act, aboutClient } from '../validation/clients.ts';
import { writeSharedAudit } from './clients.ts';
import { type Database, type Row, type Run, reachDatabase } from './database.ts';
import { openWith, requireItsKey } from './open.ts';
import { type DatabasePlace, nameOfDatabase } from './place.ts';
import { versionOf } from './schema.ts';

/** What became of the rows of one kind. */
export type Moved = {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Names of those that the database has with another secret: they stay as they are there. */
  readonly conflicts: readonly string[];
};

export type Move = Readonly<Record<'keys' | 'clients' | 'logins' | 'sessions', Moved>> & {
  /** Entries of the audit log that were taken over, which only a database without any does. */
  readonly auditEntries: number;
};

type Outcome = 'added' | 'updated' | 'unchanged' | 'conflict';

/** Rows of one kind, and how one of them gets there. */
type Kind = {
  /** In an order in which rows may be locked. */
  readonly rows: readonly Row[];
  readonly nameOf: (row: Row) => string;
  /** Those that are there, by name. */
  readonly there: ReadonlyMap<string, Row>;
  readonly judge: (row: Row, there: Row) => Exclude<Outcome, 'added'>;
  readonly insert: (run: Run, row: Row) => Promise<void>;
  readonly update?: (run: Run, row: Row) => Promise<unknown>;
  /** For what belongs to a row, whatever became of it. */
  readonly complete?: (run: Run, row: Row) => Promise<void>;
};

const later = (one: Row, other: Row) => {
  const use = Number(one['use_counter']) - Number(other['use_counter']);
  return use > 0 || (use === 0 && Number(one['session_use']) > Number(other['session_use']));
};

/** Put a row into a table of the same columns. */
async function insert(run: Run, table: string, row: Row): Promise<void> {
  const columns = Object.keys(row);
  const marks = columns.map((_, index) => `$${index + 1}`);
  await run(
    `INSERT INTO ${table} (${columns.map((name) => `"${name}"`).join(', ')}) VALUES (${marks.join(', ')})`,
    Object.values(row),
  );
}

async function byName(run: Run, table: string, column: string): Promise<Map<string, Row>> {
  const rows = await run(`SELECT * FROM ${table}`);
  return new Map(rows.map((row) => [String(row[column]), row]));
}

function sameSecret(masterKey: MasterKey, about: string, one: unknown, other: unknown): boolean {
  const first = unseal(masterKey, one as Uint8Array, about);
  const second = unseal(masterKey, other as Uint8Array, about);
  return first !== undefined && second !== undefined && first.equals(second);
}

/** States in the order in which one overrules another. */
const STRICTNESS = ['disabled', 'active', 'written'];
const overrules = (one: Row, other: Row) =>
  STRICTNESS.indexOf(String(one['state'])) < STRICTNESS.indexOf(String(other['state']));

async function keysOf(from: DatabaseSync, to: Run, masterKey: MasterKey): Promise<Kind> {
  return {
    // The nonce stands beside the counters there, and counts for them alone.
    rows: from
      .prepare(
        `SELECT k.*, s.nonce FROM keys k LEFT JOIN validation_seen s
           ON s.public_id = k.public_id AND s.use_counter = k.use_counter AND s.session_use = k.session_use
         ORDER BY k.public_id`,
      )
      .all(),
    nameOf: (row) => String(row['public_id']),
    there: await byName(to, 'keys', 'public_id'),
    judge: (row, there) => {
      const about = aboutKey(String(row['public_id']));
      if (!sameSecret(masterKey, about, row['secret'], there['secret'])) return 'conflict';
      return later(row, there) || overrules(row, there) ? 'updated' : 'unchanged';
    },
    insert: (run, row) => insert(run, 'keys', row),
    update: (run, row) =>
      run(
        `UPDATE keys SET changed_ms = greatest(changed_ms, $8),
           state = CASE WHEN 'disabled' IN (state, $2) THEN 'disabled' WHEN 'active' IN (state, $2) THEN 'active'
             ELSE state END,
           use_counter = CASE WHEN (use_counter, session_use) < ($3, $4) THEN $3 ELSE use_counter END,
           session_use = CASE WHEN (use_counter, session_use) < ($3, $4) THEN $4 ELSE session_use END,
           "timestamp" = CASE WHEN (use_counter, session_use) < ($3, $4) THEN $5 ELSE "timestamp" END,
           seen_ms = CASE WHEN (use_counter, session_use) < ($3, $4) THEN $6 ELSE seen_ms END,
           nonce = CASE WHEN (use_counter, session_use) < ($3, $4) THEN $7 ELSE nonce END
         WHERE public_id = $1`,
        [
          'public_id',
          'state',
          'use_counter',
          'session_use',
          'timestamp',
          'seen_ms',
          'nonce',
          'changed_ms',
        ].map((name) => row[name]),
      ),
  };
}

async function clientsOf(from: DatabaseSync, to: Run, masterKey: MasterKey): Promise<Kind> {
  return {
    rows: from.prepare('SELECT * FROM validation_clients ORDER BY id').all(),
    nameOf: (row) => String(row['id']),
    there: await byName(to, 'validation_clients', 'id'),
    judge: (row, there) => {
      const about = aboutClient(Number(row['id']));
      if (!sameSecret(masterKey, about, row['api_key'], there['api_key'])) return 'conflict';
      return row['state'] === 'disabled' && there['state'] !== 'disabled' ? 'updated' : 'unchanged';
    },
    insert: (run, row) => insert(run, 'validation_clients', row),
    update: (run, row) =>
      run("UPDATE validation_clients SET state = 'disabled', changed_ms = $2 WHERE id = $1", [
        row['id'],
        row['changed_ms'],
      ]),
  };
}

/** A login set with its keys, whose counters go up only. */
async function loginsOf(from: DatabaseSync, to: Run): Promise<Kind> {
  const keys = from.prepare(
    'SELECT * FROM login_keys WHERE public_id IN (SELECT public_id FROM login_has_key WHERE login_id = ?)',
  );
  return {
    rows: from.prepare('SELECT * FROM logins ORDER BY id').all(),
    nameOf: (row) => String(row['id']),
    there: await byName(to, 'logins', 'id'),
    judge: () => 'unchanged',
    insert: (run, row) => insert(run, 'logins', row),
    // Its keys may have been used since, or have become more.
    complete: async (run, { id }) => {
      for (const key of keys.all(id as string)) {
        await run(
          `INSERT INTO login_keys AS k (public_id, validator, use_counter, session_use, seen_ms)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (public_id) DO UPDATE SET
             use_counter = $3, session_use = $4, seen_ms = $5
             WHERE (k.use_counter, k.session_use) < ($3, $4)`,
          ['public_id', 'validator', 'use_counter', 'session_use', 'seen_ms'].map((name) => key[name]),
        );
        await run('INSERT INTO login_has_key (login_id, public_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
          id,
          key['public_id'],
        ]);
      }
    },
  };
}

async function sessionsOf(from: DatabaseSync, to: Run): Promise<Kind> {
  return {
    rows: from.prepare('SELECT * FROM session_passwords ORDER BY id').all(),
    nameOf: (row) => String(row['id']),
    there: await byName(to, 'session_passwords', 'id'),
    judge: () => 'unchanged',
    insert: (run, row) => insert(run, 'session_passwords', row),
  };
}

/** @param run  null to change nothing */
async function moveKind(run: Run | null, kind: Kind): Promise<Moved> {
  const counts = { added: 0, updated: 0, unchanged: 0 };
  const conflicts: string[] = [];
  for (const row of kind.rows) {
    const name = kind.nameOf(row);
    const there = kind.there.get(name);
    const outcome = there ? kind.judge(row, there) : 'added';
    if (outcome === 'conflict') conflicts.push(name);
    else {
      counts[outcome] += 1;
      if (run && outcome === 'added') await kind.insert(run, row);
      if (run && outcome === 'updated') await kind.update?.(run, row);
      if (run) await kind.complete?.(run, row);
    }
  }
  return { ...counts, conflicts };
}

/** The log goes on there, entry by entry, where it has not begun. */
async function moveAudit(from: DatabaseSync, to: Run, run: Run | null): Promise<number> {
  if ((await to('SELECT 1 FROM audit LIMIT 1')).length > 0) return 0;
  const rows = from.prepare('SELECT * FROM audit ORDER BY n').all();
  if (run) for (const row of rows) await insert(run, 'audit', row);
  return rows.length;
}

/**
 * @param to  reads
 * @param run  writes; null to change nothing
 */
async function moveAll(from: DatabaseSync, masterKey: MasterKey, to: Run, run: Run | null): Promise<Move> {
  return {
    auditEntries: await moveAudit(from, to, run),
    keys: await moveKind(run, await keysOf(from, to, masterKey)),
    clients: await moveKind(run, await clientsOf(from, to, masterKey)),
    logins: await moveKind(run, await loginsOf(from, to)),
    sessions: await moveKind(run, await sessionsOf(from, to)),
  };
}

async function lookOnly(from: DatabaseSync, masterKey: MasterKey, database: Database): Promise<Move> {
  if ((await versionOf(database.run)) === null) return moveAll(from, masterKey, async () => [], null);
  await requireItsKey(database, masterKey);
  return moveAll(from, masterKey, database.run, null);
}

/**
 * Copy keys, clients, logins, session passwords and the audit log of a folder into a database, all of it or nothing. It
 * may be repeated: counters go up only, what is disabled on either side stays so, secrets are never replaced. The database
 * has the master key of the folder from then on; the slots of a desk stay in the folder.
 *
 * @param act  who does it; null to look only
 * @throws AppError E_STORE (exit 69), E_MASTER_KEY, E_STORE_NEWER or E_STORE_UNSAFE (exit 78)
 */
export async function moveIntoDatabase(
  file: string,
  masterKey: MasterKey,
  place: Pick<DatabasePlace, 'server' | 'password'>,
  act: Act | null,
): Promise<Move> {
  const from = await openDatabase(file);
  try {
    const database = await reachDatabase(place);
    try {
      if (act === null) return await lookOnly(from, masterKey, database);
      await openWith(database, masterKey);
      const moved = await database.transaction(async (run) => {
        const all = await moveAll(from, masterKey, run, run);
        await writeSharedAudit(run, act, 'move in', file);
        return all;
      });
      const subject = nameOfDatabase(place.server);
      transaction(from, () =>
        writeAudit(from, { timeMs: act.nowMs, actor: act.actor, action: 'move out', subject }),
      );
      return moved;
    } finally {
      await database.close();
    }
  } finally {
    from.close();
  }
}
