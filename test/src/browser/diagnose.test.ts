import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRoboForm, parseAddons } from '../../../src/browser/addons.ts';
import { holderOf, isLocked, useOf } from '../../../src/browser/lock.ts';
import { placesOf } from '../../../src/browser/places.ts';
import { findProfiles, profilesIn } from '../../../src/browser/profiles.ts';
import { run } from '../../helpers/run.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'postern-browser-'));

const addon = (changes: object = {}) => ({
  id: 'rf-firefox@siber.com',
  version: '9.6.1',
  type: 'extension',
  location: 'app-profile',
  active: true,
  userDisabled: false,
  appDisabled: false,
  path: '/p/extensions/rf-firefox@siber.com.xpi',
  defaultLocale: { name: 'RoboForm Password Manager', creator: 'Siber Systems' },
  userPermissions: { permissions: [], origins: ['<all_urls>'] },
  ...changes,
});
const plain = (changes: object) => addon({ id: 'a@b.test', defaultLocale: { name: 'A' }, ...changes });

function profileWith(addons: readonly object[]): string {
  const made = folder();
  writeFileSync(join(made, 'extensions.json'), JSON.stringify({ schemaVersion: 37, addons }));
  return made;
}

describe('where profiles lie', () => {
  test.for([
    ['linux', {}, '/h/.config/mozilla/firefox'],
    ['linux', { XDG_CONFIG_HOME: '/c' }, '/c/mozilla/firefox'],
    ['linux', {}, '/h/.mozilla/firefox'],
    ['linux', {}, '/h/snap/firefox/common/.mozilla/firefox'],
    ['linux', {}, '/h/.var/app/org.mozilla.firefox/.mozilla/firefox'],
    ['darwin', {}, '/h/Library/Application Support/Firefox'],
    ['win32', { APPDATA: 'C:\\R' }, 'C:\\R\\Mozilla\\Firefox'],
  ] as const)('on %s with %o: %s', ([platform, env, expected]) => {
    const places = placesOf({ platform, home: '/h', env });
    expect(places.map((place) => place.folder)).toContain(expected);
  });

  test('the default is what the installation says, not the old mark of a profile', () => {
    const text =
      '[Profile0]\nName=old\nIsRelative=1\nPath=a.old\nDefault=1\n\n[Profile1]\r\nName=new\r\nIsRelative=0\r\nPath=/x/b.new\r\n[InstallF00]\nDefault=/x/b.new\n';
    expect(profilesIn(text, { folder: '/f', packaging: 'snap' })).toEqual([
      { name: 'old', folder: '/f/a.old', isDefault: false, packaging: 'snap' },
      { name: 'new', folder: '/x/b.new', isDefault: true, packaging: 'snap' },
    ]);
  });

  test('a profile that two lists have is found once, and one whose folder is gone not at all', () => {
    const place = { folder: folder(), packaging: 'system' } as const;
    mkdirSync(join(place.folder, 'p'));
    writeFileSync(
      join(place.folder, 'profiles.ini'),
      '[Profile0]\nName=p\nPath=p\n[Profile1]\nName=gone\nPath=gone\n',
    );
    expect(findProfiles([place, place]).map(({ name }) => name)).toEqual(['p']);
  });
});

describe('an extension', () => {
  const first = (entry: object) => parseAddons(JSON.stringify({ addons: [entry] }))?.[0];

  test.for([
    ['the id of today', addon({ defaultLocale: { name: 'x' } }), true],
    ['the old id in any case', plain({ id: '{22119944-ed35-4ab1-910b-E619EA06A115}' }), true],
    ['the name', plain({ defaultLocale: { name: 'My RoboForm' } }), true],
    ['the maker', plain({ defaultLocale: { name: 'x', creator: 'Siber Systems, Inc.' } }), true],
    ['neither', plain({}), false],
  ] as const)('is RoboForm by %s', ([, entry, expected]) => {
    const read = first(entry);
    expect(read && isRoboForm(read)).toBe(expected);
  });

  test.for([
    ['<all_urls>', true],
    ['*://*/*', true],
    ['https://*/*', true],
    ['https://*.mail.test/*', false],
  ] as const)('with %s touches every page: %s', ([origin, expected]) => {
    expect(first(addon({ userPermissions: { origins: [origin] } }))?.everyPage).toBe(expected);
  });

  test.for(['', '[]', '{}', '{"addons":{}}', '\0'])('%j is no list of extensions', (text) => {
    expect(parseAddons(text)).toBeUndefined();
  });
});

