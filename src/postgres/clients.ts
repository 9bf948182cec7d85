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
import { type Database, type Row, type Run, SCHEMA } from './database.ts';
import { LOCKS } from './schema.ts';

/** Rows of the audit log that are read at a time. */
const PAGE = 1000;

/** Write down what is done in this transaction. Of several machines one writes at a time, so that the chain has no forks. */
export async function writeSharedAudit(
  run: Run,
  { actor, nowMs }: Act,
  action: string,
  subject: string,
): Promise<void> {
  await run('SELECT pg_advisory_xact_lock($1)', [LOCKS.audit]);
  const [last] = await run('SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1');
  await run(
    'INSERT INTO audit (n, time_ms, actor, action, subject, hash) VALUES ($1, $2, $3, $4, $5, $6)',
    nextEntry(last, { timeMs: nowMs, actor, action, subject }),
  );
}

async function* auditRows(run: Run): AsyncGenerator<Row> {
  for (let after = 0; ; ) {
    const rows = await run('SELECT * FROM audit WHERE n > $1 ORDER BY n LIMIT $2', [after, PAGE]);
    yield* rows;
    if (rows.length < PAGE) return;
    after = Number(rows.at(-1)?.['n']);
  }
}

async function addClient(run: Run, masterKey: MasterKey, client: NewClient, nowMs: number) {
  // Two who ask for the next number at once get two numbers.
  await run('LOCK TABLE validation_clients IN SHARE ROW EXCLUSIVE MODE');
  const [next] = await run('SELECT coalesce(max(id), 0) + 1 AS id FROM validation_clients');
  const id = client.id ?? Number(next?.['id']);
  const apiKey = client.apiKey ?? randomBytes(API_KEY_SIZE);
  const added = await run(
    `INSERT INTO validation_clients
       (id, label, state, api_key, must_sign, public_ids, networks, created_ms, changed_ms)
     VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      id,
      client.label,
      seal(masterKey, apiKey, aboutClient(id)),
      client.mustSign ? 1 : 0,
      JSON.stringify(client.publicIds),
      JSON.stringify(client.networks),
      nowMs,
    ],
  );
  if (added.length === 0) throw isThere(id);
  return { id, apiKey };
}

async function rotate(run: Run, masterKey: MasterKey, id: number, overlapMs: number, nowMs: number) {
  const apiKey = randomBytes(API_KEY_SIZE);
  const changed = await run(
    `UPDATE validation_clients SET old_key = api_key, old_until_ms = $2, api_key = $3, changed_ms = $4
     WHERE id = $1 RETURNING id`,
    [id, nowMs + overlapMs, seal(masterKey, apiKey, aboutClient(id)), nowMs],
  );
  if (changed.length === 0) throw noClient(id);
  return apiKey;
}

function noCopy(name: string): AppError {
  return new AppError(`The store is the database ${name}, which has means of its own to be copied.`, {
    code: 'E_STORE_KIND',
    exit: ExitCode.usage,
    hint: `Take pg_dump --schema=${SCHEMA} --format=custom, or what the server has for backups to a moment.`,
  });
}

/** Administration of a shared database. */
export function sharedAdministration(database: Database, masterKey: MasterKey): Administration {
  const { run, transaction } = database;
  return {
    clients: async () =>
      (await run('SELECT * FROM validation_clients ORDER BY id')).map((row) => recordOf(row, Date.now())),
    addClient: (client, act, keep) =>
      transaction(async (within) => {
        const added = await addClient(within, masterKey, client, act.nowMs);
        await writeSharedAudit(within, act, 'client add', String(added.id));
        keep(added.id, added.apiKey);
        return added;
      }),
    setClient: (id, state, act) =>
      transaction(async (within) => {
        const changed = await within(
          'UPDATE validation_clients SET state = $1, changed_ms = $2 WHERE id = $3 RETURNING id',
          [state, act.nowMs, id],
        );
        if (changed.length === 0) throw noClient(id);
        const action = state === 'active' ? 'client enable' : 'client disable';
        await writeSharedAudit(within, act, action, String(id));
      }),
    rotateClient: (id, overlapMs, act, keep) =>
      transaction(async (within) => {
        const apiKey = await rotate(within, masterKey, id, overlapMs, act.nowMs);
        await writeSharedAudit(within, act, 'client rotate', String(id));
        keep(apiKey);
        return apiKey;
      }),
    setKey: (publicId, state, act) =>
      transaction(async (within) => {
        const changed = await within(
          'UPDATE keys SET state = $1, changed_ms = $2 WHERE public_id = $3 RETURNING public_id',
          [state, act.nowMs, publicId],
        );
        if (changed.length === 0)
          throw notFound(`key with the public id ${publicId}`, '"postern validation key list" shows them.');
        await writeSharedAudit(within, act, state === 'active' ? 'key enable' : 'key disable', publicId);
      }),
    note: (action, subject, act) => transaction((within) => writeSharedAudit(within, act, action, subject)),
    audit: (latest) => checkAudit(auditRows(run), latest),
    backUp: async () => {
      throw noCopy(database.name);
    },
    // The connections belong to all stores together.
    close: async () => undefined,
  };
}
