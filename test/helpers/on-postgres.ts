import { afterAll, test } from 'vitest';
import { hasPostgres } from './postgres.ts';
import { STORE_VARIABLE, type StoreKind, stopPostgres } from './stores.ts';

/** Run the tests of another file once more, on PostgreSQL. */
export async function onPostgres(tests: () => Promise<unknown>): Promise<void> {
  if (!hasPostgres()) {
    test.skip('PostgreSQL is missing: apt-get install postgresql-15');
    return;
  }
  process.env[STORE_VARIABLE] = 'postgresql' satisfies StoreKind;
  afterAll(stopPostgres);
  await tests();
}
