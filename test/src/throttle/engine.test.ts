import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Client, clientOf } from '../../../src/throttle/client.ts';
import { Engine, type EngineOptions, retryAfter } from '../../../src/throttle/engine.ts';
import { formatLimits, limitsOf, PRESET_NAMES, parseLimits } from '../../../src/throttle/limits.ts';
import { type Event, type OracleTrip, oracle } from '../../helpers/throttle-oracle.ts';

const SITE = 1;
const T0 = 1_700_000_000_000;

function client(text: string): Client {
  const found = clientOf(text);
  if (!found) throw new Error(`${text} is no address`);
  return found;
}

const ANNA = client('192.0.2.1');
const BERT = client('192.0.2.2');

function engine(limits: string, more: Partial<EngineOptions> = {}) {
  const parsed = parseLimits(limits);
  return new Engine({ limitsOf: () => parsed, ...more });
}

/** What the engine does with requests of known size. */
function play(events: readonly Event[], under: Engine) {
  const trips: OracleTrip[] = [];
  const refused: number[] = [];
  for (const { client: text, second, bytes, line } of events) {
    const decision = under.admit(SITE, client(text), second * 1000);
    if (decision.kind === 'refused') {
      refused.push(line);
      if (decision.began) trips.push({ client: text, second, line, limit: 'requests' });
    } else if (under.account(SITE, client(text), bytes, second * 1000))
      trips.push({ client: text, second, line, limit: 'bytes' });
  }
  return { trips, refused };
}

const traffic = fc
  .array(
    fc.record({
      client: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.9'),
      gap: fc.oneof({ weight: 8, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(30) }),
      bytes: fc.oneof(fc.nat(200), fc.constantFrom(0, 999, 1000, 1001)),
    }),
    { maxLength: 300 },
  )
  .map((steps) => {
    let second = 1_700_000_000;
    return steps.map(({ client: text, gap, bytes }, index): Event => {
      second += gap;
      return { client: text, second, bytes, line: index + 1 };
    });
  });

describe('on random traffic the engine agrees with the plainest model', () => {
  test.for(['sliding', 'aligned'] as const)('%s window', (window) => {
    fc.assert(
      fc.property(traffic, fc.integer({ min: 1, max: 8 }), (events, requests) => {
        const limits = { requests, bytes: 1000 };
        const under = new Engine({ limitsOf: () => limits, windowMs: 10_000, blockMs: 10_000, window });
        expect(play(events, under)).toEqual(oracle(events, limits, window === 'aligned', 10, 10));
      }),
      { numRuns: 400 },
    );
  });

  test('also when every counter collides with others and the table grows', () => {
    const events = Array.from({ length: 40_000 }, (_, index): Event => {
      const number = (index * 7919) % 5000;
      return {
        client: `10.0.${number >> 8}.${number & 255}`,
        second: 1_700_000_000 + Math.floor(index / 200),
        bytes: 300,
        line: index + 1,
      };
    });
    const limits = { requests: 6, bytes: 1e6 };
    const under = new Engine({ limitsOf: () => limits, windowMs: 60_000, blockMs: 60_000, seed: 42 });
    expect(play(events, under)).toEqual(oracle(events, limits, false, 60, 60));
    expect(under.loss).toEqual({ evictedLive: 0, evictedMaxShare: 0, merged: 0 });
  });
});

test('request 21 of 20/2M is the first that is refused, and the block lasts ten minutes from there', () => {
  const under = engine('20/2M');
  for (let sent = 0; sent < 20; sent += 1)
    expect(under.admit(SITE, ANNA, T0 + sent * 10).kind).toBe('served');
  const refused = under.admit(SITE, ANNA, T0 + 500);
  expect(refused).toMatchObject({
    kind: 'refused',
    began: true,
    block: { limit: 'requests', requests: 21, startMs: T0 + 500, untilMs: T0 + 600_500 },
  });
  expect(under.admit(SITE, BERT, T0 + 500).kind).toBe('served');
  expect(under.admit(SITE + 1, ANNA, T0 + 500).kind).toBe('served');
});

