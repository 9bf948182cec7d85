import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { needs } from '../helpers/debian.ts';
import { copyOfCheckout, done } from '../helpers/release.ts';

let work: string;
let checkout: string | undefined;
let archive: string | undefined;

function mayRun(context: TestContext): void {
  needs(context, 'mmdebstrap', 'mmdebstrap');
  needs(context, 'lintian', 'lintian');
  if (process.getuid?.() !== 0) context.skip('a root of its own takes the rights of root');
}

function build(context: TestContext): string {
  mayRun(context);
  checkout ??= copyOfCheckout();
  archive ??= done(process.execPath, ['bin/deb.ts', '--out', work], {
    cwd: checkout,
    env: { ...process.env, SOURCE_DATE_EPOCH: '1767225600' },
  }).trim();
  return archive;
}

/** The same package under an earlier version, as it was installed before. */
function earlier(current: string): string {
  const tree = join(work, 'earlier');
  const file = join(work, 'postern_0.0.1_earlier.deb');
  done('dpkg-deb', ['-R', current, tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 0.0.1'));
  done('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file]);
  rmSync(tree, { recursive: true });
  return file;
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'postern-deb-test-'));
});

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  if (checkout) rmSync(checkout, { recursive: true, force: true });
});

it('is a package that lintian has nothing to say about', { timeout: 120_000 }, (context) => {
  expect(done('lintian', ['--allow-root', '--fail-on', 'warning', build(context)])).toBe('');
});

/** A smallest Debian, and how to do something in it. */
function makeRoot(): { path: string; inside: (...args: string[]) => string } {
  const path = join(work, 'root');
  done('mmdebstrap', ['--variant=minbase', '--quiet', 'bookworm', path]);
  return {
    path,
    inside: (...args) =>
      done('chroot', [
        path,
        'env',
        '-i',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        'HOME=/root',
        'LANG=C.UTF-8',
        'DEBIAN_FRONTEND=noninteractive',
        ...args,
      ]),
  };
}

/** Configuration, state, a cache of root's, dpkg's memory of both, and the packages of this test. */
const KEPT = /^\/(etc\/postern|var\/lib\/(postern|dpkg)|root\/\.cache\/postern|tmp)\b/;

it('installs in the smallest Debian, works there, is upgraded and removed', {
  timeout: 240_000,
}, (context) => {
  const current = build(context);
  const { path, inside } = makeRoot();
  for (const file of [earlier(current), current]) copyFileSync(file, join(path, 'tmp', basename(file)));

  inside('apt-get', 'update', '-qq');
  inside('apt-get', 'install', '-qq', '-y', '--no-install-recommends', '/tmp/postern_0.0.1_earlier.deb');
  writeFileSync(join(path, 'etc/postern/config.json'), '{ "color": "never" }\n');
  inside('sh', '-c', 'mkdir -p /var/lib/postern && echo kept > /var/lib/postern/state');
  inside('apt-get', 'install', '-qq', '-y', `/tmp/${basename(current)}`);
  expect(inside('dpkg-query', '--show', 'postern')).not.toContain('0.0.1');
  expect(inside('cat', '/etc/postern/config.json', '/var/lib/postern/state')).toBe(
    '{ "color": "never" }\nkept\n',
  );

  expect(inside('postern', '--version')).toContain('node-v24.');
  expect(inside('postern', 'demo')).toContain('encrypted');
  expect(inside('postern', 'yubikey', 'list', '--json')).toContain('"keys": []');
  for (const user of ['postern-throttle', 'postern-validation'])
    expect(inside('getent', 'passwd', user)).toContain('nologin');

  inside('apt-get', 'remove', '-qq', '-y', 'postern');
  const left = inside('find', '/', '-xdev', '-not', '-type', 'd', '-path', '*postern*').trim().split('\n');
  expect(left.filter((file) => !KEPT.test(file))).toEqual([]);
  expect(existsSync(join(path, 'var/lib/postern/state'))).toBe(true);
  expect(readdirSync(join(path, 'usr/lib'))).not.toContain('postern');
});
