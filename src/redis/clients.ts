import { randomBytes } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { seal } from '../keys/seal.ts';
import { checkAudit, nextEntry } from '../validation/audit.ts';
import {
  type Act,
  type Administration,
  API_KEY_SIZE,
  aboutClient,
  isThere,
  type NewClient,
  noClient,
  notFound,
  recordOf,
} from '../validation/clients.ts';
import type { Server } from './server.ts';
import { type Change, change, keyOf, type Row, rowsOf, unpacked } from './tables.ts';

/** Entries of the audit log that are read at a time. */
const PAGE = 1000;

/** Write down what is done by this change: of several nodes one gets the next number, the others begin anew. */
export function noteIn(one: Change, { actor, nowMs }: Act, action: string, subject: string): Promise<void> {
  return one.append((last) => {
    const [n, time_ms, , , , hash] = nextEntry(last, { timeMs: nowMs, actor, action, subject });
    return { n, time_ms, actor, action, subject, hash };
  });
}

async function* auditRows(server: Server): AsyncGenerator<Row> {
  for (let begin = 0; ; begin += PAGE) {
    const texts = (await server.ask('LRANGE', keyOf('audit'), begin, begin + PAGE - 1)) as string[];
    yield* texts.map(unpacked);
    if (texts.length < PAGE) return;
  }
}

const byId = (one: Row, other: Row) => Number(one['id']) - Number(other['id']);

async function addClient(
  server: Server,
  one: Change,
  masterKey: MasterKey,
  client: NewClient,
  nowMs: number,
) {
  const ids = ((await server.ask('HKEYS', keyOf('clients'))) as string[]).map(Number);
  const id = client.id ?? Math.max(0, ...ids) + 1;
  if (await one.get('clients', String(id))) throw isThere(id);
  const apiKey = client.apiKey ?? randomBytes(API_KEY_SIZE);
  one.put('clients', String(id), {
    id,
    label: client.label,
    state: 'active',
    api_key: seal(masterKey, apiKey, aboutClient(id)),
    old_key: null,
    old_until_ms: null,
    must_sign: client.mustSign ? 1 : 0,
    public_ids: JSON.stringify(client.publicIds),
    networks: JSON.stringify(client.networks),
    created_ms: nowMs,
    changed_ms: nowMs,
    used_ms: null,
  });
  return { id, apiKey };
}

async function clientIn(one: Change, id: number): Promise<Row> {
  const row = await one.get('clients', String(id));
  if (!row) throw noClient(id);
  return row;
}

function noCopy(name: string): AppError {
  return new AppError(`The store is the server ${name}, which has means of its own to be copied.`, {
    code: 'E_STORE_KIND',
    exit: ExitCode.usage,
    hint: 'Copy the folder of its append-only file, as its documentation tells.',
  });
}

/** Administration of a Redis or Valkey server. */
export function redisAdministration(server: Server, masterKey: MasterKey): Administration {
  /** What `keep` puts somewhere is put there once, whoever else changes something meanwhile. */
  const once = <T extends unknown[]>(keep: (...given: T) => void) => {
    let kept = '';
    return (...given: T) => {
      const now = JSON.stringify(given);
      if (kept !== now) keep(...given);
      kept = now;
    };
  };
  return {
    clients: async () =>
      (await rowsOf(server, 'clients')).toSorted(byId).map((row) => recordOf(row, Date.now())),
    addClient: async (client, act, keep) => {
      const apiKey = client.apiKey ?? randomBytes(API_KEY_SIZE);
      const put = once(keep);
      return change(server, async (one) => {
        const added = await addClient(server, one, masterKey, { ...client, apiKey }, act.nowMs);
        await noteIn(one, act, 'client add', String(added.id));
        put(added.id, apiKey);
        return added;
      });
    },
    setClient: (id, state, act) =>
      change(server, async (one) => {
        one.put('clients', String(id), { ...(await clientIn(one, id)), state, changed_ms: act.nowMs });
        await noteIn(one, act, state === 'active' ? 'client enable' : 'client disable', String(id));
      }),
    rotateClient: async (id, overlapMs, act, keep) => {
      const apiKey = randomBytes(API_KEY_SIZE);
      const put = once(keep);
      return change(server, async (one) => {
        const row = await clientIn(one, id);
        one.put('clients', String(id), {
          ...row,
          old_key: row['api_key'],
          old_until_ms: act.nowMs + overlapMs,
          api_key: seal(masterKey, apiKey, aboutClient(id)),
          changed_ms: act.nowMs,
        });
        await noteIn(one, act, 'client rotate', String(id));
        put(apiKey);
        return apiKey;
      });
    },
    setKey: (publicId, state, act) =>
      change(server, async (one) => {
        const row = await one.get('keys', publicId);
        if (!row)
          throw notFound(`key with the public id ${publicId}`, '"postern validation key list" shows them.');
        one.put('keys', publicId, { ...row, state, changed_ms: act.nowMs });
        await noteIn(one, act, state === 'active' ? 'key enable' : 'key disable', publicId);
      }),
    note: (action, subject, act) => change(server, (one) => noteIn(one, act, action, subject)),
    audit: (latest) => checkAudit(auditRows(server), latest),
    backUp: async () => {
      throw noCopy(server.name);
    },
    // The connection belongs to all stores together.
    close: async () => undefined,
  };
}
