import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { openExistingStore, openOrCreateStore, type StorePlace } from '../keys/open.ts';
import type { KeyStore } from '../keys/store.ts';
import { type DatabasePlace, isDatabaseUrl, parseDatabaseUrl } from '../postgres/place.ts';
import { isRedisUrl, parseRedisUrl } from '../redis/place.ts';
import { openOrCreateStores, openStores, type Place } from '../stores/open.ts';
import type { Stores } from '../stores/types.ts';
import { withEnvironment } from './flags.ts';
import { readSecretFile } from './secrets.ts';
import { type Line, line } from './text.ts';

/** Flags of everything that opens the store of a desk. */
export const deskStoreFlags = withEnvironment({
  'master-key-file': Flags.string({
    summary: 'Read the key that the secrets are encrypted with from this file.',
    helpValue: 'FILE',
  }),
  store: Flags.string({
    summary: 'Folder of the store; for a service of Debian’s package /var/lib/postern/validation.',
    helpValue: 'FOLDER',
  }),
});

/** Flags of everything that opens what validation and logins work with. */
export const storeFlags = withEnvironment({
  'master-key-file': deskStoreFlags['master-key-file'],
  store: Flags.string({
    summary:
      'Folder of the store, or what several servers share: postgresql://[USER@]HOST[:PORT]/NAME, rediss://[USER@]HOST[:PORT].',
    helpValue: 'STORE',
  }),
  'store-may-forget': Flags.boolean({
    summary: 'Take a Redis or Valkey server that does not promise to keep what it has confirmed.',
    default: false,
  }),
  'store-password-file': Flags.string({
    summary:
      'Private file with the password for what is shared; PGPASSWORD or REDISCLI_AUTH counts without it.',
    helpValue: 'FILE',
  }),
});

type DeskStoreFlags = Interfaces.InferredFlags<typeof deskStoreFlags>;
type StoreFlags = Interfaces.InferredFlags<typeof storeFlags>;

/** Credential of a service with the password for what is shared. */
const STORE_PASSWORD = 'postern-store-password';

/** Where Debian's package lets the validation server keep its store. */
export const SERVICE_STORE = '/var/lib/postern/validation';

/** Where the services of Debian's package keep their state, each a folder of its own user. */
const SERVICE_FOLDERS = [SERVICE_STORE, '/var/lib/postern/throttle'];

/** The folder of a service, for the user that the service runs as. */
function serviceFolder(): string | undefined {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return undefined;
  return SERVICE_FOLDERS.find((folder) => statSync(folder, { throwIfNoEntry: false })?.uid === uid);
}

/** Folder of state, as the environment has it; for the user of the service the service's own. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  // What systemd made for the service (StateDirectory=).
  if (env['STATE_DIRECTORY']) return env['STATE_DIRECTORY'];
  const own = env['XDG_STATE_HOME'] ? undefined : serviceFolder();
  if (own !== undefined) return own;
  return join(env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state'), 'postern');
}

/** Whether a store is a server that several machines share. */
export function isShared(store: string | undefined): store is string {
  return store !== undefined && (isDatabaseUrl(store) || isRedisUrl(store));
}

/** A credential of the service manager. */
function credentialOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const file = join(env['CREDENTIALS_DIRECTORY'] ?? '', name);
  return env['CREDENTIALS_DIRECTORY'] && existsSync(file) ? file : undefined;
}

/** The master key: by flag, or as a credential of the service. */
function masterKeyIn(flags: DeskStoreFlags, env: NodeJS.ProcessEnv) {
  const fromService = credentialOf(env, 'postern-master-key');
  const masterKeyFile = flags['master-key-file'] ?? fromService;
  const isCredential = masterKeyFile !== undefined && masterKeyFile === fromService;
  return { masterKeyFile, isCredential };
}

/**
 * Where the store of a desk lies. Its inventory is of what lies on this desk, and so it is in a folder.
 *
 * @throws AppError E_STORE_KIND (exit 64) for a database
 */
export function folderOf(flags: DeskStoreFlags, env: NodeJS.ProcessEnv): StorePlace {
  if (isShared(flags.store)) {
    throw new AppError('--store: what is programmed at a desk is recorded in a folder, not in a database.', {
      code: 'E_STORE_KIND',
      exit: ExitCode.usage,
      hint: 'Name a folder with --store, and hand the keys on: "yubikey program --server URL", or "validation move".',
    });
  }
  return { folder: flags.store ?? stateFolder(env), ...masterKeyIn(flags, env) };
}

/**
 * How the password of a server is found: in a file, in a credential of the service, in the variable of its own client.
 * A file is read for each connection, so that the password can be changed while a server runs.
 */
