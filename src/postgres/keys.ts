import type { MasterKey } from '../keys/master-key.ts';
import { seal } from '../keys/seal.ts';
import type { KeyChange, ServedKeys } from '../keys/served.ts';
import { aboutKey, type KeyState, keyOf, secretIn } from '../keys/store.ts';
import { codeOf, type Database, type Run } from './database.ts';

/** unique_violation */
const DUPLICATE = '23505';

async function add(
  run: Run,
  masterKey: MasterKey,
  changes: readonly KeyChange[],
  nowMs: number,
): Promise<void> {
  const keys = changes.flatMap((change) => (change.kind === 'add' ? [change.key] : []));
  if (keys.length === 0) return;
  await run(
    `INSERT INTO keys
       (public_id, state, secret, serial, use_counter, session_use, "timestamp", created_ms, changed_ms)
     SELECT w.*, $8, $8 FROM unnest
       ($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[]) AS w`,
    [
      keys.map(({ publicId }) => publicId),
      keys.map(({ state }) => state),
      keys.map(({ publicId, secret }) =>
        seal(masterKey, Buffer.concat([secret.privateId, secret.aesKey]), aboutKey(publicId)),
      ),
      keys.map(({ serial }) => serial),
      keys.map(({ counters }) => counters?.useCounter ?? -1),
      keys.map(({ counters }) => counters?.sessionUse ?? -1),
      keys.map(({ counters }) => counters?.timestamp ?? null),
      nowMs,
    ],
  );
}

/** The rows are locked in the order of their ids, as the server's own batches do: nobody waits for each other. */
async function raise(run: Run, changes: readonly KeyChange[], nowMs: number): Promise<void> {
  const raised = changes.flatMap((change) => (change.kind === 'raise' ? [change] : []));
  if (raised.length === 0) return;
  const publicIds = raised.map(({ publicId }) => publicId);
  await run('SELECT 1 FROM keys WHERE public_id = ANY ($1) ORDER BY public_id FOR UPDATE', [publicIds]);
  await run(
    `UPDATE keys k SET changed_ms = $6,
       state = CASE k.state WHEN 'disabled' THEN k.state ELSE w.state END,
       use_counter = CASE WHEN w.later THEN w.use_counter ELSE k.use_counter END,
       session_use = CASE WHEN w.later THEN w.session_use ELSE k.session_use END,
       "timestamp" = CASE WHEN w.later THEN w.ticks ELSE k."timestamp" END
     FROM (
       SELECT u.*, (k.use_counter, k.session_use) < (u.use_counter, u.session_use) AS later
       FROM unnest ($1::text[], $2::text[], $3::integer[], $4::integer[], $5::integer[])
         AS u (public_id, state, use_counter, session_use, ticks)
       JOIN keys k USING (public_id)
     ) w WHERE k.public_id = w.public_id`,
    [
      publicIds,
      raised.map(({ state }) => state),
      raised.map(({ counters }) => counters?.useCounter ?? -1),
      raised.map(({ counters }) => counters?.sessionUse ?? -1),
      raised.map(({ counters }) => counters?.timestamp ?? null),
      nowMs,
    ],
  );
}

/** The keys in a shared database. What is in the slots of a key is known where it was programmed, and not here. */
export function sharedKeys(database: Database, masterKey: MasterKey): ServedKeys {
  const { run, transaction } = database;
  const find = async (publicId: string) =>
    (await run('SELECT * FROM keys WHERE public_id = $1', [publicId]))[0];
  return {
    key: async (publicId) => {
      const row = await find(publicId);
      return row && keyOf(row);
    },
    keys: async () => (await run('SELECT * FROM keys ORDER BY public_id')).map(keyOf),
    secretOf: async (publicId) => {
      const row = await find(publicId);
      return row && secretIn(masterKey, row);
    },
    spend: async (publicId, { useCounter, sessionUse, timestamp }, nowMs) => {
      const [row] = await run(
        `UPDATE keys SET use_counter = $1, session_use = $2, "timestamp" = $3, seen_ms = $4, nonce = NULL
         WHERE public_id = $5 AND (use_counter, session_use) < ($1, $2) RETURNING state`,
        [useCounter, sessionUse, timestamp, nowMs, publicId],
      );
      return row ? { kind: 'fresh', state: row['state'] as KeyState } : { kind: 'used' };
    },
    apply: async (changes, nowMs) => {
      try {
        await transaction(async (within) => {
          await add(within, masterKey, changes, nowMs);
          await raise(within, changes, nowMs);
        });
        return true;
      } catch (error) {
        if (codeOf(error) === DUPLICATE) return false;
        throw error;
      }
    },
    disable: async (serial, nowMs) => {
      const rows = await run(
        `UPDATE keys SET state = 'disabled', changed_ms = $1
         WHERE serial = $2 AND state <> 'disabled' RETURNING public_id`,
        [nowMs, serial],
      );
      return rows.map((row) => row['public_id'] as string);
    },
    isKnown: async (serial) =>
      (await run('SELECT 1 FROM keys WHERE serial = $1 LIMIT 1', [serial])).length > 0,
    accessCodes: async () => new Map(),
  };
}
