import { expect, test } from 'vitest';
import { type Client, clientOf } from '../../../src/throttle/client.ts';
import { Sketch } from '../../../src/throttle/sketch.ts';
import { ask, startThrottleLab } from '../../helpers/throttle-lab.ts';

const T0 = 1_800_000_000_000;

function client(text: string): Client {
  const found = clientOf(text);
  if (!found) throw new Error(`${text} is no address`);
  return found;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the networks of a flood are found among a million clients that came once, and never counted too low', () => {
  const sketch = new Sketch(3, 600_000);
  const random = seeded(1);
  const flood = ['198.51.100', '203.0.113', '192.0.2'];
  for (let sent = 0; sent < 400_000; sent += 1) {
    const text = `${1 + (sent % 200)}.${(sent >>> 8) % 256}.${Math.floor(random() * 256)}.7`;
    sketch.add(1, client(text), T0);
    // Each source of the flood asks a single time in a while: no limit for one client ever sees it.
    if (sent % 40 === 0)
      for (const [index, network] of flood.entries())
        if (sent % (40 * (index + 1)) === 0) sketch.add(1, client(`${network}.${sent % 256}`), T0);
  }
  const found = sketch.heaviest(1, 3, T0);
  expect(found.map(({ network }) => network)).toEqual(flood.map((each) => `${each}.0/24`));
  for (const [index, { requests }] of found.entries()) {
    const real = Math.ceil(10_000 / (index + 1));
    expect(requests).toBeGreaterThanOrEqual(real);
    expect(requests).toBeLessThan(real + 100);
  }
});

test('IPv6 is summed by /48, sites are apart, and half a window later half of it is left', () => {
  const sketch = new Sketch(3, 10_000);
  for (let host = 0; host < 100; host += 1) sketch.add(1, client(`2001:db8:7:${host}::1`), T0);
  sketch.add(2, client('2001:db8:7::1'), T0);
  expect(sketch.heaviest(1, 5, T0)).toEqual([{ site: 1, network: '2001:db8:7::/48', requests: 100 }]);
  expect(sketch.heaviest(null, 5, T0)).toHaveLength(2);
  expect(sketch.heaviest(1, 5, T0 + 15_000)).toMatchObject([{ requests: 50 }]);
  expect(sketch.heaviest(null, 5, T0 + 20_000)).toEqual([]);
  expect(sketch.heaviest(null, 5, T0 + 3_600_000)).toEqual([]);
});

test('the service tells of them in the top view and in its status, refused requests among them', async () => {
  const lab = await startThrottleLab();
  await lab.api('/v1/sites', 'POST', { name: 'a.example', limits: '2/2M' });
  for (let sent = 0; sent < 5; sent += 1) await ask(lab.port, { host: 'a.example' });
  const heaviest = [{ site: 'a.example', network: '127.0.0.0/24', requests: 5 }];
  expect(await lab.api('/v1/clients?site=a.example')).toMatchObject({ networks: heaviest });
  expect(await lab.api('/v1/status')).toMatchObject({ service: { heaviest } });
  await lab.close();
});
