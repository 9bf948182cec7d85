import { userInfo } from 'node:os';
import type { Interfaces } from '@oclif/core';
import type { ServedKeys } from '../keys/served.ts';
import type { ValidationClientActResult, ValidationKeyActResult } from '../schema/validation.ts';
import { openFolder } from '../stores/sqlite.ts';
import type { Stores } from '../stores/types.ts';
import type { Act, Administration } from '../validation/clients.ts';
import { clientAct, keyAct } from '../validation/views.ts';
import { type deskStoreFlags, folderOf, type storeFlags, withStores, withStoresIfAny } from './key-store.ts';
import type { Line } from './text.ts';

type StoreFlags = Interfaces.InferredFlags<typeof storeFlags>;

/** Who does something: the person behind sudo, where there is one. */
export function actNow(): Act {
  return { actor: process.env['SUDO_USER'] || userInfo().username, nowMs: Date.now() };
}

/** Writes into the audit log what was done to what. */
export type Recorder = (action: string, subject: string) => Promise<void>;

/** A recorder for stores that are open; there is nothing to record where there are none. */
export function recorderOf(stores: Stores | undefined): Recorder {
  return async (action, subject) => {
    const office = await stores?.office();
    await office?.note(action, subject, actNow());
  };
}

/** Write into the audit log of a desk's store, if there is one. */
export async function recordAtDesk(
  flags: Interfaces.InferredFlags<typeof deskStoreFlags>,
  action: string,
  subject: string,
): Promise<void> {
  const stores = await openFolder(folderOf(flags, process.env));
  try {
    await recorderOf(stores)(action, subject);
  } finally {
    await stores?.close();
  }
}

/** Administer the server's database; the first time it is made. */
export function withAdministration<T>(
  flags: StoreFlags,
  note: (text: Line) => void,
  work: (office: Administration, keys: ServedKeys) => Promise<T>,
): Promise<T> {
  return withStores(flags, note, async (stores) => work(await stores.office(), stores.keys));
}

/** Look at the server's database, if there is one. */
export function withAdministrationIfAny<T>(
  flags: StoreFlags,
  work: (office: Administration | undefined, keys: ServedKeys | undefined) => Promise<T>,
  note?: (text: Line) => void,
): Promise<T> {
  return withStoresIfAny(flags, async (stores) => work(await stores?.office(), stores?.keys), note);
}

/** Take the OTPs of a key, or no more of them. */
export function switchKey(
  flags: StoreFlags,
  note: (text: Line) => void,
  { publicId, state, said }: { publicId: string; state: 'active' | 'disabled'; said: string },
): Promise<ValidationKeyActResult> {
  return withAdministration(flags, note, async (office, keys) => {
    await office.setKey(publicId, state, actNow());
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
    await office.setClient(id, state, actNow());
    return clientAct(office, id, `Client ${id} ${said}.`);
  });
}
