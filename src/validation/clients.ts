import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AppError, ExitCode } from '../errors.ts';
import { openDatabase, transaction } from '../keys/database.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { seal, unseal } from '../keys/seal.ts';
import type { KeyState } from '../keys/store.ts';
import { type AuditState, checkAudit, writeAudit } from './audit.ts';
import type { Client } from './types.ts';

/** What an API key is sealed for. */
export function aboutClient(id: number): string {
  return `client:${id}`;
}

/** A client as it is shown; its key never is. */
export type ClientRecord = Omit<Client, 'apiKeys'> & {
  /** Until when the key before is taken as well; null when there is none. */
  readonly oldKeyUntilMs: number | null;
  readonly createdMs: number;
  readonly usedMs: number | null;
};

/** What a client is to be. */
export type NewClient = Pick<Client, 'label' | 'mustSign' | 'publicIds' | 'networks'> & {
  /** Null for the next free number. */
  readonly id: number | null;
  /** Null for 20 new random bytes. */
  readonly apiKey: Uint8Array | null;
};

/** Who does something, and when. */
export type Act = { readonly actor: string; readonly nowMs: number };

/** Administration of the server's database. Every change is in the audit log, in the same transaction. */
export type Administration = {
  readonly clients: () => Promise<readonly ClientRecord[]>;
  /**
   * @param keep  puts the key where the client finds it; when that fails, there is no client
   * @throws AppError E_EXISTS (exit 64)
   */
  readonly addClient: (
    client: NewClient,
    act: Act,
    keep: (id: number, apiKey: Uint8Array) => void,
  ) => Promise<{ readonly id: number; readonly apiKey: Uint8Array }>;
  /** @throws AppError E_NOT_FOUND (exit 64) */
  readonly setClient: (id: number, state: Client['state'], act: Act) => Promise<void>;
  /**
   * A new key; the one until now is taken for so long as well.
   *
   * @param keep  puts the new key where the client finds it; when that fails, nothing is changed
   */
  readonly rotateClient: (
    id: number,
    overlapMs: number,
    act: Act,
    keep: (apiKey: Uint8Array) => void,
  ) => Promise<Uint8Array>;
  /** @throws AppError E_NOT_FOUND (exit 64) */
  readonly setKey: (
    publicId: string,
    state: Extract<KeyState, 'active' | 'disabled'>,
    act: Act,
  ) => Promise<void>;
  /** Write down what was done to something else than clients. */
  readonly note: (action: string, subject: string, act: Act) => Promise<void>;
  readonly audit: (latest: number) => Promise<AuditState>;
  /**
   * Copy the database, while it is used, to a new file.
   *
   * @param prepare  makes the file, empty
   * @throws AppError E_STORE_KIND (exit 64) for one that is no file
   */
  readonly backUp: (file: string, prepare: () => void, act: Act) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** RFC 2104 §3: as long as the digest. */
export const API_KEY_SIZE = 20;

type Row = Readonly<Record<string, unknown>>;

/** A row of `validation_clients`, as it is shown. */
export function recordOf(row: Row, nowMs: number): ClientRecord {
  const until = row['old_until_ms'] as number | null;
  return {
    id: row['id'] as number,
    label: row['label'] as string,
    state: row['state'] as Client['state'],
    mustSign: row['must_sign'] === 1,
    publicIds: JSON.parse(row['public_ids'] as string) as string[],
    networks: JSON.parse(row['networks'] as string) as string[],
    oldKeyUntilMs: until !== null && until > nowMs ? until : null,
    createdMs: row['created_ms'] as number,
    usedMs: row['used_ms'] as number | null,
  };
}

/** @throws AppError E_STORE (exit 69) for one that was changed, or belongs to something else */
export function openSecret(masterKey: MasterKey, sealed: unknown, about: string): Buffer {
  const secret = unseal(masterKey, sealed as Uint8Array, about);
  if (secret) return secret;
  throw new AppError(`A secret in the database is damaged: ${about}.`, {
    code: 'E_STORE',
    exit: ExitCode.unavailable,
    hint: 'Take the database back from a backup.',
  });
}

/** A row of `validation_clients`, with its keys. */
export function clientOf(masterKey: MasterKey, row: Row, nowMs: number): Client {
  const id = row['id'] as number;
  const current = openSecret(masterKey, row['api_key'], aboutClient(id));
  const overlap = row['old_key'] !== null && (row['old_until_ms'] as number) > nowMs;
  return {
    id,
    label: row['label'] as string,
    state: row['state'] as Client['state'],
    apiKeys: overlap ? [current, openSecret(masterKey, row['old_key'], aboutClient(id))] : [current],
    mustSign: row['must_sign'] === 1,
    publicIds: JSON.parse(row['public_ids'] as string) as string[],
    networks: JSON.parse(row['networks'] as string) as string[],
  };
}

/** There is nothing of that name. */
export function notFound(what: string, hint: string): AppError {
  return new AppError(`There is no ${what}.`, { code: 'E_NOT_FOUND', exit: ExitCode.usage, hint });
}

export const noClient = (id: number) =>
  notFound(`client ${id}`, '"postern validation client list" shows them.');

export function isThere(id: number): AppError {
  return new AppError(`Client ${id} is there already.`, {
    code: 'E_EXISTS',
    exit: ExitCode.usage,
    hint: 'Take another number, or "postern validation client rotate" for a new key.',
  });
}

function addClient(database: DatabaseSync, masterKey: MasterKey, client: NewClient, act: Act) {
  const next = Number(
    database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM validation_clients').get()?.['id'],
  );
  const id = client.id ?? next;
  const apiKey = client.apiKey ?? randomBytes(API_KEY_SIZE);
  const { changes } = database
    .prepare(
      `INSERT INTO validation_clients (id, label, state, api_key, must_sign, public_ids, networks, created_ms, changed_ms)
       VALUES (?1, ?2, 'active', ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (id) DO NOTHING`,
    )
    .run(
      id,
      client.label,
      seal(masterKey, apiKey, aboutClient(id)),
      client.mustSign ? 1 : 0,
      JSON.stringify(client.publicIds),
      JSON.stringify(client.networks),
      act.nowMs,
    );
  if (Number(changes) === 0) {
    throw isThere(id);
  }
  writeAudit(database, { timeMs: act.nowMs, actor: act.actor, action: 'client add', subject: String(id) });
  return { id, apiKey };
}

function rotate(
  database: DatabaseSync,
  masterKey: MasterKey,
  id: number,
  overlapMs: number,
  { actor, nowMs }: Act,
): Uint8Array {
  const apiKey = randomBytes(API_KEY_SIZE);
  const { changes } = database
    .prepare(
      'UPDATE validation_clients SET old_key = api_key, old_until_ms = ?2, api_key = ?3, changed_ms = ?4 WHERE id = ?1',
    )
    .run(id, nowMs + overlapMs, seal(masterKey, apiKey, aboutClient(id)), nowMs);
  if (Number(changes) === 0) throw noClient(id);
  writeAudit(database, { timeMs: nowMs, actor, action: 'client rotate', subject: String(id) });
  return apiKey;
}

/**
 * Open the database to administer it.
 *
 * @throws AppError as {@link openDatabase} does
 */
export async function openAdministration(file: string, masterKey: MasterKey): Promise<Administration> {
  const database = await openDatabase(file);
  const audited = (act: Act, action: string, subject: string) =>
    writeAudit(database, { timeMs: act.nowMs, actor: act.actor, action, subject });
  return {
    clients: async () =>
      database
        .prepare('SELECT * FROM validation_clients ORDER BY id')
        .all()
        .map((row) => recordOf(row, Date.now())),
    addClient: async (client, act, keep) =>
      transaction(database, () => {
        const added = addClient(database, masterKey, client, act);
        keep(added.id, added.apiKey);
        return added;
      }),
    setClient: async (id, state, act) =>
      transaction(database, () => {
        const { changes } = database
          .prepare('UPDATE validation_clients SET state = ?, changed_ms = ? WHERE id = ?')
          .run(state, act.nowMs, id);
        if (Number(changes) === 0) throw noClient(id);
        audited(act, state === 'active' ? 'client enable' : 'client disable', String(id));
      }),
    rotateClient: async (id, overlapMs, act, keep) =>
      transaction(database, () => {
        const apiKey = rotate(database, masterKey, id, overlapMs, act);
        keep(apiKey);
        return apiKey;
      }),
    setKey: async (publicId, state, act) =>
      transaction(database, () => {
        const { changes } = database
          .prepare('UPDATE keys SET state = ?, changed_ms = ? WHERE public_id = ?')
          .run(state, act.nowMs, publicId);
        if (Number(changes) === 0)
          throw notFound(`key with the public id ${publicId}`, '"postern validation key list" shows them.');
        audited(act, state === 'active' ? 'key enable' : 'key disable', publicId);
      }),
    note: async (action, subject, act) => transaction(database, () => audited(act, action, subject)),
    audit: (latest) => checkAudit(database.prepare('SELECT * FROM audit ORDER BY n').iterate(), latest),
    backUp: async (to, prepare, act) => {
      prepare();
      const { backup } = await import('node:sqlite');
      await backup(database, to);
      transaction(database, () => audited(act, 'backup', to));
    },
    close: async () => database.close(),
  };
}
