import {
  databaseOf,
  masterKeyOf,
  openExistingStore,
  openOrCreateStore,
  type StorePlace,
} from '../keys/open.ts';
import { servedBy } from '../keys/served.ts';
import type { KeyStore } from '../keys/store.ts';
import { openLoginStore } from '../logins/sqlite-store.ts';
import { openAdministration } from '../validation/clients.ts';
import { openValidationStore } from '../validation/sqlite-store.ts';
import type { OpenedStores, Stores } from './types.ts';

/** Everything beside the keys has a connection of its own to the same file. */
function storesOf(place: StorePlace, store: KeyStore): Stores {
  const file = databaseOf(place);
  const opened: { close: () => Promise<void> }[] = [];
  const kept = async <T extends { close: () => Promise<void> }>(part: Promise<T>): Promise<T> => {
    opened.push(await part);
    return part;
  };
  return {
    keys: servedBy(store),
    office: () => kept(openAdministration(file, masterKeyOf(place))),
    logins: () => kept(openLoginStore(file)),
    validation: () => kept(openValidationStore(file, masterKeyOf(place))),
    close: async () => {
      await Promise.all(opened.map((part) => part.close()));
      store.close();
    },
  };
}

/** The stores in a folder; undefined when there are none. @throws AppError as {@link openExistingStore} does */
export async function openFolder(place: StorePlace): Promise<Stores | undefined> {
  const store = await openExistingStore(place);
  return store && storesOf(place, store);
}

/** The stores in a folder, which are made when there are none. @throws AppError as {@link openOrCreateStore} does */
export async function openOrCreateFolder(place: StorePlace): Promise<OpenedStores> {
  const { store, newMasterKey } = await openOrCreateStore(place);
  return { stores: storesOf(place, store), newMasterKey };
}