describe('a profile in use', () => {
  test('the link that a clean end leaves behind does not count', () => {
    const made = folder();
    writeFileSync(join(made, '.parentlock'), '');
    symlinkSync('127.0.1.1:+4194304', join(made, 'lock'));
    expect(useOf(made, 'linux')).toBe('free');
    expect(holderOf('127.0.1.1:+4194304')).toBe(4_194_304);
  });

  test('where the system has no list of locks it is not taken for free', () => {
    const made = folder();
    writeFileSync(join(made, '.parentlock'), '');
    expect(useOf(made, 'darwin')).toBe('unknown');
  });

  test('the lock counts by its inode', () => {
    const locks =
      '1: POSIX  ADVISORY  WRITE 812 fe:01:4711 0 EOF\n2: FLOCK  ADVISORY  WRITE 9 fe:01:12 0 EOF\n';
    expect([4711, 471, 711, 12].map((inode) => isLocked(locks, inode))).toEqual([true, false, false, false]);
  });
});

describe('browser diagnose', () => {
  const diagnose = (made: string, ...more: string[]) =>
    run('browser diagnose', ['--profile-dir', made, '--json', ...more]);

  test.for([
    ['runs', [addon()], 'enabled', 1],
    ['is switched off', [addon({ active: false, userDisabled: true })], 'disabled', 0],
    ['is not there', [plain({})], 'absent', 0],
  ] as const)('RoboForm %s', async ([, addons, roboform, exit]) => {
    const ran = await diagnose(profileWith(addons));
    expect(ran.exit).toBe(exit);
    expect(JSON.parse(ran.stdout)).toMatchObject({ profiles: [{ roboform }] });
  });

  test('other extensions that touch every page are named', async () => {
    const ran = await diagnose(
      profileWith([addon({ active: false }), plain({ defaultLocale: { name: 'Blocker' } })]),
    );
    expect(JSON.parse(ran.stdout).checks).toMatchObject([
      { id: 'browser.every-page', info: true, message: expect.stringContaining('Blocker') },
    ]);
  });

  test('an id of one’s own counts as RoboForm', async () => {
    const ran = await diagnose(profileWith([plain({})]), '--addon-id', 'a@b.test');
    expect(JSON.parse(ran.stdout)).toMatchObject({ profiles: [{ roboform: 'enabled' }] });
  });

  test('a list that cannot be read is neither good news nor bad', async () => {
    const made = folder();
    writeFileSync(join(made, 'extensions.json'), '{"addons":');
    const ran = await diagnose(made);
    expect(ran.exit).toBe(3);
    expect(JSON.parse(ran.stdout)).toMatchObject({ profiles: [{ roboform: 'unknown' }] });
  });

  test('a name with a terminal sequence is shown harmless', async () => {
    const made = profileWith([plain({ defaultLocale: { name: 'x\u001b[31m' } })]);
    expect((await run('browser diagnose', ['--profile-dir', made])).stdout).not.toContain('\u001b');
  });

  test('a folder that is not there is refused in one line', async () => {
    const ran = await run('browser diagnose', ['--profile-dir', '/nowhere/at/all']);
    expect(ran).toMatchObject({ exit: 65, stdout: '' });
    expect(ran.stderr).toContain('about:profiles');
  });
});
