import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { openExistingStore, openOrCreateStore, type StorePlace } from '../keys/open.ts';
import type { KeyStore } from '../keys/store.ts';
import { withEnvironment } from './flags.ts';
import { type Line, line } from './text.ts';

/** Flags of everything that opens the store of keys. */
export const storeFlags = withEnvironment({
  'master-key-file': Flags.string({
    summary: 'Read the key that the secrets are encrypted with from this file.',
    helpValue: 'FILE',
  }),
  store: Flags.string({
    summary: 'Folder of the store; for a service of Debian’s package /var/lib/postern/validation.',
    helpValue: 'FOLDER',
  }),
});

type StoreFlags = Interfaces.InferredFlags<typeof storeFlags>;

/** Where Debian's package lets the validation server keep its store. */
export const SERVICE_STORE = '/var/lib/postern/validation';

/** Whether the store of the service is that of whoever runs this. */
function servesHere(): boolean {
  const stats = statSync(SERVICE_STORE, { throwIfNoEntry: false });
  return stats !== undefined && stats.uid !== 0 && stats.uid === process.getuid?.();
}

/** Folder of state, as the environment has it; for the user of the service the service's own. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  // What systemd made for the service (StateDirectory=).
  if (env['STATE_DIRECTORY']) return env['STATE_DIRECTORY'];
  if (!env['XDG_STATE_HOME'] && servesHere()) return SERVICE_STORE;
  return join(env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state'), 'postern');
}

/** Where the store lies: the master key by flag, as a credential of the service, or beside the database. */
export function placeOf(flags: StoreFlags, env: NodeJS.ProcessEnv): StorePlace {
  const credential = join(env['CREDENTIALS_DIRECTORY'] ?? '', 'postern-master-key');
  const fromService = env['CREDENTIALS_DIRECTORY'] && existsSync(credential) ? credential : undefined;
  const masterKeyFile = flags['master-key-file'] ?? fromService;
  return {
    folder: flags.store ?? stateFolder(env),
    masterKeyFile,
    isCredential: masterKeyFile !== undefined && masterKeyFile === fromService,
  };
}

/** Work with the store if there is one. */
export async function withStoreIfAny<T>(
  flags: StoreFlags,
  work: (store: KeyStore | undefined) => Promise<T>,
): Promise<T> {
  const store = await openExistingStore(placeOf(flags, process.env));
  try {
    return await work(store);
  } finally {
    store?.close();
  }
}

/**
 * Work with the store; the first time it is made.
 *
 * @param note  told about a master key that was made
 */
export async function withStore<T>(
  flags: StoreFlags,
  note: (text: Line) => void,
  work: (store: KeyStore) => Promise<T>,
): Promise<T> {
  const { store, newMasterKey } = await openOrCreateStore(placeOf(flags, process.env));
  try {
    if (newMasterKey !== null) {
      note(
        line`The master key was made: ${newMasterKey}. Without it the secrets cannot be read: back it up, apart from the database.`,
      );
    }
    return await work(store);
  } finally {
    store.close();
  }
}
