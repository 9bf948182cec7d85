import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { keepProfile } from '../../../src/browser/backup.ts';
import { type Switching, undoDisable } from '../../../src/browser/switch.ts';
import { ROBOFORM_ID } from '../../../src/lab/firefox-profile.ts';
import { needs } from '../../helpers/debian.ts';
import {
  BINARY,
  environment,
  inFirefox,
  processesOn,
  running,
  scratch,
  usedProfile,
} from '../../helpers/firefox.ts';
import { root } from '../../helpers/run.ts';

beforeEach((context) => needs(context, 'firefox-esr', 'firefox-esr'));

const switching = (home: string, backups: string): Switching => ({
  backups,
  binary: BINARY,
  surroundings: { platform: 'linux', home, env: environment(home) },
  timeoutMs: 120_000,
  nowMs: Date.UTC(2026, 10, 25, 8),
});

const isThere = (file: string) => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

test('kill -9 in the middle takes Firefox along, and leaves a profile that starts', async () => {
  const folder = await usedProfile();
  const home = scratch();
  const backups = join(home, '.local/state/postern/browser');
  const moments = {
    'the former files are kept': () =>
      existsSync(backups) && readdirSync(backups).some((id) => isThere(join(backups, id, 'manifest.json'))),
    'Firefox starts': () => isThere(join(folder, 'lock')),
    'Firefox listens': () => isThere(join(folder, 'MarionetteActivePort')),
  };
  for (const [moment, hasCome] of Object.entries(moments)) {
    rmSync(join(folder, 'lock'), { force: true });
    rmSync(backups, { recursive: true, force: true });
    const child = spawn(
      process.execPath,
      [`${root}bin/dev.ts`, 'browser', 'disable', '--profile-dir', folder],
      {
        env: environment(home),
        stdio: 'ignore',
      },
    );
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await expect.poll(hasCome, { timeout: 60_000, interval: 5, message: moment }).toBe(true);
    child.kill('SIGKILL');
    await ended;
    await expect.poll(() => processesOn(folder), { timeout: 60_000 }).toEqual([]);
    expect(await inFirefox(folder, running), moment).toBeInstanceOf(Array);
    await undoDisable(undefined, switching(home, backups));
    expect(await inFirefox(folder, running), moment).toEqual([ROBOFORM_ID]);
  }
});

test('broken off between two files: Firefox starts, or undo brings them back byte for byte', async () => {
  const folder = await usedProfile();
  const backups = scratch();
  const list = join(folder, 'extensions.json');
  const before = readFileSync(list);
  keepProfile(backups, folder, [ROBOFORM_ID], 0);
  const edited = JSON.parse(before.toString());
  for (const addon of edited.addons)
    if (addon.id === ROBOFORM_ID) Object.assign(addon, { userDisabled: true, active: false });
  writeFileSync(list, JSON.stringify(edited));
  const undone = await undoDisable(undefined, switching(scratch(), backups));
  expect(undone.method).toBe('restored');
  expect(readFileSync(list)).toEqual(before);

  writeFileSync(list, JSON.stringify(edited));
  expect(await inFirefox(folder, running)).toBeInstanceOf(Array);
});
