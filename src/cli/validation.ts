import { userInfo } from 'node:os';
import type { Interfaces } from '@oclif/core';
import { databaseOf, masterKeyOf } from '../keys/open.ts';
import type { KeyStore } from '../keys/store.ts';
import type { ValidationClientActResult, ValidationKeyActResult } from '../schema/validation.ts';
import { type Act, type Administration, openAdministration } from '../validation/clients.ts';
import { clientAct, keyAct } from '../validation/views.ts';
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

/** Take the OTPs of a key, or no more of them. */
export function switchKey(
  flags: StoreFlags,
  note: (text: Line) => void,
  { publicId, state, said }: { publicId: string; state: 'active' | 'disabled'; said: string },
): Promise<ValidationKeyActResult> {
  return withAdministration(flags, note, async (office, keys) => {
    office.setKey(publicId, state, actNow());
    return keyAct(keys, publicId, `${publicId} ${said}.`);
  });
}

/** Let a client ask, or no more. */
export function switchClient(
  flags: StoreFlags,
  note: (text: Line) => void,
  { id, state, said }: { id: number; state: 'active' | 'disabled'; said: string },
): Promise<ValidationClientActResult> {
  return withAdministration(flags, note, async (office) => {
    office.setClient(id, state, actNow());
    return clientAct(office, id, `Client ${id} ${said}.`);
  });
}
