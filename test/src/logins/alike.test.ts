import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LabKey, type LoginLab, loginLab } from '../../helpers/logins.ts';

// What an outsider with a clock could learn. Rounds of all cases in turn, so that what else the machine does falls on
// each alike; medians, and a bound that a case without its Argon2, or an answer at once, would miss by far.

const ROUNDS = 15;

let lab: LoginLab;
let key: LabKey;
let other: LabKey;

beforeEach(async () => {
  // Answers as soon as they are known: what the padding would hide is looked at without it.
  lab = await loginLab({ failureMs: 0.001 });
  key = await lab.key(1);
  other = await lab.key(2);
  await lab.add('ann@example.org', key.publicId, { password: 'correct horse' });
  await lab.add('bob@example.org', other.publicId, { password: 'correct horse' });
});

afterEach(() => lab.close());

const median = (values: readonly number[]) =>
  values.toSorted((one, two) => one - two)[Math.floor(values.length / 2)] ?? 0;

test('an unknown login, a wrong key, a wrong password and a replay cost the same', async () => {
  const spent = key.press();
  await lab.login('ann@example.org', `correct horse${spent}`);
  const cases: Readonly<Record<string, () => readonly [string, string]>> = {
    'unknown login': () => ['nobody@example.org', `correct horse${key.press()}`],
    'wrong key': () => ['ann@example.org', `correct horse${other.press()}`],
    'wrong password': () => ['ann@example.org', `wrong horse${key.press()}`],
    replay: () => ['ann@example.org', `correct horse${spent}`],
    'unknown key': () => ['ann@example.org', `correct horse${'c'.repeat(12)}${key.press().slice(12)}`],
    'no OTP': () => ['ann@example.org', 'correct horse'],
  };
  const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, make] of Object.entries(cases)) {
      const [account, field] = make();
      const begin = performance.now();
      // Each round comes from elsewhere: limits are not what is measured.
      const verdict = await lab.login(account, field, { address: `192.0.2.${round}` });
      times.get(name)?.push(performance.now() - begin);
      expect(verdict.kind, name).toBe('refused');
    }
  }
  const medians = [...times.values()].map(median);
  const shown = [...times].map(([name, values]) => `${name} ${median(values).toFixed(1)} ms`).join(', ');
  expect(Math.max(...medians) / Math.min(...medians), shown).toBeLessThan(2.5);
});

test('refusals are told at multiples of one time', async () => {
  const slow = await loginLab({ failureMs: 300 });
  try {
    const begin = performance.now();
    await slow.login('nobody@example.org', 'x');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(300);
  } finally {
    await slow.close();
  }
});
