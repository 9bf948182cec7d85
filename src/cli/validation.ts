import { userInfo } from 'node:os';
import type { Interfaces } from '@oclif/core';
import { databaseOf, masterKeyOf } from '../keys/open.ts';
import type { KeyStore } from '../keys/store.ts';
import { type Act, type Administration, openAdministration } from '../validation/clients.ts';
import { placeOf, type storeFlags, withStore, withStoreIfAny } from './key-store.ts';
import type { Line } from './text.ts';

type StoreFlags = Interfaces.InferredFlags<typeof storeFlags>;

/** Who does something: the person behind sudo, where there is one. */
export function actNow(): Act {
  return { actor: process.env['SUDO_USER'] || userInfo().username, nowMs: Date.now() };
}

async function administer<T>(flags: StoreFlags, work: (office: Administration) => Promise<T>): Promise<T> {
  const place = placeOf(flags, process.env);
  const office = await openAdministration(databaseOf(place), masterKeyOf(place));
  try {
    return await work(office);
  } finally {
    office.close();
  }
}

/** Administer the server's database; the first time it is made. */
export function withAdministration<T>(
  flags: StoreFlags,
  note: (text: Line) => void,
  work: (office: Administration, keys: KeyStore) => Promise<T>,
): Promise<T> {
  return withStore(flags, note, (keys) => administer(flags, (office) => work(office, keys)));
}

/** Look at the server's database, if there is one. */
export function withAdministrationIfAny<T>(
  flags: StoreFlags,
  work: (office: Administration | undefined, keys: KeyStore | undefined) => Promise<T>,
): Promise<T> {
  return withStoreIfAny(flags, (keys) =>
    keys ? administer(flags, (office) => work(office, keys)) : work(undefined, undefined),
  );
}
