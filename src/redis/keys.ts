import type { MasterKey } from '../keys/master-key.ts';
import { seal } from '../keys/seal.ts';
import type { KeyChange, ServedKeys } from '../keys/served.ts';
import { aboutKey, type KeyState, keyOf as keyRecordOf, type NewKey, secretIn } from '../keys/store.ts';
import { isLater } from '../otp/token.ts';
import type { Script } from './client.ts';
import type { Server } from './server.ts';
import { type Change, change, find, keyOf, type Row, rowsOf } from './tables.ts';

/**
 * Spend one OTP. A script runs alone: of any number of callers one finds the counters lower than its own. It tells what
 * was there before, and whether it is the same request again.
 */
export const SPEND: Script = {
  name: 'posternSpend',
  lua: `
    local found = redis.call('HGET', KEYS[1], ARGV[1])
    if not found then return cjson.encode({}) end
    local row = cjson.decode(found)
    local use, session = tonumber(ARGV[2]), tonumber(ARGV[3])
    local told = { use_counter = row.use_counter, timestamp = row.timestamp, seen_ms = row.seen_ms }
    if use > row.use_counter or (use == row.use_counter and session > row.session_use) then
      told.state = row.state
      row.use_counter, row.session_use = use, session
      row.timestamp, row.seen_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
      row.nonce = ARGV[6] == '' and cjson.null or ARGV[6]
      redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(row))
    else
      told.same = use == row.use_counter and session == row.session_use and row.nonce == ARGV[6] and ARGV[6] ~= ''
    end
    return cjson.encode(told)`,
};

export type Spend = {
  readonly publicId: string;
  readonly useCounter: number;
  readonly sessionUse: number;
  readonly timestamp: number;
  readonly nowMs: number;
  /** Empty where there is none. */
  readonly nonce: string;
};

/** @returns a row with `state` when it was fresh, with `same` for a repetition */
export async function spend(server: Server, wanted: Spend): Promise<Row> {
  const { publicId, useCounter, sessionUse, timestamp, nowMs, nonce } = wanted;
  const values = [publicId, ...[useCounter, sessionUse, timestamp, nowMs].map(String), nonce];
  return JSON.parse((await server.write(SPEND, [keyOf('keys')], values)) as string) as Row;
}

function rowOf(masterKey: MasterKey, key: NewKey, nowMs: number): Row {
  const { publicId, state, serial, secret, counters } = key;
  return {
    public_id: publicId,
    state,
    secret: seal(masterKey, Buffer.concat([secret.privateId, secret.aesKey]), aboutKey(publicId)),
    use_counter: counters?.useCounter ?? -1,
    session_use: counters?.sessionUse ?? -1,
    timestamp: counters?.timestamp ?? null,
    seen_ms: null,
    nonce: null,
    serial,
    created_ms: nowMs,
    changed_ms: nowMs,
  };
}

function raised(row: Row, { state, counters }: Extract<KeyChange, { kind: 'raise' }>, nowMs: number): Row {
  const rises = counters !== null && isLater(counters, keyRecordOf(row).counters);
  return {
    ...row,
    state: row['state'] === 'disabled' ? 'disabled' : state,
    changed_ms: nowMs,
    ...(rises && {
      use_counter: counters.useCounter,
      session_use: counters.sessionUse,
      timestamp: counters.timestamp,
    }),
  };
}

/** @returns false when a key that is to be added is there */
async function applyAll(
  one: Change,
  masterKey: MasterKey,
  changes: readonly KeyChange[],
  nowMs: number,
): Promise<boolean> {
  const planned: Row[] = [];
  for (const each of changes) {
    const name = each.kind === 'add' ? each.key.publicId : each.publicId;
    const row = await one.get('keys', name);
    if (each.kind === 'add' && row) return false;
    if (each.kind === 'add') planned.push(rowOf(masterKey, each.key, nowMs));
    else if (row) planned.push(raised(row, each, nowMs));
  }
  for (const row of planned) one.put('keys', String(row['public_id']), row);
  return true;
}

const byPublicId = (one: Row, other: Row) => (String(one['public_id']) < String(other['public_id']) ? -1 : 1);

/** The keys in a Redis or Valkey server. What is in the slots of a key is known where it was programmed, and not here. */
export function redisKeys(server: Server, masterKey: MasterKey): ServedKeys {
  return {
    key: async (publicId) => {
      const row = await find(server, 'keys', publicId);
      return row && keyRecordOf(row);
    },
    keys: async () => (await rowsOf(server, 'keys')).toSorted(byPublicId).map(keyRecordOf),
    secretOf: async (publicId) => {
      const row = await find(server, 'keys', publicId);
      return row && secretIn(masterKey, row);
    },
    spend: async (publicId, otp, nowMs) => {
      const { state } = await spend(server, { publicId, ...otp, nowMs, nonce: '' });
      return state === undefined ? { kind: 'used' } : { kind: 'fresh', state: state as KeyState };
    },
    apply: (changes, nowMs) => change(server, (one) => applyAll(one, masterKey, changes, nowMs)),
    disable: async (serial, nowMs) => {
      const own = (await rowsOf(server, 'keys')).filter((row) => row['serial'] === serial);
      return change(server, async (one) => {
        const disabled: string[] = [];
        for (const name of own.map((row) => String(row['public_id']))) {
          const row = await one.get('keys', name);
          if (!row || row['state'] === 'disabled') continue;
          one.put('keys', name, { ...row, state: 'disabled', changed_ms: nowMs });
          disabled.push(name);
        }
        return disabled;
      });
    },
    isKnown: async (serial) => (await rowsOf(server, 'keys')).some((row) => row['serial'] === serial),
    accessCodes: async () => new Map(),
  };
}
