import type { StorePlace } from '../keys/open.ts';
import type { DatabasePlace } from '../postgres/place.ts';
import type { RedisPlace } from '../redis/open.ts';
import { openFolder, openOrCreateFolder } from './sqlite.ts';
import type { OpenedStores, Stores } from './types.ts';

/** Where stores lie: in a folder of this machine, or in a database that several machines share. */
export type Place =
  | ({ readonly kind: 'folder' } & StorePlace)
  | ({ readonly kind: 'postgresql' } & DatabasePlace)
  | ({ readonly kind: 'redis' } & RedisPlace);

/**
 * Open the stores that are there.
 *
 * @returns undefined when there are none
 * @throws AppError E_STORE (exit 69), E_MASTER_KEY, E_STORE_NEWER or E_STORE_UNSAFE (exit 78)
 */
export async function openStores(place: Place): Promise<Stores | undefined> {
  if (place.kind === 'folder') return openFolder(place);
  if (place.kind === 'redis') {
    const { openRedis } = await import('../redis/open.ts');
    return openRedis(place);
  }
  const { openPostgres } = await import('../postgres/open.ts');
  return openPostgres(place);
}

/** Open the stores; the first time they are made, with a master key where none is named. */
export async function openOrCreateStores(place: Place): Promise<OpenedStores> {
  if (place.kind === 'folder') return openOrCreateFolder(place);
  if (place.kind === 'redis') {
    const { openOrCreateRedis } = await import('../redis/open.ts');
    return openOrCreateRedis(place);
  }
  const { openOrCreatePostgres } = await import('../postgres/open.ts');
  return openOrCreatePostgres(place);
}
