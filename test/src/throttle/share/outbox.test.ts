import { expect, test } from 'vitest';
import { clientOf } from '../../../../src/throttle/client.ts';
import { Outbox } from '../../../../src/throttle/share/outbox.ts';
import { readCounts } from '../../../../src/throttle/share/wire.ts';

const T0 = 1_800_000_000;
const KEEP_MS = 660_000;

const outbox = () => new Outbox((site) => `site${site}.test`, KEEP_MS);

function client(number: number) {
  const found = clientOf(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
  if (found === null) throw new Error(`${number}`);
  return found;
}

test('what one client does in one second is one row, on the clock of all', () => {
  const box = outbox();
  for (const bytes of [0, 500, 700]) box.add(1, client(1), T0, bytes === 0 ? 1 : 0, bytes);
  box.add(2, client(1), T0, 1, 0);
  box.add(1, null, T0, 1, 1200);
  box.add(1, client(1), T0 + 1, 1, 0);
  expect(box.waiting).toBe(4);
  box.seal(T0 * 1000, -7);
  expect([...readCounts(box.next(T0 * 1000)?.batch.counts ?? '')]).toEqual([
    { site: 'site1.test', second: T0 - 7, client: '10.0.0.1', requests: 1, bytes: 1200 },
    { site: 'site1.test', second: T0 - 7, client: '*', requests: 1, bytes: 1200 },
    { site: 'site2.test', second: T0 - 7, client: '10.0.0.1', requests: 1, bytes: 0 },
    { site: 'site1.test', second: T0 - 6, client: '10.0.0.1', requests: 1, bytes: 0 },
  ]);
});

test('many rows are several batches, each with its headings, and nothing is missing', () => {
  const box = outbox();
  for (let number = 0; number < 9500; number += 1) box.add(1, client(number), T0, 1, 0);
  box.seal(T0 * 1000, 0);
  let rows = 0;
  for (let due = box.next(T0 * 1000); due; due = box.next(T0 * 1000)) {
    expect(due.after).toBe(due.batch.number - 1);
    const read = [...readCounts(due.batch.counts)];
    expect(read.every((row) => row?.second === T0 && row.site === 'site1.test')).toBe(true);
    rows += read.length;
    box.acknowledge(due.batch.number);
  }
  expect([rows, box.last, box.waiting]).toEqual([9500, 3, 0]);
});

test('a server that forgot is told again what is kept, from its last batch on', () => {
  const box = outbox();
  for (let second = 0; second < 5; second += 1) {
    box.add(1, client(1), T0 + second, 1, 0);
    box.seal((T0 + second) * 1000, 0);
  }
  box.acknowledge(5);
  expect(box.next(T0 * 1000)).toBeNull();
  box.acknowledge(2);
  expect(box.next(T0 * 1000)).toMatchObject({ after: 2, batch: { number: 3 } });
  // What has left the window is of no use, and the first one that is left needs none before it.
  expect(box.next(T0 * 1000 + KEEP_MS + 3500)).toMatchObject({ after: 0, batch: { number: 5 } });
  expect(box.lostRows).toBe(2);
});

test('memory is bounded: the oldest goes first, and how much is told', () => {
  const box = outbox();
  let added = 0;
  for (let second = 0; second < 60; second += 1) {
    for (let number = 0; number < 20_000; number += 1) {
      if (box.add(1, client(number), T0 + second, 1, 0)) box.seal((T0 + second) * 1000, 0);
      added += 1;
    }
  }
  box.seal((T0 + 60) * 1000, 0);
  const next = box.next((T0 + 60) * 1000);
  const first = readCounts(next?.batch.counts ?? '').next().value;
  expect(box.lostRows).toBeGreaterThan(0);
  expect(box.lostRows + box.waiting).toBe(added);
  expect(first).toMatchObject({ requests: 1 });
  expect(first?.second).toBeGreaterThan(T0);
  expect(next?.after).toBe(0);
});
