import { existsSync } from 'node:fs';
import { databaseOf, type StorePlace } from '../keys/open.ts';
import { openLoginStore } from './sqlite-store.ts';
import type { LoginStore } from './types.ts';

/** Open the logins beside the keys that are there already; the store of keys is opened first. */
export async function openLogins(place: StorePlace): Promise<LoginStore | undefined> {
  return existsSync(databaseOf(place)) ? openLoginStore(databaseOf(place)) : undefined;
}
