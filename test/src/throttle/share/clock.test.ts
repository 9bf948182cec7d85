import { expect, test } from 'vitest';
import { SharedClock } from '../../../../src/throttle/share/clock.ts';

const T0 = 1_800_000_000_000;

/** Hear answers: what the server is ahead, how long the question and the answer took. */
function heard(
  ...answers: readonly (readonly [aheadMs: number, thereMs: number, backMs: number])[]
): SharedClock {
  const clock = new SharedClock(() => T0);
  for (const [aheadMs, thereMs, backMs] of answers)
    clock.note(T0 + thereMs + aheadMs, T0, T0 + thereMs + backMs);
  return clock;
}

test.for([
  ['at once', [[5000, 0, 0]], 5000],
  ['half of the way is taken off', [[5000, 40, 40]], 5000],
  [
    'a quicker answer corrects a slow one that waited on one side',
    [
      [5000, 0, 300],
      [5000, 1, 1],
    ],
    5000,
  ],
  [
    'a slow one does not spoil a quick one',
    [
      [5000, 1, 1],
      [5000, 0, 300],
    ],
    5000,
  ],
  [
    'a clock that was set is noticed, however slow the answer',
    [
      [5000, 1, 1],
      [-60_000, 200, 200],
    ],
    -60_000,
  ],
  [
    'a clock that drifts is followed in the end',
    [[0, 1, 1], ...Array.from({ length: 40 }, () => [300, 2, 2] as const)],
    300,
  ],
] as const)('%s', ([, answers, aheadMs]) => {
  const clock = heard(...answers);
  expect(clock.aheadMs).toBe(aheadMs);
  expect(clock.toLocal(clock.toShared(T0))).toBe(T0);
});

test('more than two seconds are apart, either way', () => {
  expect([2001, -2001, 1999, -1999].map((aheadMs) => heard([aheadMs, 0, 0]).isApart)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
