import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// What all clients of a site may have together: many that ask for little each.

let lab: ThrottleLab;

beforeEach(async () => {
  lab = await startThrottleLab();
  await lab.api('/v1/sites', 'POST', { name: 'a.example', budget: '6/1M' });
});

afterEach(() => lab.close());

const get = (last: number, path = '/') => ask(lab.port, { host: 'a.example', from: `127.0.0.${last}`, path });

test('beyond it nobody is served until the first of it leaves the window, and other sites go on', async () => {
  for (const last of [1, 2, 3]) expect((await get(last)).status).toBe(200);
  lab.wait(4000);
  for (const last of [4, 5, 6]) expect((await get(last)).status).toBe(200);
  const refused = await get(7);
  expect(refused).toMatchObject({
    status: 503,
    headers: { 'retry-after': '6', 'cache-control': 'no-store' },
  });
  expect(refused.body).toContain('So many people ask for a.example');
  expect((await ask(lab.port, { host: 'b.example', from: '127.0.0.7' })).status).toBe(200);
  lab.wait(6000);
  expect((await get(7)).status).toBe(200);
  expect(lab.events.filter(({ event }) => event === 'over budget')).toHaveLength(1);
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: [], total: 0 });
});

test('bytes count as well, and the response that goes over is served', async () => {
  expect((await get(1, '/1100000')).status).toBe(200);
  expect((await get(2)).status).toBe(503);
});

test('whoever is exempt passes, a dry run refuses nobody, and without a budget everybody is served', async () => {
  for (let last = 1; last <= 6; last += 1) await get(last);
  await lab.api('/v1/exemptions', 'POST', { network: '127.0.0.8' });
  expect([(await get(7)).status, (await get(8)).status]).toEqual([503, 200]);
  await lab.api('/v1/sites/a.example/policy', 'PUT', { mode: 'dry' });
  expect((await get(7)).status).toBe(200);
  await lab.api('/v1/sites/a.example/policy', 'PUT', { mode: 'enforce' });
  expect(await lab.api('/v1/sites/a.example')).toMatchObject({
    site: { budget: '6/1M', spent: { requests: 6 } },
  });
  await lab.api('/v1/sites/a.example', 'PUT', { budget: null });
  expect((await get(7)).status).toBe(200);
});
