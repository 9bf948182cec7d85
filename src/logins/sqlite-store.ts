import { randomBytes } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import { openDatabase, transaction } from '../keys/database.ts';
import type { ValidatorConfig } from '../validators/types.ts';
import type { LoginFilter, LoginKey, LoginKind, LoginSet, LoginStore, SessionPassword } from './types.ts';

type Row = Readonly<Record<string, unknown>>;

/** A row of `logins`, with the public ids of its keys. */
export function loginOf(row: Row): LoginSet {
  return {
    id: row['id'] as string,
    account: row['account'] as string,
    kind: row['kind'] as LoginKind,
    label: row['label'] as string,
    publicIds: ((row['public_ids'] as string | null) ?? '').split(' '),
    services: (row['services'] as string).split(' ').filter((name) => name !== ''),
    password: row['password'] as string | null,
    expiresMs: row['expires_ms'] as number | null,
    createdMs: row['created_ms'] as number,
  };
}

/** A row of `login_keys`. */
export function loginKeyOf(row: Row): LoginKey {
  return {
    publicId: row['public_id'] as string,
    validator: JSON.parse(row['validator'] as string) as ValidatorConfig,
    counters: { useCounter: row['use_counter'] as number, sessionUse: row['session_use'] as number },
  };
}

/** A row of `session_passwords`. */
export function sessionOf(row: Row): SessionPassword {
  return {
    id: row['id'] as string,
    account: row['account'] as string,
    service: row['service'] as string,
    network: row['network'] as string | null,
    lengthMs: row['length_ms'] as number,
    createdMs: row['created_ms'] as number,
    firstMs: row['first_ms'] as number | null,
    lastMs: row['last_ms'] as number | null,
  };
}

const marks = (values: readonly unknown[]) => values.map(() => '?').join(', ');
/** A new id of a login or a session password. */
export const newId = () => randomBytes(5).toString('hex');

/** Conditions of a filter, and their values. */
function conditions({ account, id, publicIds }: LoginFilter): readonly [sql: string, values: string[]] {
  const parts: string[] = [];
  const values: string[] = [];
  if (account !== undefined) parts.push('l.account = ?') && values.push(account);
  if (id !== undefined) parts.push('l.id = ?') && values.push(id);
  if (publicIds) {
    parts.push(`l.id IN (SELECT login_id FROM login_has_key WHERE public_id IN (${marks(publicIds)}))`);
    values.push(...publicIds);
  }
  return [parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values];
}

/**
 * Logins in the database of the keys, over a connection of their own.
 *
 * @throws AppError E_STORE_NEWER (exit 78), E_STORE_PERMISSION (exit 77), E_STORE (exit 69)
 */
export async function openLoginStore(file: string): Promise<LoginStore> {
  const database = await openDatabase(file);
  database.exec('PRAGMA foreign_keys = ON');
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const statement = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, statement);
    return statement;
  };
  const serve = (loginId: string, { publicId, validator, counters }: LoginKey) => {
    sql(
      `INSERT INTO login_keys (public_id, validator, use_counter, session_use) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (public_id) DO UPDATE SET validator = ?2,
         (use_counter, session_use) = (SELECT max(use_counter, ?3),
           CASE WHEN use_counter < ?3 THEN ?4 WHEN use_counter = ?3 THEN max(session_use, ?4) ELSE session_use END)`,
    ).run(publicId, JSON.stringify(validator), counters.useCounter, counters.sessionUse);
    sql('INSERT OR IGNORE INTO login_has_key (login_id, public_id) VALUES (?, ?)').run(loginId, publicId);
  };
  return {
    add: async (login, key, nowMs) =>
      transaction(database, () => {
        const id = newId();
        sql(
          `INSERT INTO logins (id, account, kind, label, services, password, expires_ms, created_ms, changed_ms)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)`,
        ).run(
          id,
          login.account,
          login.kind,
          login.label,
          login.services.join(' '),
          login.password,
          login.expiresMs,
          nowMs,
        );
        serve(id, key);
        return id;
      }),
    addKey: async (loginId, key) => transaction(database, () => serve(loginId, key)),
    remove: async (id) => Number(sql('DELETE FROM logins WHERE id = ?').run(id).changes) > 0,
    setPassword: async (id, password, nowMs) => {
      sql('UPDATE logins SET password = ?, changed_ms = ? WHERE id = ?').run(password, nowMs, id);
    },
    find: async (filter) => {
      const [where, values] = conditions(filter);
      return sql(
        `SELECT l.*, (SELECT group_concat(public_id, ' ') FROM login_has_key WHERE login_id = l.id) AS public_ids
         FROM logins l ${where} ORDER BY l.account, l.created_ms`,
      )
        .all(...values)
        .map(loginOf);
    },
    keys: async (publicIds) =>
      sql(`SELECT * FROM login_keys WHERE public_id IN (${marks(publicIds)})`)
        .all(...publicIds)
        .map(loginKeyOf),
    remember: async (publicId, { useCounter, sessionUse }, nowMs) =>
      Number(
        sql(
          `UPDATE login_keys SET use_counter = ?1, session_use = ?2, seen_ms = ?3
           WHERE public_id = ?4 AND (use_counter, session_use) < (?1, ?2)`,
        ).run(useCounter, sessionUse, nowMs, publicId).changes,
      ) === 1,
    addSession: async ({ account, digest, service, network, lengthMs }, nowMs) => {
      const id = newId();
      sql(
        `INSERT INTO session_passwords (id, account, digest, service, network, length_ms, created_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ).run(id, account, digest, service, network, lengthMs, nowMs);
      return id;
    },
    sessionBy: async (digest) => {
      const row = sql('SELECT * FROM session_passwords WHERE digest = ?').get(digest);
      return row && sessionOf(row);
    },
    useSession: async (id, nowMs) => {
      sql('UPDATE session_passwords SET first_ms = coalesce(first_ms, ?1), last_ms = ?1 WHERE id = ?2').run(
        nowMs,
        id,
      );
    },
    sessions: async (account) =>
      (account === undefined
        ? sql('SELECT * FROM session_passwords ORDER BY account, created_ms').all()
        : sql('SELECT * FROM session_passwords WHERE account = ? ORDER BY created_ms').all(account)
      ).map(sessionOf),
    endSessions: async ({ id, accounts }) => {
      const [where, values] =
        id === undefined ? [`account IN (${marks(accounts ?? [])})`, accounts ?? []] : ['id = ?', [id]];
      return Number(sql(`DELETE FROM session_passwords WHERE ${where}`).run(...values).changes);
    },
    close: async () => database.close(),
  };
}