test('requests during a block neither count nor prolong it, and then the quota is whole', () => {
  const under = engine('20/2M');
  for (let sent = 0; sent < 21; sent += 1) under.admit(SITE, ANNA, T0);
  for (let ms = 0; ms < 600_000; ms += 500)
    expect(under.admit(SITE, ANNA, T0 + ms)).toMatchObject({ kind: 'refused', began: false });
  for (let sent = 0; sent < 20; sent += 1) expect(under.admit(SITE, ANNA, T0 + 600_000).kind).toBe('served');
  expect(under.admit(SITE, ANNA, T0 + 600_000).kind).toBe('refused');
});

test('the response that goes over the bytes is served, and the next request is refused', () => {
  const under = engine('20/2M');
  expect(under.admit(SITE, ANNA, T0).kind).toBe('served');
  expect(under.account(SITE, ANNA, 2_000_000, T0)).toBeNull();
  expect(under.admit(SITE, ANNA, T0 + 1000).kind).toBe('served');
  expect(under.account(SITE, ANNA, 1, T0 + 1500)).toMatchObject({
    limit: 'bytes',
    bytes: 2_000_001,
    requests: 2,
  });
  expect(under.admit(SITE, ANNA, T0 + 2000).kind).toBe('refused');
  // What was in flight when the block began is not held against the client afterwards.
  expect(under.account(SITE, ANNA, 5_000_000, T0 + 3000)).toBeNull();
  expect(under.admit(SITE, ANNA, T0 + 601_500).kind).toBe('served');
});

test('a clock that is set back forgets nothing and prolongs nothing', () => {
  const under = engine('20/2M');
  for (let sent = 0; sent < 20; sent += 1) under.admit(SITE, ANNA, T0);
  expect(under.admit(SITE, ANNA, T0 - 30_000).kind).toBe('refused');
});

test('a lifted block gives the whole quota, a block by hand takes it', () => {
  const under = engine('20/2M');
  for (let sent = 0; sent < 21; sent += 1) under.admit(SITE, ANNA, T0);
  expect(under.lift(SITE, ANNA, T0)).toMatchObject({ limit: 'requests' });
  expect(under.lift(SITE, ANNA, T0)).toBeNull();
  for (let sent = 0; sent < 20; sent += 1) expect(under.admit(SITE, ANNA, T0).kind).toBe('served');
  const [requests, bytes] = [0, 0];
  under.put({ site: SITE, client: BERT, limit: 'manual', requests, bytes, startMs: T0, untilMs: T0 + 5000 });
  expect(under.admit(SITE, BERT, T0 + 4999).kind).toBe('refused');
  expect(under.blocks(T0 + 4999)).toHaveLength(1);
  expect(under.admit(SITE, BERT, T0 + 5000).kind).toBe('served');
  expect(under.blocks(T0 + 5000)).toEqual([]);
});

test('Retry-After is the whole seconds that are left, rounded up', () => {
  const under = engine('20/2M');
  for (let sent = 0; sent < 21; sent += 1) under.admit(SITE, ANNA, T0);
  const [block] = under.blocks(T0);
  expect(block && [0, 1, 1000, 599_001, 599_999].map((ms) => retryAfter(block, T0 + ms))).toEqual([
    600, 600, 599, 1, 1,
  ]);
});

