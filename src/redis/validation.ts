import type { MasterKey } from '../keys/master-key.ts';
import { type KeyState, secretIn } from '../keys/store.ts';
import { clientOf } from '../validation/clients.ts';
import { LastUses } from '../validation/last-uses.ts';
import { Remembered } from '../validation/remembered.ts';
import type { ValidationStore } from '../validation/types.ts';
import type { Script } from './client.ts';
import { spend } from './keys.ts';
import type { Server } from './server.ts';
import { change, find, keyOf } from './tables.ts';

const BEAT: Script = { name: 'posternBeat', lua: "return redis.call('SET', KEYS[1], ARGV[1])" };

/** A Redis or Valkey server as the validation server uses it. */
export function redisValidation(server: Server, masterKey: MasterKey): ValidationStore {
  const uses = new LastUses((id, nowMs) =>
    change(server, async (one) => {
      const row = await one.get('clients', String(id));
      if (row) one.put('clients', String(id), { ...row, used_ms: nowMs });
    }),
  );
  const remembered = new Remembered();
  return {
    client: async (id) => {
      const row = await find(server, 'clients', String(id));
      return remembered.note(row && clientOf(masterKey, row, Date.now()));
    },
    remembered: remembered.find,
    secretOf: async (publicId) => {
      const row = await find(server, 'keys', publicId);
      return row && secretIn(masterKey, row);
    },
    spend: async ({ publicId, fields, nonce, clientId, nowMs }) => {
      const { useCounter, sessionUse, timestamp } = fields;
      const told = await spend(server, { publicId, useCounter, sessionUse, timestamp, nowMs, nonce });
      if (told['state'] === undefined) return { kind: told['same'] === true ? 'same-request' : 'used' };
      await uses.note(clientId, nowMs);
      return {
        kind: 'fresh',
        state: told['state'] as KeyState,
        earlier: {
          useCounter: told['use_counter'] as number,
          timestamp: (told['timestamp'] ?? null) as number | null,
          seenMs: (told['seen_ms'] ?? null) as number | null,
        },
      };
    },
    check: async (nowMs) => {
      await server.write(BEAT, [keyOf('health')], [String(nowMs)]);
    },
    // The connection belongs to all stores together.
    close: async () => undefined,
  };
}
