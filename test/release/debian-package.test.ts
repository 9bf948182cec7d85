import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
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

it('is a package that lintian has nothing to say about', { timeout: 1_800_000 }, (context) => {
  expect(done('lintian', ['--allow-root', '--fail-on', 'warning', build(context)])).toBe('');
});

const USER = 'postern-validation';
const STATE = '/var/lib/postern/validation';

/** A key and its OTP, from the documentation of yubikey-ksm. */
const KEY = '1,dteffuje,8792ebfe26cc,ecde18dbe76fbd0c33330f1c354871db,000000000000,2009-12-14T16:40:57,';
const OTP = 'dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh';

/** A smallest Debian, and how to do something in it. */
type Root = { readonly path: string; readonly inside: (...args: string[]) => string };

function makeRoot(): Root {
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

type Answer = { readonly status: number | undefined; readonly text: string };

/** An answer of a service on a Unix socket. */
function get(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers: { host: 'service' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    })
      .on('error', reject)
      .end();
  });
}

/** One line of an installed unit. */
function setting(root: string, unit: string, name: string): string {
  const text = readFileSync(join(root, 'usr/lib/systemd/system', unit), 'utf8');
  return new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
}

/**
 * Start what an installed unit starts, in that root, as its user, with its sockets and its folder of state, and ask.
 * systemd's own program opens the sockets, under the names that the units give them.
 */
async function askService(
  { path: root, inside }: Root,
  service: string,
  paths: readonly string[],
): Promise<Answer[]> {
  const user = setting(root, service, 'User');
  const state = `/var/lib/${setting(root, service, 'StateDirectory')}`;
  inside('install', '-d', '-o', user, '-g', user, '-m', '0700', state);
  const names = setting(root, service, 'Sockets')
    .split(' ')
    .map((socket) => setting(root, socket, 'FileDescriptorName'));
  const sockets = names.map((name) => join(work, `${name}.sock`));
  const child: ChildProcess = spawn(
    'systemd-socket-activate',
    [
      ...sockets.flatMap((socket) => ['-l', socket]),
      `--fdname=${names.join(':')}`,
      ...['-E', 'STATE_DIRECTORY', '-E', 'HOME', 'chroot', `--userspec=${user}:${user}`, root],
      ...setting(root, service, 'ExecStart').split(' '),
    ],
    {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', STATE_DIRECTORY: state },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  try {
    await expect.poll(() => said, { timeout: 60_000 }).toContain('Listening on');
    const answers: Answer[] = [];
    for (const each of paths) answers.push(await get(sockets[0] as string, each));
    child.kill('SIGTERM');
    expect(await ended, said).toBe(0);
    return answers;
  } catch (error) {
    throw new Error(`${service} said: ${said}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
    for (const socket of sockets) rmSync(socket, { force: true });
  }
}

/** Run the program as the user of the validation server, who has no home. */
function asServer({ inside }: Root, ...args: string[]): string {
  const person = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  return inside(...person, 'env', 'HOME=/nonexistent', 'postern', ...args, '--store', STATE);
}

/** A key and a client, as an administrator puts them in. */
function enrol(root: Root): void {
  root.inside('install', '-d', '-o', USER, '-g', USER, '-m', '0700', STATE);
  root.inside('sh', '-c', `umask 077; echo '${KEY}' > /tmp/keys.csv; chown ${USER} /tmp/keys.csv`);
  asServer(root, 'validation', 'import', '/tmp/keys.csv');
  asServer(root, 'validation', 'client', 'add', 'mail', '--write-key', `${STATE}/mail.key`);
}

/** What the validation server has, by its own lists. */
function enrolled(root: Root): { keys: unknown; clients: unknown } {
  const list = (what: string) =>
    JSON.parse(asServer(root, 'validation', what, 'list', '--json')) as Record<string, unknown>;
  return { keys: list('key')['keys'], clients: list('client')['clients'] };
}

/** Configuration, state, a cache of root's, dpkg's memory of both, and the packages of this test. */
const KEPT = /^\/(etc\/postern|var\/lib\/(postern|dpkg)|root\/\.cache\/postern|tmp)\b/;

it('installs in the smallest Debian, works there, is upgraded and removed', {
  timeout: 1_800_000,
}, async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  const current = build(context);
  const root = makeRoot();
  const { path, inside } = root;
  for (const file of [earlier(current), current]) copyFileSync(file, join(path, 'tmp', basename(file)));

  inside('apt-get', 'update', '-qq');
  inside('apt-get', 'install', '-qq', '-y', '--no-install-recommends', '/tmp/postern_0.0.1_earlier.deb');
  writeFileSync(join(path, 'etc/postern/config.json'), '{ "color": "never" }\n');
  inside('sh', '-c', 'mkdir -p /var/lib/postern && echo kept > /var/lib/postern/state');
  enrol(root);
  const before = enrolled(root);
  expect(before).toMatchObject({ keys: [{ publicId: 'dteffuje' }], clients: [{ label: 'mail' }] });
  inside('apt-get', 'install', '-qq', '-y', `/tmp/${basename(current)}`);
  expect(enrolled(root)).toEqual(before);
  expect(inside('dpkg-query', '--show', 'postern')).not.toContain('0.0.1');
  expect(inside('cat', '/etc/postern/config.json', '/var/lib/postern/state')).toBe(
    '{ "color": "never" }\nkept\n',
  );

  expect(inside('postern', '--version')).toContain('node-v24.');
  expect(inside('postern', 'demo')).toContain('encrypted');
  expect(inside('postern', 'yubikey', 'list', '--json')).toContain('"keys": []');
  for (const user of ['postern-throttle', 'postern-validation'])
    expect(inside('getent', 'passwd', user)).toContain('nologin');

  expect(await askService(root, 'postern-throttle.service', ['/healthz'])).toMatchObject([{ status: 200 }]);
  const query = `/wsapi/2.0/verify?id=1&otp=${OTP}&nonce=0123456789abcdef`;
  const [health, first, again] = await askService(root, 'postern-validation.service', [
    '/healthz',
    query,
    query.replace('0123', '3210'),
  ]);
  expect(health).toEqual({ status: 200, text: 'ok\n' });
  expect(first?.text).toContain('status=OK');
  expect(again?.text).toContain('status=REPLAYED_OTP');

  inside('apt-get', 'remove', '-qq', '-y', 'postern');
  const left = inside('find', '/', '-xdev', '-not', '-type', 'd', '-path', '*postern*').trim().split('\n');
  expect(left.filter((file) => !KEPT.test(file))).toEqual([]);
  expect(existsSync(join(path, 'var/lib/postern/state'))).toBe(true);
  expect(readdirSync(join(path, STATE))).toEqual(
    expect.arrayContaining(['keys.db', 'master.key', 'mail.key']),
  );
  expect(readdirSync(join(path, 'usr/lib'))).not.toContain('postern');
});
