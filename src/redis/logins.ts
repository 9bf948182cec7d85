import { loginKeyOf, loginOf, newId, sessionOf } from '../logins/sqlite-store.ts';
import type { LoginKey, LoginSet, LoginStore, SessionPassword } from '../logins/types.ts';
import { isLater } from '../otp/token.ts';
import type { Server } from './server.ts';
import { type Change, change, find, findAll, type Row, rowsOf } from './tables.ts';

const words = (text: unknown) =>
  String(text ?? '')
    .split(' ')
    .filter((word) => word !== '');

const digestName = (digest: Uint8Array) => Buffer.from(digest).toString('base64url');

/** A key that a login has from now on; counters go up only. */
async function serve(one: Change, login: Row, { publicId, validator, counters }: LoginKey): Promise<void> {
  const before = await one.get('login-keys', publicId);
  const last = before ? loginKeyOf(before).counters : undefined;
  const { useCounter, sessionUse } = last && !isLater(counters, last) ? last : counters;
  one.put('login-keys', publicId, {
    public_id: publicId,
    validator: JSON.stringify(validator),
    use_counter: useCounter,
    session_use: sessionUse,
    seen_ms: before?.['seen_ms'] ?? null,
  });
  const publicIds = [...new Set([...words(login['public_ids']), publicId])].sort();
  one.put('logins', String(login['id']), { ...login, public_ids: publicIds.join(' ') });
}

/** Login sets of an account, by their ids. */
async function idsIn(one: Change, account: string): Promise<readonly string[]> {
  return words((await one.get('by-account', account))?.['ids']);
}

const byAccount = (
  one: Pick<LoginSet | SessionPassword, 'account' | 'createdMs'>,
  other: Pick<LoginSet | SessionPassword, 'account' | 'createdMs'>,
) => (one.account === other.account ? one.createdMs - other.createdMs : one.account < other.account ? -1 : 1);

async function candidates(server: Server, account?: string, id?: string): Promise<readonly Row[]> {
  if (id !== undefined) return findAll(server, 'logins', [id]);
  if (account === undefined) return rowsOf(server, 'logins');
  return findAll(server, 'logins', words((await find(server, 'by-account', account))?.['ids']));
}

/** Logins in a Redis or Valkey server: whoever is added, or locked out, is so on every machine at once. */
export function redisLogins(server: Server): LoginStore {
  return {
    add: async (login, key, nowMs) => {
      const id = newId();
      return change(server, async (one) => {
        one.put('by-account', login.account, { ids: [...(await idsIn(one, login.account)), id].join(' ') });
        const row = {
          id,
          account: login.account,
          kind: login.kind,
          label: login.label,
          services: login.services.join(' '),
          password: login.password,
          expires_ms: login.expiresMs,
          created_ms: nowMs,
          changed_ms: nowMs,
        };
        await serve(one, row, key);
        return id;
      });
    },
    addKey: (loginId, key) =>
      change(server, async (one) => {
        const login = await one.get('logins', loginId);
        if (login) await serve(one, login, key);
      }),
    remove: (id) =>
      change(server, async (one) => {
        const login = await one.get('logins', id);
        if (!login) return false;
        const account = String(login['account']);
        const left = (await idsIn(one, account)).filter((each) => each !== id);
        if (left.length === 0) one.drop('by-account', account);
        else one.put('by-account', account, { ids: left.join(' ') });
        one.drop('logins', id);
        return true;
      }),
    setPassword: (id, password, nowMs) =>
      change(server, async (one) => {
        const login = await one.get('logins', id);
        if (login) one.put('logins', id, { ...login, password, changed_ms: nowMs });
      }),
    find: async ({ account, id, publicIds }) =>
      (await candidates(server, account, id))
        .map(loginOf)
        .filter(
          (login) =>
            (account === undefined || login.account === account) &&
            (!publicIds || login.publicIds.some((each) => publicIds.includes(each))),
        )
        .toSorted(byAccount),
    keys: async (publicIds) => (await findAll(server, 'login-keys', publicIds)).map(loginKeyOf),
    remember: (publicId, counters, nowMs) =>
      change(server, async (one) => {
        const row = await one.get('login-keys', publicId);
        if (!row || !isLater(counters, loginKeyOf(row).counters)) return false;
        const { useCounter, sessionUse } = counters;
        one.put('login-keys', publicId, {
          ...row,
          use_counter: useCounter,
          session_use: sessionUse,
          seen_ms: nowMs,
        });
        return true;
      }),
    addSession: async ({ account, digest, service, network, lengthMs }, nowMs) => {
      const id = newId();
      const name = digestName(digest);
      return change(server, async (one) => {
        one.put('by-id', id, { name });
        one.put('sessions', name, {
          id,
          account,
          service,
          network,
          length_ms: lengthMs,
          created_ms: nowMs,
          first_ms: null,
          last_ms: null,
        });
        return id;
      });
    },
    sessionBy: async (digest) => {
      const row = await find(server, 'sessions', digestName(digest));
      return row && sessionOf(row);
    },
    useSession: (id, nowMs) =>
      change(server, async (one) => {
        const name = String((await one.get('by-id', id))?.['name'] ?? '');
        const row = await one.get('sessions', name);
        if (row) one.put('sessions', name, { ...row, first_ms: row['first_ms'] ?? nowMs, last_ms: nowMs });
      }),
    sessions: async (account) =>
      (await rowsOf(server, 'sessions'))
        .map(sessionOf)
        .filter((session) => account === undefined || session.account === account)
        .toSorted(byAccount),
    endSessions: async ({ id, accounts }) => {
      const ended = (await rowsOf(server, 'sessions'))
        .map(sessionOf)
        .filter((session) => (id === undefined ? accounts?.includes(session.account) : session.id === id));
      return change(server, async (one) => {
        for (const session of ended) {
          const name = String((await one.get('by-id', session.id))?.['name'] ?? '');
          one.drop('sessions', name);
          one.drop('by-id', session.id);
        }
        return ended.length;
      });
    },
    // The connection belongs to all stores together.
    close: async () => undefined,
  };
}