export function passwordOf(
  named: string | undefined,
  credential: string,
  env: NodeJS.ProcessEnv,
  variable: 'PGPASSWORD' | 'REDISCLI_AUTH',
): (() => string) | undefined {
  const file = named ?? credentialOf(env, credential);
  if (file !== undefined) return () => readSecretFile(file);
  const given = env[variable];
  return given ? () => given : undefined;
}

/**
 * A database by its URL, and how its password is found: in a file, in a credential of the service, in PGPASSWORD.
 *
 * @param flag  that it was given with
 * @throws AppError E_STORE_URL (exit 64)
 */
export function databaseFrom(
  url: string,
  flag: string,
  passwordFile: string | undefined,
  env: NodeJS.ProcessEnv,
): Pick<DatabasePlace, 'server' | 'password'> {
  const password = passwordOf(passwordFile, STORE_PASSWORD, env, 'PGPASSWORD');
  return { server: parseDatabaseUrl(url, flag), ...(password && { password }) };
}

/**
 * Where the stores lie: in a folder with its master key beside it, or in a database, whose master key lies in the folder
 * of state of each machine.
 *
 * @throws AppError E_STORE_URL (exit 64)
 */
export function placeOf(flags: StoreFlags, env: NodeJS.ProcessEnv): Place {
  const { store, 'store-password-file': named } = flags;
  if (store === undefined || !isShared(store)) return { kind: 'folder', ...folderOf(flags, env) };
  const keyFiles = { usualKeyFile: join(stateFolder(env), 'master.key'), ...masterKeyIn(flags, env) };
  if (isRedisUrl(store)) {
    const password = passwordOf(named, STORE_PASSWORD, env, 'REDISCLI_AUTH');
    const server = parseRedisUrl(store, 'store');
    const mayForget = flags['store-may-forget'];
    return { kind: 'redis', server, mayForget, ...(password && { password }), ...keyFiles };
  }
  return {
    kind: 'postgresql',
    ...databaseFrom(store, 'store', named, env),
    ...keyFiles,
  };
}

function demandFolder(given: string | undefined): void {
  if (given === undefined || isShared(given) || existsSync(given)) return;
  throw new AppError(`There is no store in '${given}'.`, {
    code: 'E_NO_STORE',
    exit: ExitCode.input,
    hint: 'Name the folder that holds keys.db.',
  });
}

/** Work with the store of this desk if there is one. */
export async function withStoreIfAny<T>(
  flags: DeskStoreFlags,
  work: (store: KeyStore | undefined) => Promise<T>,
): Promise<T> {
  const store = await openExistingStore(folderOf(flags, process.env));
  try {
    return await work(store);
  } finally {
    store?.close();
  }
}

/** Tell of a master key that was made. */
function tellNewKey(note: (text: Line) => void, file: string | null): void {
  if (file === null) return;
  note(
    line`The master key was made: ${file}. Without it the secrets cannot be read: back it up, apart from the database.`,
  );
}

/**
 * Work with the store of this desk; the first time it is made.
 *
 * @param note  told about a master key that was made
 */
export async function withStore<T>(
  flags: DeskStoreFlags,
  note: (text: Line) => void,
  work: (store: KeyStore) => Promise<T>,
): Promise<T> {
  const { store, newMasterKey } = await openOrCreateStore(folderOf(flags, process.env));
  try {
    tellNewKey(note, newMasterKey);
    return await work(store);
  } finally {
    store.close();
  }
}

/** Somebody who looks for what he put into another store has to be told which one this is. */
function tellMissing(note: (text: Line) => void): void {
  const looked = stateFolder(process.env);
  const other = looked !== SERVICE_STORE && existsSync(SERVICE_STORE);
  const hint = other ? ` The store of the service is another one: --store ${SERVICE_STORE}` : '';
  note(line`There is no store in ${looked} yet.${hint}`);
}

/**
 * Work with what validation and logins have, if there is anything.
 *
 * @param note  told where nothing was found, by commands that only look
 * @throws AppError E_NO_STORE (exit 65) for a folder that was named to look at and is not there
 */
export async function withStoresIfAny<T>(
  flags: StoreFlags,
  work: (stores: Stores | undefined) => Promise<T>,
  note?: (text: Line) => void,
): Promise<T> {
  if (note) demandFolder(flags.store);
  const stores = await openStores(placeOf(flags, process.env));
  if (!stores && note && flags.store === undefined) tellMissing(note);
  try {
    return await work(stores);
  } finally {
    await stores?.close();
  }
}

/** Work with what validation and logins have; the first time it is made. See {@link withStore}. */
export async function withStores<T>(
  flags: StoreFlags,
  note: (text: Line) => void,
  work: (stores: Stores) => Promise<T>,
): Promise<T> {
  const { stores, newMasterKey } = await openOrCreateStores(placeOf(flags, process.env));
  try {
    tellNewKey(note, newMasterKey);
    return await work(stores);
  } finally {
    await stores.close();
  }
}
