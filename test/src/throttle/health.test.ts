import { expect, test } from 'vitest';
import type { ThrottleService } from '../../../src/schema/throttle.ts';
import { judgeService } from '../../../src/throttle/health.ts';
import { startThrottleLab } from '../../helpers/throttle-lab.ts';

const SHARE = {
  server: 'redis://127.0.0.1:6379/0',
  state: 'connected',
  since: '2026-11-25T12:00:00Z',
  reason: null,
  nodes: 3,
  clockAheadMs: 12,
  waiting: 0,
  lost: 0,
  strange: 0,
  cut: 0,
} as const;

test.for([
  [{ share: SHARE }, 'ok', ['throttle.service']],
  [{ share: { ...SHARE, state: 'away', reason: 'it does not answer' } }, 'warn', ['throttle.share']],
  [{ share: { ...SHARE, clockAheadMs: -2500 } }, 'warn', ['throttle.share-clock']],
  [{ share: { ...SHARE, lost: 1 } }, 'warn', ['throttle.share-loss']],
  [{ share: { ...SHARE, strange: 1 } }, 'warn', ['throttle.share-loss']],
  [{ share: { ...SHARE, cut: 1 } }, 'warn', ['throttle.share-loss']],
  [{}, 'ok', ['throttle.service']],
  [{ evictedLive: 3, evictedMaxShare: 0.1 }, 'warn', ['throttle.memory']],
  [{ storeFailures: 1 }, 'warn', ['throttle.store']],
  [{ storeFailures: 1, evictedLive: 3 }, 'warn', ['throttle.store', 'throttle.memory']],
] as const)('%j is %s', async ([change, status, ids]) => {
  const lab = await startThrottleLab();
  const { service } = (await lab.api('/v1/status')) as { service: ThrottleService };
  await lab.close();
  const judged = judgeService({ ...service, ...change });
  expect([judged.status, judged.checks.map(({ id }) => id)]).toEqual([status, ids]);
});

test('a database that cannot be written lets nobody through, and is told', async () => {
  const lab = await startThrottleLab();
  await lab.api('/v1/sites', 'POST', { name: 'a.example', limits: '1/2M' });
  const { warden } = lab.daemon;
  const store = (warden as unknown as { store: { saveBlock: () => void } }).store;
  store.saveBlock = () => {
    throw new Error('disk full');
  };
  const request = { method: 'GET', path: '/', userAgent: '' };
  const kinds = [1, 2, 3].map(() => warden.admit('a.example', '192.0.2.1', request).kind);
  expect(kinds).toEqual(['serve', 'refuse', 'refuse']);
  expect(await lab.api('/v1/status')).toMatchObject({ service: { storeFailures: 1 } });
  expect(lab.events).toContainEqual({ event: 'store failed', message: 'disk full' });
  await lab.close();
});

test('of many blocks as many are told as somebody asks for, and how many there are', async () => {
  const lab = await startThrottleLab();
  for (let last = 0; last < 5; last += 1)
    await lab.api('/v1/blocks', 'POST', { site: 'other', client: `192.0.2.${last}` });
  expect(await lab.api('/v1/blocks?limit=2')).toMatchObject({ blocks: [{}, {}], total: 5 });
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: Array(5).fill({}), total: 5 });
  await expect(lab.api('/v1/blocks?limit=0')).rejects.toMatchObject({ code: 'E_FIELD' });
  await lab.close();
});
