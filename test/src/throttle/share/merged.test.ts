import { expect, test } from 'vitest';
import { newSite } from '../../../../src/throttle/site.ts';
import { openSqliteStore } from '../../../../src/throttle/sqlite-store.ts';
import { Warden } from '../../../../src/throttle/warden.ts';

test('a block that the requests of other nodes begin is told without a request, as none is known here', async () => {
  const store = await openSqliteStore(':memory:');
  const nowMs = 1_800_000_000_000;
  const events: string[] = [];
  const warden = new Warden({ store, now: () => nowMs, seed: 1, onEvent: ({ event }) => events.push(event) });
  const limits = { requests: 20, bytes: 2_000_000 };
  const site = { ...newSite(1, 'www.example.org'), policy: { limits, mode: 'enforce' as const } };
  warden.saveSite(site, 'site added', '');
  const client = warden.clientNamed('192.0.2.7');
  warden.countElsewhere(site, client, nowMs / 1000, 21, 0);
  expect(events).toContain('blocked');
  expect(warden.standing(site, client)).toMatchObject({ block: { requests: 21 }, tipping: null });
  expect(store.blocks()).toMatchObject([{ tipping: null }]);
});
