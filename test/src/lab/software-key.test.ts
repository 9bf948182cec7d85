import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blankKey, createSoftwareKey } from '../../../src/lab/software-key.ts';
import { parseSoftwareKey } from '../../../src/lab/software-key-file.ts';
import { run } from '../../helpers/run.ts';

const SECOND_MS = 1000;

test('a key in software keeps its clock from one run to the next, as one that stays plugged in', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'postern-key-')), 'key.json');
  const poweredAfter = async (...flags: string[]) => {
    await run('otp generate', ['--software-key', file, ...flags]);
    return parseSoftwareKey(readFileSync(file, 'utf8'), file).powered;
  };
  const first = await poweredAfter('--new');
  expect(first).not.toBeNull();
  expect(await poweredAfter()).toEqual(first);
  expect(await poweredAfter('--replug')).not.toEqual(first);
});

test('its clock begins anew when it is unplugged', () => {
  let nowMs = 0;
  const key = createSoftwareKey(blankKey(1), { nowMs: () => nowMs });
  const before = key.state().powered;
  nowMs += 5 * SECOND_MS;
  key.replug();
  expect(key.state().powered).not.toEqual(before);
});

test('a file from before the clock was kept is read', () => {
  const { powered: _, ...old } = blankKey(7);
  expect(
    parseSoftwareKey(JSON.stringify({ format: 'postern-software-key/1', ...old }), 'f').powered,
  ).toBeNull();
});
