import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createMasterKey, type MasterKey, readMasterKey } from './master-key.ts';
import { type KeyStore, openKeyStore } from './store.ts';

/** Where the store lies. */
export type StorePlace = {
  /** Folder of state; it is made when something is written. */
  readonly folder: string;
  /** Master key in another place; it has to be there. */
  readonly masterKeyFile?: string | undefined;
  /** It is a credential of the service, in a folder that is private. */
  readonly isCredential?: boolean;
};

/** A store that is open. */
export type OpenedStore = {
  readonly store: KeyStore;
  /** The master key that this call made, to be backed up apart from the database. */
  readonly newMasterKey: string | null;
};

/** The database of a store. */
export function databaseOf({ folder }: StorePlace): string {
  return join(folder, 'keys.db');
}

const keyFileOf = ({ folder }: StorePlace) => join(folder, 'master.key');

/** The master key of a store that is there. @throws AppError as {@link readMasterKey} does */
export function masterKeyOf(place: StorePlace): MasterKey {
  return readMasterKey(place.masterKeyFile ?? keyFileOf(place), place.isCredential ? 0o040 : 0);
}

/**
 * Open the store that is there.
 *
 * @returns undefined when there is none
 * @throws AppError E_MASTER_KEY (exit 78) for a database without its key: never is a new one made for it
 */
export async function openExistingStore(place: StorePlace): Promise<KeyStore | undefined> {
  if (!existsSync(databaseOf(place))) return undefined;
  return openKeyStore(databaseOf(place), masterKeyOf(place));
}

/** Open the store, and make it, with a master key of its own, when there is none. */
export async function openOrCreateStore(place: StorePlace): Promise<OpenedStore> {
  const existing = await openExistingStore(place);
  if (existing) return { store: existing, newMasterKey: null };
  if (place.masterKeyFile !== undefined) {
    const store = await openKeyStore(databaseOf(place), masterKeyOf(place));
    return { store, newMasterKey: null };
  }
  const file = keyFileOf(place);
  const { key, created } = createMasterKey(file);
  return { store: await openKeyStore(databaseOf(place), key), newMasterKey: created ? file : null };
}
