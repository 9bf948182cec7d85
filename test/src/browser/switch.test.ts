import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findBackup } from '../../../src/browser/backup.ts';
import { findFirefox } from '../../../src/browser/firefox.ts';
import { packMozLz4, unpackMozLz4 } from '../../../src/browser/mozlz4.ts';
import { disableRoboForm, type Switching, undoDisable } from '../../../src/browser/switch.ts';
import { ROBOFORM_ID } from '../../../src/lab/firefox-profile.ts';
import { isInstalled, needs } from '../../helpers/debian.ts';
import { BINARY, environment, inFirefox, running, scratch, usedProfile } from '../../helpers/firefox.ts';

const FILES = ['extensions.json', 'addonStartup.json.lz4', 'extension-preferences.json', 'prefs.js'];

let used: string;
beforeAll(async () => {
  if (isInstalled('firefox-esr')) used = await usedProfile();
});

/** A profile of its own, as one that Firefox used and left. */
function profile(): string {
  const folder = scratch();
  cpSync(used, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}

const contents = (folder: string) =>
  FILES.map((name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'base64') : null));

function how(binary: string | undefined, more: Partial<Switching> = {}): Switching {
  const home = scratch();
  return {
    backups: join(home, 'browser'),
    binary,
    surroundings: { platform: 'linux', home, env: environment(home) },
    timeoutMs: 120_000,
    nowMs: Date.UTC(2026, 10, 25, 8),
    ...more,
  };
}

describe('RoboForm in a real profile', () => {
  beforeEach((context) => needs(context, 'firefox-esr', 'firefox-esr'));

  test.for([
    ['firefox', BINARY],
    ['files', undefined],
  ] as const)('is switched off by %s, stays so, and comes back byte for byte', async ([method, binary]) => {
    const folder = profile();
    const before = contents(folder);
    const options = how(binary);
    const off = await disableRoboForm(folder, undefined, options);
    expect(off).toMatchObject({ status: 'ok', method });
    expect(existsSync(join(folder, 'extensions', `${ROBOFORM_ID}.xpi`))).toBe(true);

    await undoDisable(undefined, options);
    expect(contents(folder)).toEqual(before);

    await disableRoboForm(folder, undefined, options);
    // Twice: an edit of one file alone looks right at first and comes back at the second start.
    expect(await inFirefox(folder, running)).toEqual([]);
    expect(await inFirefox(folder, running)).toEqual([]);
    const undone = await undoDisable(undefined, options);
    expect(undone.method).toBe(method);
    expect(await inFirefox(folder, running)).toEqual([ROBOFORM_ID]);
  });

  test('a profile that a Firefox has open is not touched', async () => {
    const folder = profile();
    await inFirefox(folder, async () => {
      const before = contents(folder);
      const options = how(BINARY);
      await expect(disableRoboForm(folder, undefined, options)).rejects.toMatchObject({
        code: 'E_PROFILE_IN_USE',
      });
      expect(contents(folder)).toEqual(before);
      expect(existsSync(options.backups)).toBe(false);
    });
  });

  test('the settings for tests that the remote control knows are not left in the profile', () => {
    const settings = readFileSync(join(used, 'prefs.js'), 'utf8');
    expect(settings).not.toMatch(/ForTesting|rememberSignons|focusmanager|marionette|remote\.prefs/);
  });

  test('the former state is kept where only its owner can read it', async () => {
    const folder = profile();
    const options = how(undefined);
    const { change } = await disableRoboForm(folder, undefined, options);
    const kept = join(options.backups, String(change));
    expect(statSync(kept).mode & 0o077).toBe(0);
    for (const name of ['manifest.json', 'prefs.js', 'extensions.json'])
      expect(statSync(join(kept, name)).mode & 0o077).toBe(0);
    expect(findBackup(options.backups).id).toBe(change);
  });

  test('the Firefox for a profile is the one that used it last', () => {
    expect(findFirefox(used, { platform: 'linux', home: '', env: { PATH: '/nowhere' } })).toBe(
      '/usr/lib/firefox-esr/firefox-esr',
    );
  });
});

describe('mozLz4', () => {
  test.for([0, 1, 14, 15, 269, 270, 271, 100_000])('%d bytes come back as they were', (length) => {
    const content = Buffer.alloc(length, 'abc');
    expect(unpackMozLz4(packMozLz4(content))).toEqual(content);
  });

  test('a match that overlaps what it makes', () => {
    const block = Buffer.from([0x1f, 0x61, 1, 0, 0, 0x10, 0x62]);
    const size = Buffer.from([21, 0, 0, 0]);
    const file = Buffer.concat([Buffer.from('mozLz40\0'), size, block]);
    expect(unpackMozLz4(file).toString()).toBe(`${'a'.repeat(20)}b`);
  });

  test.for([
    Buffer.from('mozLz40'),
    Buffer.from('mozLz40\0\xff\xff\xff\xff\x00', 'latin1'),
    Buffer.from('mozLz40\0\x05\0\0\0\x0f\x09\x09\xff', 'latin1'),
    Buffer.from('mozLz40\0\x05\0\0\0\xf0\xff\xff', 'latin1'),
  ])('%j is refused', (bytes) => {
    expect(() => unpackMozLz4(bytes)).toThrow('not a mozLz4 file');
  });
});
