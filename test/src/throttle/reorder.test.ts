import { describe, expect, test } from 'vitest';
import { Reorder } from '../../../src/throttle/reorder.ts';

type Taken = readonly [timeMs: number, line: number, bytes: number];

/** What comes out of a log of times, and how many came too late. */
function reordered(times: readonly number[], capacity: number): { taken: Taken[]; late: number } {
  const taken: Taken[] = [];
  const reorder = new Reorder(capacity, (timeMs, visitor, bytes, file, line) => {
    expect([visitor, file]).toEqual([line % 1000, line % 3]);
    taken.push([timeMs, line, bytes]);
  });
  for (const [line, timeMs] of times.entries()) reorder.push(timeMs, line % 1000, line * 7, line % 3, line);
  reorder.end();
  return { taken, late: reorder.late };
}

/** The plainest way: those of one moment as their lines stand. */
function sorted(times: readonly number[]): Taken[] {
  return times
    .map((timeMs, line): Taken => [timeMs, line, line * 7])
    .toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
}

/** Numbers that look random, the same in every run. */
function numbers(count: number, below: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  });
}

const MANY = 70_000;

describe('requests come out in the order of their times', () => {
  const ascending = Array.from({ length: MANY }, (_, at) => 1e12 + (at >> 2));
  const near = numbers(MANY, 3000).map((by, at) => 1e12 + at - by);
  test.for([
    ['none', [], 10],
    ['one', [5], 10],
    ['in order already', ascending, 1e6],
    ['in no order at all', numbers(MANY, 1e12), 1e6],
    ['more than are held back, in order already', ascending, 32_768],
    ['more than are held back, of an odd number, in order already', ascending, 10_001],
    ['more than are held back, each near its place', near, 32_768],
    ['many more, each near its place', near, 8001],
  ] as const)('%s', ([, times, capacity]) => {
    const { taken, late } = reordered(times, capacity);
    expect(late).toBe(0);
    expect(taken).toEqual(sorted(times));
  });
});

test('a request that comes too late is counted at the time of the one before it', () => {
  expect(reordered([10, 20, 30, 40, 1], 4)).toEqual({
    taken: [
      [10, 0, 0],
      [20, 1, 7],
      [20, 4, 28],
      [30, 2, 14],
      [40, 3, 21],
    ],
    late: 1,
  });
});
