import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientOf } from '../../../../src/throttle/client.ts';
import { Counters } from '../../../../src/throttle/counters.ts';
import { Engine } from '../../../../src/throttle/engine.ts';

// What other nodes counted comes late, in any order, and counts as if it had come in time.

const NOW = 1_800_000_000;
const CLIENTS = ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((text) => {
  const client = clientOf(text);
  if (client === null) throw new Error(text);
  return client;
});

function counters(maxSeconds = 10_000): Counters {
  return new Counters({
    windowSeconds: 20,
    aligned: false,
    maxClients: 100,
    maxSeconds,
    seed: 7,
    limitsOf: () => ({ requests: 100, bytes: 1000 }),
  });
}

const booking = fc.record({
  who: fc.nat(2),
  /** Seconds before now: some have left the window, some left it meanwhile. */
  age: fc.nat(30),
  requests: fc.nat(3),
  bytes: fc.nat(50),
});

test('counts that come in any order are those that came in order, at any time', () => {
  fc.assert(
    fc.property(fc.array(booking, { maxLength: 60 }), fc.array(booking, { maxLength: 20 }), (late, own) => {
      const [one, other] = [counters(), counters()];
      const client = (who: number) => CLIENTS[who] ?? clientOf('192.0.2.9');
      const book = (
        into: Counters,
        { who, age, requests, bytes }: (typeof late)[number],
        isLate: boolean,
      ) => {
        const named = client(who);
        if (named === null) return;
        if (isLate) into.addLate(1, named, NOW - age, NOW, requests, bytes);
        else into.add(1, named, NOW - age, requests, bytes);
      };
      const inOrder = [...late, ...own].sort((a, b) => b.age - a.age);
      for (const each of inOrder) book(one, each, false);
      for (const each of [...own].sort((a, b) => b.age - a.age)) book(other, each, false);
      for (const each of late) book(other, each, true);
      for (let second = NOW; second < NOW + 25; second += 1)
        for (const each of CLIENTS) expect(other.tally(1, each, second)).toEqual(one.tally(1, each, second));
      const kept = counters();
      kept.unpack(other.pack(NOW), NOW);
      for (const each of CLIENTS) expect(kept.tally(1, each, NOW)).toEqual(one.tally(1, each, NOW));
    }),
    { numRuns: 500 },
  );
});

test('where there is no memory for another second, nothing is lost but a second of the window', () => {
  const tight = counters(2);
  const [client] = CLIENTS;
  if (client === undefined) return;
  for (const age of [0, 5]) tight.addLate(1, client, NOW - age, NOW, 1, 1);
  expect(tight.addLate(1, client, NOW - 3, NOW, 1, 1)).toEqual({ requests: 3, bytes: 3 });
  expect(tight.loss.merged).toBe(1);
});

test('what a block forgets or does not count stays out, and a sum that is too much begins one', () => {
  const engine = new Engine({ limitsOf: () => ({ requests: 3, bytes: 100 }) });
  const [a, b] = CLIENTS;
  if (a === undefined || b === undefined) return;
  const nowMs = NOW * 1000;
  expect(engine.merge(1, a, NOW - 5, 3, 0, nowMs)).toBeNull();
  expect(engine.admit(1, a, nowMs)).toMatchObject({ kind: 'refused', began: true, block: { requests: 4 } });
  expect(engine.merge(1, a, NOW - 1, 50, 0, nowMs)).toBeNull();
  expect(engine.tally(1, a, nowMs)).toEqual({ requests: 0, bytes: 0 });
  expect(engine.merge(1, b, NOW - 1, 1, 101, nowMs)).toMatchObject({
    limit: 'bytes',
    bytes: 101,
    startMs: nowMs,
  });
});
