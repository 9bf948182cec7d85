import { loginKeyOf, loginOf, newId, sessionOf } from '../logins/sqlite-store.ts';
import type { LoginKey, LoginStore } from '../logins/types.ts';
import type { Database, Run } from './database.ts';

/** A key that a login has from now on; counters go up only. */
async function serve(run: Run, loginId: string, { publicId, validator, counters }: LoginKey): Promise<void> {
  await run(
    `INSERT INTO login_keys AS k (public_id, validator, use_counter, session_use) VALUES ($1, $2, $3, $4)
     ON CONFLICT (public_id) DO UPDATE SET validator = $2,
       use_counter = CASE WHEN (k.use_counter, k.session_use) < ($3, $4) THEN $3 ELSE k.use_counter END,
       session_use = CASE WHEN (k.use_counter, k.session_use) < ($3, $4) THEN $4 ELSE k.session_use END`,
    [publicId, JSON.stringify(validator), counters.useCounter, counters.sessionUse],
  );
  await run('INSERT INTO login_has_key (login_id, public_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    loginId,
    publicId,
  ]);
}

/** Logins in a shared database: whoever is added, or locked out, is so on every machine at once. */
export function sharedLogins({ run, transaction }: Database): LoginStore {
  return {
    add: (login, key, nowMs) =>
      transaction(async (within) => {
        const id = newId();
        await within(
          `INSERT INTO logins (id, account, kind, label, services, password, expires_ms, created_ms, changed_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
          [
            id,
            login.account,
            login.kind,
            login.label,
            login.services.join(' '),
            login.password,
            login.expiresMs,
            nowMs,
          ],
        );
        await serve(within, id, key);
        return id;
      }),
    addKey: (loginId, key) => transaction((within) => serve(within, loginId, key)),
    remove: async (id) => (await run('DELETE FROM logins WHERE id = $1 RETURNING id', [id])).length > 0,
    setPassword: async (id, password, nowMs) => {
      await run('UPDATE logins SET password = $1, changed_ms = $2 WHERE id = $3', [password, nowMs, id]);
    },
    find: async ({ account = null, id = null, publicIds = null }) => {
      const rows = await run(
        `SELECT l.*, (SELECT string_agg(public_id, ' ' ORDER BY public_id)
           FROM login_has_key WHERE login_id = l.id) AS public_ids
         FROM logins l
         WHERE ($1::text IS NULL OR l.account = $1) AND ($2::text IS NULL OR l.id = $2)
           AND ($3::text[] IS NULL OR l.id IN (SELECT login_id FROM login_has_key WHERE public_id = ANY ($3)))
         ORDER BY l.account, l.created_ms`,
        [account, id, publicIds],
      );
      return rows.map(loginOf);
    },
    keys: async (publicIds) =>
      (await run('SELECT * FROM login_keys WHERE public_id = ANY ($1)', [publicIds])).map(loginKeyOf),
    remember: async (publicId, { useCounter, sessionUse }, nowMs) => {
      const rows = await run(
        `UPDATE login_keys SET use_counter = $1, session_use = $2, seen_ms = $3
         WHERE public_id = $4 AND (use_counter, session_use) < ($1, $2) RETURNING public_id`,
        [useCounter, sessionUse, nowMs, publicId],
      );
      return rows.length === 1;
    },
    addSession: async ({ account, digest, service, network, lengthMs }, nowMs) => {
      const id = newId();
      await run(
        `INSERT INTO session_passwords (id, account, digest, service, network, length_ms, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [id, account, digest, service, network, lengthMs, nowMs],
      );
      return id;
    },
    sessionBy: async (digest) => {
      const [row] = await run('SELECT * FROM session_passwords WHERE digest = $1', [digest]);
      return row && sessionOf(row);
    },
    useSession: async (id, nowMs) => {
      await run(
        'UPDATE session_passwords SET first_ms = coalesce(first_ms, $1), last_ms = $1 WHERE id = $2',
        [nowMs, id],
      );
    },
    sessions: async (account) => {
      const rows = await run(
        `SELECT * FROM session_passwords WHERE $1::text IS NULL OR account = $1 ORDER BY account, created_ms`,
        [account ?? null],
      );
      return rows.map(sessionOf);
    },
    endSessions: async ({ id = null, accounts = null }) => {
      const rows = await run(
        'DELETE FROM session_passwords WHERE id = $1 OR ($1::text IS NULL AND account = ANY ($2)) RETURNING id',
        [id, accounts],
      );
      return rows.length;
    },
    // The connections belong to all stores together.
    close: async () => undefined,
  };
}
