import type { MasterKey } from '../keys/master-key.ts';
import { type KeyState, secretIn } from '../keys/store.ts';
import { clientOf } from '../validation/clients.ts';
import { LastUses } from '../validation/last-uses.ts';
import { Remembered } from '../validation/remembered.ts';
import type { Spending, Spent, ValidationStore } from '../validation/types.ts';
import { Batches } from './batches.ts';
import { codeOf, type Database, type Row } from './database.ts';

/** deadlock_detected, serialization_failure: nothing was written, and the same may be tried again. */
const UNDONE: ReadonlySet<string> = new Set(['40P01', '40001']);

/**
 * All OTPs of a batch, each of another key. The condition of the update is the verdict: PostgreSQL looks at it again in
 * the newest version of the row once another process that writes it has committed. The rows are locked in the order
 * of their ids, so that two batches never wait for each other. What was there before is read under that lock.
 */
const SPEND = `
  WITH wanted AS (
    SELECT * FROM unnest
      ($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[], $6::text[])
      AS w (public_id, use_counter, session_use, ticks, now_ms, nonce)
  ), earlier AS (
    SELECT k.public_id, k.use_counter, k.session_use, k."timestamp", k.seen_ms, k.nonce
    FROM keys k WHERE k.public_id = ANY ($1) ORDER BY k.public_id FOR UPDATE
  ), spent AS (
    UPDATE keys k SET use_counter = w.use_counter, session_use = w.session_use, "timestamp" = w.ticks,
      seen_ms = w.now_ms, nonce = w.nonce
    FROM wanted w JOIN earlier e USING (public_id)
    WHERE k.public_id = w.public_id AND (k.use_counter, k.session_use) < (w.use_counter, w.session_use)
    RETURNING k.public_id, k.state
  )
  SELECT w.public_id, s.state, e.use_counter, e."timestamp", e.seen_ms,
    (e.use_counter, e.session_use, e.nonce) = (w.use_counter, w.session_use, w.nonce) AS same
  FROM wanted w LEFT JOIN spent s USING (public_id) LEFT JOIN earlier e USING (public_id)`;

function outcomeOf(row: Row | undefined): Spent {
  if (!row || row['state'] === null) return { kind: row?.['same'] === true ? 'same-request' : 'used' };
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

const byPublicId = (rows: readonly Row[]) => new Map(rows.map((row) => [row['public_id'] as string, row]));

async function spendAll({ run }: Database, wanted: readonly Spending[]): Promise<Spent[]> {
  const values = [
    wanted.map(({ publicId }) => publicId),
    wanted.map(({ fields }) => fields.useCounter),
    wanted.map(({ fields }) => fields.sessionUse),
    wanted.map(({ fields }) => fields.timestamp),
    wanted.map(({ nowMs }) => nowMs),
    wanted.map(({ nonce }) => nonce),
  ];
  const rows = await run(SPEND, values).catch((error: unknown) => {
    if (UNDONE.has(codeOf(error))) return run(SPEND, values);
    throw error;
  });
  const found = byPublicId(rows);
  return wanted.map(({ publicId }) => outcomeOf(found.get(publicId)));
}

/** The shared database as the server uses it: whatever comes at the same time is asked, and committed, as one. */
export function sharedValidation(database: Database, masterKey: MasterKey): ValidationStore {
  const { run } = database;
  const uses = new LastUses((id, nowMs) =>
    run('UPDATE validation_clients SET used_ms = $2 WHERE id = $1 AND (used_ms IS NULL OR used_ms < $2)', [
      id,
      nowMs,
    ]),
  );
  const remembered = new Remembered();
  const clients = new Batches<number, Row | undefined>({
    inFlight: 2,
    work: async (ids) => {
      const rows = await run('SELECT * FROM validation_clients WHERE id = ANY ($1)', [[...new Set(ids)]]);
      const found = new Map(rows.map((row) => [row['id'] as number, row]));
      return ids.map((id) => found.get(id));
    },
  });
  const secrets = new Batches<string, Row | undefined>({
    inFlight: 2,
    work: async (publicIds) => {
      const rows = await run('SELECT public_id, secret FROM keys WHERE public_id = ANY ($1)', [
        [...new Set(publicIds)],
      ]);
      const found = byPublicId(rows);
      return publicIds.map((publicId) => found.get(publicId));
    },
  });
  const spendings = new Batches<Spending, Spent>({
    inFlight: 2,
    keyOf: ({ publicId }) => publicId,
    work: (wanted) => spendAll(database, wanted),
  });
  return {
    client: async (id) => {
      const row = await clients.run(id);
      return remembered.note(row && clientOf(masterKey, row, Date.now()));
    },
    remembered: remembered.find,
    secretOf: async (publicId) => {
      const row = await secrets.run(publicId);
      return row && secretIn(masterKey, row);
    },
    spend: async (spending) => {
      const spent = await spendings.run(spending);
      if (spent.kind === 'fresh') await uses.note(spending.clientId, spending.nowMs);
      return spent;
    },
    check: async (nowMs) => {
      await run(
        'INSERT INTO validation_health (n, ms) VALUES (1, $1) ON CONFLICT (n) DO UPDATE SET ms = $1',
        [nowMs],
      );
    },
    // The connections belong to all stores together.
    close: async () => undefined,
  };
}
