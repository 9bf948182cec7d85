import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseRoot, pathSegments, rangeOf } from '../../../src/throttle/files.ts';
import { ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// The built-in front with the files of a folder, in which there are also things that nobody shall have.

const base = mkdtempSync(join(tmpdir(), 'postern-files-'));
const root = join(base, 'www');
let lab: ThrottleLab;

beforeAll(async () => {
  for (const each of ['docs', '.git', '.well-known', 'empty'])
    mkdirSync(join(root, each), { recursive: true });
  mkdirSync(join(base, 'www-private'));
  const put = (name: string, text: string) => writeFileSync(join(base, name), text);
  put('secret.txt', 'SECRET');
  put('www-private/secret.txt', 'SECRET');
  put('www/index.html', '<p>start</p>');
  put('www/docs/index.html', '<p>docs</p>');
  put('www/docs/a b%.txt', 'blank');
  put('www/digits.txt', '0123456789');
  put('www/nothing.css', '');
  put('www/.env', 'SECRET');
  put('www/.git/config', 'SECRET');
  put('www/.well-known/security.txt', 'Contact: mailto:a@example.org');
  symlinkSync('../secret.txt', join(root, 'out.txt'));
  symlinkSync('/etc', join(root, 'etc'));
  symlinkSync('../www-private', join(root, 'sibling'));
  symlinkSync('.env', join(root, 'hidden.txt'));
  symlinkSync('digits.txt', join(root, 'inside.txt'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  utimesSync(join(root, 'digits.txt'), 1_700_000_000, 1_700_000_000);
  lab = await startThrottleLab({
    front: {
      at: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      origin: { root: parseRoot(root) },
      trusted: [],
    },
  });
  await lab.api('/v1/policy', 'PUT', { limits: '1000/1G' });
});
afterAll(() => lab.close());

const get = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  ask(lab.port, { path, headers, method });

test.for([
  ['/', 200, 'text/html; charset=utf-8', '<p>start</p>'],
  ['/index.html?x=/../..', 200, 'text/html; charset=utf-8', '<p>start</p>'],
  ['/docs/', 200, 'text/html; charset=utf-8', '<p>docs</p>'],
  ['/docs/a%20b%25.txt', 200, 'text/plain; charset=utf-8', 'blank'],
  ['//docs///index.html', 200, 'text/html; charset=utf-8', '<p>docs</p>'],
  ['/inside.txt', 200, 'text/plain; charset=utf-8', '0123456789'],
  ['/nothing.css', 200, 'text/css; charset=utf-8', ''],
  ['/.well-known/security.txt', 200, 'text/plain; charset=utf-8', 'Contact: mailto:a@example.org'],
] as const)('%s is given out', async ([path, status, type, body]) => {
  expect(await get(path)).toMatchObject({ status, body, headers: { 'content-type': type } });
});

test.for([
  '/none.html',
  '/empty/',
  '/.env',
  '/.git/config',
  '/docs/../.env',
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/docs/..%5c..%5csecret.txt',
  '/index.html%00.txt',
  '/%ff',
  '/out.txt',
  '/etc/passwd',
  '/sibling/secret.txt',
  '/hidden.txt',
  '/pipe',
  '/index.html/',
  `/${'a/'.repeat(1200)}`,
])('%s is not', async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain('SECRET');
});

test('a folder without its slash is shown the way, and never to another host', async () => {
  expect(await get('/docs')).toMatchObject({ status: 301, headers: { location: '/docs/' } });
  expect(await get('//docs')).toMatchObject({ status: 301, headers: { location: '/docs/' } });
  expect(pathSegments('//evil.example/%2e%2e')).toBeNull();
});

test('files are only read, and a HEAD has the length without the bytes', async () => {
  expect(await get('/digits.txt', {}, 'DELETE')).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
  expect(await get('/digits.txt', {}, 'HEAD')).toMatchObject({
    status: 200,
    body: '',
    headers: { 'content-length': '10' },
  });
});

describe('what the client has already', () => {
  test.for([
    ['the same tag', (etag: string) => ({ 'if-none-match': `"x", W/${etag}` }), 304],
    ['any tag', () => ({ 'if-none-match': '*' }), 304],
    ['another tag', () => ({ 'if-none-match': '"x"' }), 200],
    ['the same time', () => ({ 'if-modified-since': new Date(1_700_000_000_000).toUTCString() }), 304],
    ['an older time', () => ({ 'if-modified-since': new Date(1_699_999_999_000).toUTCString() }), 200],
    ['no time at all', () => ({ 'if-modified-since': 'yesterday' }), 200],
    [
      'a newer time and another tag',
      () => ({ 'if-none-match': '"x"', 'if-modified-since': new Date().toUTCString() }),
      200,
    ],
  ] as const)('%s', async ([, fields, status]) => {
    const { headers } = await get('/digits.txt');
    const answer = await get('/digits.txt', fields(String(headers['etag'])));
    expect(answer).toMatchObject({ status, body: status === 304 ? '' : '0123456789' });
  });
});

describe('a part of a file', () => {
  test.for([
    ['bytes=2-4', { start: 2, end: 4 }],
    ['bytes=2-', { start: 2, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-30', { start: 0, end: 9 }],
    ['bytes=8-999', { start: 8, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=4-2', null],
    ['bytes=0-1,3-4', null],
    ['lines=0-1', null],
    ['bytes=-', null],
    [undefined, null],
  ] as const)('%s', ([field, expected]) => {
    expect(rangeOf(field, 10)).toEqual(expected);
  });

  test('is sent as such, of the file that the client has begun with', async () => {
    const part = await get('/digits.txt', { range: 'bytes=2-4' });
    expect(part).toMatchObject({
      status: 206,
      body: '234',
      headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' },
    });
    const etag = String(part.headers['etag']);
    expect(await get('/digits.txt', { range: 'bytes=2-4', 'if-range': etag })).toMatchObject({ status: 206 });
    expect(await get('/digits.txt', { range: 'bytes=2-4', 'if-range': '"x"' })).toMatchObject({
      status: 200,
    });
    expect(await get('/digits.txt', { range: 'bytes=99-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */10' },
    });
    expect(rangeOf('bytes=-1', 0)).toBe('unsatisfiable');
  });
});

test('a root that is no folder is refused, and a target that is no path is not found', async () => {
  expect(() => parseRoot(join(root, 'digits.txt'))).toThrow(
    expect.objectContaining({ code: 'E_ROOT', exit: 64 }),
  );
  const socket = connect(lab.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.write('GET secret.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  expect(text).toMatch(/^HTTP\/1\.1 40[04]/);
});

test('the limits hold for files as for anything else', async () => {
  await lab.api('/v1/sites', 'POST', { name: 'tiny.example', limits: '2/2M' });
  const statuses: number[] = [];
  for (let sent = 0; sent < 3; sent += 1)
    statuses.push((await ask(lab.port, { host: 'tiny.example' })).status);
  expect(statuses).toEqual([200, 200, 429]);
});
