import { existsSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';
import { createMasterKey, type MasterKey, readMasterKey } from '../keys/master-key.ts';
import { masterKeyCheck, requireMasterKey } from '../keys/store.ts';
import type { OpenedStores, Stores } from '../stores/types.ts';
import { redisAdministration } from './clients.ts';
import { redisKeys } from './keys.ts';
import { redisLogins } from './logins.ts';
import { reachServer, type Server, type ServerOptions } from './server.ts';
import { change, find } from './tables.ts';
import { redisValidation } from './validation.ts';

/** Where stores lie. */
export type RedisPlace = ServerOptions & {
  /** Master key where none is named; the first machine makes it, the others get a copy. */
  readonly usualKeyFile: string;
  readonly masterKeyFile?: string | undefined;
  /** It is a credential of the service, in a folder that is private. */
  readonly isCredential?: boolean;
};

/** How the rows are laid out. */
const LAYOUT = 1;

function storesOf(server: Server, masterKey: MasterKey): Stores {
  return {
    keys: redisKeys(server, masterKey),
    office: async () => redisAdministration(server, masterKey),
    logins: async () => redisLogins(server),
    validation: async () => redisValidation(server, masterKey),
    close: server.close,
  };
}

async function openWith(server: Server, masterKey: MasterKey): Promise<Stores> {
  const [name, value] = masterKeyCheck(masterKey);
  const row = await change(server, async (one) => {
    const there = await one.get('meta', name);
    if (!there) one.put('meta', name, { value, layout: LAYOUT });
    return there ?? { value, layout: LAYOUT };
  });
  if (Number(row['layout']) > LAYOUT)
    throw new AppError(`The store ${server.name} was written by a newer postern.`, {
      code: 'E_STORE_NEWER',
      exit: ExitCode.config,
      hint: 'Use that version on every machine.',
    });
  requireMasterKey(masterKey, row['value'] as Uint8Array, server.name);
  return storesOf(server, masterKey);
}

function masterKeyOf({ masterKeyFile, usualKeyFile, isCredential }: RedisPlace): MasterKey {
  return readMasterKey(masterKeyFile ?? usualKeyFile, isCredential ? 0o040 : 0);
}

async function isMade(server: Server): Promise<boolean> {
  return (await find(server, 'meta', 'master-key-check')) !== undefined;
}

async function reached<T>(place: RedisPlace, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await reachServer(place);
  try {
    return await work(server);
  } catch (error) {
    await server.close();
    throw error;
  }
}

/**
 * Open the stores in a Redis or Valkey server.
 *
 * @returns undefined when there are none in it
 * @throws AppError E_STORE (exit 69), E_MASTER_KEY, E_STORE_NEWER or E_STORE_UNSAFE (exit 78)
 */
export function openRedis(place: RedisPlace): Promise<Stores | undefined> {
  return reached(place, async (server) => {
    if (await isMade(server)) return openWith(server, masterKeyOf(place));
    await server.close();
    return undefined;
  });
}

/** Open the stores in a server; the first machine makes them, and a master key where none is named. */
export function openOrCreateRedis(place: RedisPlace): Promise<OpenedStores> {
  return reached(place, async (server) => {
    const mayMake = place.masterKeyFile === undefined && !existsSync(place.usualKeyFile);
    if (!mayMake || (await isMade(server)))
      return { stores: await openWith(server, masterKeyOf(place)), newMasterKey: null };
    const { key, created } = createMasterKey(place.usualKeyFile);
    return { stores: await openWith(server, key), newMasterKey: created ? place.usualKeyFile : null };
  });
}
