import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openDatabase } from '../keys/database.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { aboutKey, type KeyState } from '../keys/store.ts';
import { clientOf, openSecret } from './clients.ts';
import { Committer } from './committer.ts';
import type { Spending, Spent, ValidationStore } from './types.ts';

/** Last use of a client is written down this often at most, in milliseconds. */
const USED_MS = 60_000;

/** The statements of one spending. They run inside a transaction that nobody else writes in. */
class Spender {
  private readonly find: StatementSync;
  private readonly advance: StatementSync;
  private readonly remember: StatementSync;
  private readonly last: StatementSync;
  private readonly used: StatementSync;

  constructor(database: DatabaseSync) {
    this.find = database.prepare(
      'SELECT state, use_counter, session_use, timestamp, seen_ms FROM keys WHERE public_id = ?',
    );
    this.advance = database.prepare(
      `UPDATE keys SET use_counter = ?1, session_use = ?2, timestamp = ?3, seen_ms = ?4
       WHERE public_id = ?5 AND (use_counter, session_use) < (?1, ?2)`,
    );
    this.remember = database.prepare(
      `INSERT INTO validation_seen (public_id, use_counter, session_use, nonce) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (public_id) DO UPDATE SET use_counter = ?2, session_use = ?3, nonce = ?4`,
    );
    this.last = database.prepare(
      'SELECT 1 FROM validation_seen WHERE public_id = ? AND use_counter = ? AND session_use = ? AND nonce = ?',
    );
    this.used = database.prepare(
      'UPDATE validation_clients SET used_ms = ?2 WHERE id = ?1 AND (used_ms IS NULL OR used_ms < ?2 - ?3)',
    );
  }

  spend({ publicId, fields, nonce, clientId, nowMs }: Spending): Spent {
    const { useCounter, sessionUse, timestamp } = fields;
    const row = this.find.get(publicId);
    const { changes } = this.advance.run(useCounter, sessionUse, timestamp, nowMs, publicId);
    // Whether the row was changed is the verdict: reading before writing would let two in.
    if (!row || Number(changes) !== 1) {
      const same = row && this.last.get(publicId, useCounter, sessionUse, nonce);
      return { kind: same ? 'same-request' : 'used' };
    }
    this.remember.run(publicId, useCounter, sessionUse, nonce);
    this.used.run(clientId, nowMs, USED_MS);
    return {
      kind: 'fresh',
      state: row['state'] as KeyState,
      earlier: {
        useCounter: row['use_counter'] as number,
        timestamp: row['timestamp'] as number | null,
        seenMs: row['seen_ms'] as number | null,
      },
    };
  }
}

/**
 * The store of keys as the server uses it: the same database as the commands', on a connection of its own. Several
 * processes may have it open.
 *
 * @throws AppError as {@link openDatabase} does
 */
export async function openValidationStore(file: string, masterKey: MasterKey): Promise<ValidationStore> {
  const database = await openDatabase(file);
  // The committer waits by itself, so that one process that writes for long does not stop the answers of this one.
  database.exec('PRAGMA busy_timeout = 0');
  const committer = new Committer(database);
  const spender = new Spender(database);
  const findClient = database.prepare('SELECT * FROM validation_clients WHERE id = ?');
  const findSecret = database.prepare('SELECT secret FROM keys WHERE public_id = ?');
  const beat = database.prepare(
    'INSERT INTO validation_health (n, ms) VALUES (1, ?1) ON CONFLICT (n) DO UPDATE SET ms = ?1',
  );
  return {
    client: async (id) => {
      const row = findClient.get(id);
      return row && clientOf(masterKey, row, Date.now());
    },
    secretOf: async (publicId) => {
      const row = findSecret.get(publicId);
      if (!row) return undefined;
      const secret = openSecret(masterKey, row['secret'], aboutKey(publicId));
      return { privateId: secret.subarray(0, 6), aesKey: secret.subarray(6) };
    },
    spend: (spending) => committer.run(() => spender.spend(spending)),
    check: (nowMs) => committer.run(() => void beat.run(nowMs)),
    close: async () => database.close(),
  };
}