describe('with little memory', () => {
  const spray = (under: Engine, count: number, atMs: number) => {
    for (let number = 0; number < count; number += 1)
      under.admit(
        SITE,
        client(`2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`),
        atMs,
      );
  };

  test('a flood of clients evicts no block, and the table does not grow', () => {
    const under = engine('20/2M', { maxClients: 1000, seed: 7 });
    for (let sent = 0; sent < 21; sent += 1) under.admit(SITE, ANNA, T0);
    spray(under, 100_000, T0 + 1000);
    expect(under.admit(SITE, ANNA, T0 + 2000)).toMatchObject({ kind: 'refused', began: false });
    expect(under.tracked).toBeLessThanOrEqual(1000);
    expect(under.loss.evictedLive).toBeGreaterThan(90_000);
  });

  test('whoever has used most of the quota is kept longest', () => {
    const under = engine('20/2M', { maxClients: 1000, seed: 7 });
    for (let sent = 0; sent < 20; sent += 1) under.admit(SITE, ANNA, T0);
    spray(under, 50_000, T0 + 1000);
    expect(under.admit(SITE, ANNA, T0 + 2000).kind).toBe('refused');
    expect(under.loss.evictedMaxShare).toBeLessThan(0.2);
  });

  test('without room for another second a count is kept, and forgotten a little early', () => {
    const under = engine('20/2M', { maxClients: 4, maxSeconds: 4 });
    for (let sent = 0; sent < 20; sent += 1) under.admit(SITE, ANNA, T0 + sent * 1000);
    expect(under.loss.merged).toBe(16);
    expect(under.admit(SITE, ANNA, T0 + 20_000).kind).toBe('refused');
  });

  test('whose window has passed goes first', () => {
    const under = engine('20/2M', { maxClients: 100_000, seed: 3 });
    spray(under, 5000, T0);
    spray(under, 60_000, T0 + 700_000);
    expect(under.loss.evictedLive).toBe(0);
    expect(under.nearest(null, 100_000, T0 + 700_000)).toHaveLength(60_000);
  });

  test('whoever is nearest to a limit is found among all others, by what is left of the window', () => {
    const under = engine('20/2M');
    spray(under, 5000, T0);
    for (let sent = 0; sent < 15; sent += 1) under.admit(SITE, ANNA, T0);
    for (let sent = 0; sent < 9; sent += 1) under.admit(SITE, BERT, T0 + 60_000);
    const nearest = (nowMs: number) =>
      under.nearest(SITE, 2, nowMs).map(({ requests, share }) => [requests, share]);
    expect(nearest(T0 + 60_000)).toEqual([
      [15, 0.75],
      [9, 0.45],
    ]);
    expect(nearest(T0 + 600_000)).toEqual([[9, 0.45]]);
    expect(under.nearest(SITE + 1, 2, T0)).toEqual([]);
  });
});

test('a million clients are counted in less than 200 MB', () => {
  const before = process.memoryUsage().arrayBuffers;
  const under = engine('10000/200M', { seed: 99 });
  for (let number = 0; number < 1_000_000; number += 1) {
    const words = [0x20010db8, number, 0, 0] as const;
    under.admit(SITE, { text: '', kind: 0, words }, T0);
  }
  expect(under.tracked).toBe(1_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200e6);
});

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:1:ffff::9', '2001:db8:0:1::/64'],
  ['2001:db8::1%eth0', '2001:db8::/64'],
  ['::1', '::/64'],
  ['localhost', null],
  ['192.0.2.1:80', null],
  ['010.0.0.1', null],
] as const)('the client of %s is %s', ([text, expected]) => {
  expect(clientOf(text)?.text ?? null).toBe(expected);
});

test.for([
  [48, '2001:db8:1::/48'],
  [56, '2001:db8:1::/56'],
  [60, '2001:db8:1:10::/60'],
  [128, '2001:db8:1:12::3'],
] as const)('with %i bits the client is %s', ([prefix, expected]) => {
  expect(clientOf('2001:db8:1:12::3', prefix)?.text).toBe(expected);
});

test('the presets are what they are called, and come back as they were typed', () => {
  expect(PRESET_NAMES.map((name) => formatLimits(limitsOf(name)))).toEqual([...PRESET_NAMES]);
  expect(limitsOf('10000/200M')).toEqual({ requests: 10_000, bytes: 200_000_000 });
  expect(parseLimits('300/1500k')).toEqual({ requests: 300, bytes: 1_500_000 });
});

test.for(['', '20', '20/', '/2M', '0/2M', '20/0', '20/2X', '-1/2M', '1e3/2M', '20/2M/3', '99999999999/2M'])(
  '%j is no limit',
  (text) => {
    expect(() => parseLimits(text)).toThrow('is no limit');
  },
);
