import { expect, test } from 'vitest';
import { fuzz, seededDice } from '../bench/fuzz/harness.ts';
import { targets } from '../bench/fuzz/targets.ts';

// A bounded number of damaged inputs for each parser, the same ones each time; "npm run fuzz" goes on from there.

const CASES = 400;

test.for(targets)('$name survives damaged input', async (target) => {
  const { runs, findings } = await fuzz(target, { dice: seededDice(13), goOn: (count) => count < CASES });
  expect(findings.map(({ input, what }) => `${input.toString('base64').slice(0, 2000)}: ${what}`)).toEqual(
    [],
  );
  expect(runs).toBe(CASES);
});

test('a target that throws is found out', async () => {
  const target = {
    name: 'brittle',
    seeds: () => [Buffer.from('fine')],
    start: () => ({
      feed: (input: Buffer) => {
        if (input.includes(0)) throw new RangeError('NUL');
      },
    }),
  };
  const { findings } = await fuzz(target, {
    dice: seededDice(1),
    goOn: (count, found) => count < 1000 && found === 0,
  });
  expect(findings[0]?.what).toContain('RangeError: NUL');
});
