import { existsSync } from 'node:fs';
import { createMasterKey, type MasterKey, readMasterKey } from '../keys/master-key.ts';
import { masterKeyCheck, requireMasterKey } from '../keys/store.ts';
import type { OpenedStores, Stores } from '../stores/types.ts';
import { sharedAdministration } from './clients.ts';
import { type Database, reachDatabase } from './database.ts';
import { sharedKeys } from './keys.ts';
import { sharedLogins } from './logins.ts';
import type { DatabasePlace } from './place.ts';
import { migrate, versionOf } from './schema.ts';
import { sharedValidation } from './validation.ts';

function storesOf(database: Database, masterKey: MasterKey): Stores {
  return {
    keys: sharedKeys(database, masterKey),
    office: async () => sharedAdministration(database, masterKey),
    logins: async () => sharedLogins(database),
    validation: async () => sharedValidation(database, masterKey),
    close: database.close,
  };
}

/** Bring the schema up to date, and see that the master key is the one that it was made with. */
export async function openWith(database: Database, masterKey: MasterKey): Promise<Stores> {
  await migrate(database);
  await database.run('INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', [
    ...masterKeyCheck(masterKey),
  ]);
  await requireItsKey(database, masterKey);
  return storesOf(database, masterKey);
}

/** @throws AppError E_MASTER_KEY (exit 78) for a database that was made with another one */
export async function requireItsKey({ run, name }: Database, masterKey: MasterKey): Promise<void> {
  const [check] = masterKeyCheck(masterKey);
  const [row] = await run('SELECT value FROM meta WHERE name = $1', [check]);
  if (row) requireMasterKey(masterKey, row['value'] as Uint8Array, name);
}

/** @throws AppError E_MASTER_KEY (exit 78): of a database that is there no second one is ever made */
function masterKeyOf({ masterKeyFile, usualKeyFile, isCredential }: DatabasePlace): MasterKey {
  return readMasterKey(masterKeyFile ?? usualKeyFile, isCredential ? 0o040 : 0);
}

async function reached<T>(place: DatabasePlace, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await reachDatabase(place);
  try {
    return await work(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Open the stores in a database.
 *
 * @returns undefined when there are none in it
 * @throws AppError E_STORE (exit 69), E_MASTER_KEY, E_STORE_NEWER or E_STORE_UNSAFE (exit 78)
 */
export function openPostgres(place: DatabasePlace): Promise<Stores | undefined> {
  return reached(place, async (database) => {
    if ((await versionOf(database.run)) !== null) return openWith(database, masterKeyOf(place));
    await database.close();
    return undefined;
  });
}

/** Open the stores in a database; the first machine makes them, and a master key where none is named. */
export function openOrCreatePostgres(place: DatabasePlace): Promise<OpenedStores> {
  return reached(place, async (database) => {
    const mayMake = place.masterKeyFile === undefined && !existsSync(place.usualKeyFile);
    if (!mayMake || (await versionOf(database.run)) !== null)
      return { stores: await openWith(database, masterKeyOf(place)), newMasterKey: null };
    const { key, created } = createMasterKey(place.usualKeyFile);
    return { stores: await openWith(database, key), newMasterKey: created ? place.usualKeyFile : null };
  });
}
