import { afterAll, test } from 'vitest';
import { hasPostgres } from './postgres.ts';
import { hasRedis } from './redis.ts';
import { STORE_VARIABLE, type StoreKind, stopServers } from './stores.ts';

async function onStore(kind: StoreKind, tests: () => Promise<unknown>): Promise<void> {
  process.env[STORE_VARIABLE] = kind;
  afterAll(stopServers);
  await tests();
}

/** Run the tests of another file once more, on PostgreSQL. */
export async function onPostgres(tests: () => Promise<unknown>): Promise<void> {
  if (hasPostgres()) await onStore('postgresql', tests);
  else test.skip('PostgreSQL is missing: apt-get install postgresql-15');
}

/** Run the tests of another file once more, on Redis. */
export async function onRedis(tests: () => Promise<unknown>): Promise<void> {
  if (hasRedis()) await onStore('redis', tests);
  else test.skip('Redis is missing: apt-get install redis-server');
}
