import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPolicyCache } from '../../../src/mta-sts/cache.ts';

const ENTRY = { id: '1', text: 'version: STSv1\nmode: none\nmax_age: 86400\n', fetchedMs: 1_764_000_000_000 };

function newFolder(): string {
  return join(mkdtempSync(join(tmpdir(), 'postern-sts-')), 'cache', 'mta-sts');
}

/** Where the policy of a domain is kept. */
function fileOf(folder: string, domain: string): string {
  return join(folder, `${createHash('sha256').update(domain).digest('hex')}.json`);
}

test('what is written by one run is read by the next, for that domain in any case and no other', async () => {
  const folder = newFolder();
  await openPolicyCache(folder).write('example.test', ENTRY);
  const cache = openPolicyCache(folder);
  expect(await cache.read('example.test')).toEqual(ENTRY);
  expect(await cache.read('EXAMPLE.test')).toEqual(ENTRY);
  expect(await cache.read('other.test')).toBeNull();
});

test('files are for their owner alone, one a domain, and nothing is left over', async () => {
  const folder = newFolder();
  const cache = openPolicyCache(folder);
  await cache.write('example.test', ENTRY);
  await cache.write('example.test', { ...ENTRY, id: '2' });
  await cache.write(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(50)}.test`, ENTRY);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const names = readdirSync(folder);
  expect(names).toHaveLength(2);
  for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  expect(await cache.read('example.test')).toMatchObject({ id: '2' });
});

test('a name that climbs out of the folder stays in it', async () => {
  const folder = newFolder();
  await openPolicyCache(folder).write('../../etc/passwd', ENTRY);
  expect(readdirSync(folder)).toHaveLength(1);
});

test.for([
  ['empty', ''],
  ['cut off', '{"format":1,"domain":"example.test","id":"1"'],
  ['not an object', 'null'],
  ['a list', '[]'],
  ['of another format', JSON.stringify({ format: 2, domain: 'example.test', ...ENTRY })],
  ['of another domain', JSON.stringify({ format: 1, domain: 'other.test', ...ENTRY })],
  ['without a time', JSON.stringify({ format: 1, domain: 'example.test', ...ENTRY, fetchedMs: null })],
  ['too large', JSON.stringify({ format: 1, domain: 'example.test', ...ENTRY, more: 'x'.repeat(600_000) })],
] as const)('a file that is %s is as if it were not there, and is replaced', async ([, text]) => {
  const folder = newFolder();
  const cache = openPolicyCache(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(folder, 'example.test'), text);
  expect(await cache.read('example.test')).toBeNull();
  await cache.write('example.test', ENTRY);
  expect(await cache.read('example.test')).toEqual(ENTRY);
});

test('a link is not followed', async () => {
  const folder = newFolder();
  const cache = openPolicyCache(folder);
  await cache.write('example.test', ENTRY);
  const elsewhere = join(folder, 'elsewhere');
  writeFileSync(elsewhere, readFileSync(fileOf(folder, 'example.test'), 'utf8').replace('example', 'linked'));
  symlinkSync(elsewhere, fileOf(folder, 'linked.test'));
  expect(await cache.read('linked.test')).toBeNull();
});

test('a folder that others can get at is not used, which is told once', async () => {
  const folder = newFolder();
  await openPolicyCache(folder).write('example.test', ENTRY);
  chmodSync(folder, 0o777);
  const told: string[] = [];
  const cache = openPolicyCache(folder, { warn: (message) => told.push(message) });
  expect(await cache.read('example.test')).toBeNull();
  await cache.write('other.test', ENTRY);
  expect(readdirSync(folder)).toHaveLength(1);
  expect(told).toEqual([`MTA-STS policies are not kept in '${folder}': others can get at it; make it 0700.`]);
});

test('a folder that cannot be made is told and stops nothing', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'postern-sts-')), 'file');
  writeFileSync(file, '');
  const told: string[] = [];
  const cache = openPolicyCache(join(file, 'below'), { warn: (message) => told.push(message) });
  await cache.write('example.test', ENTRY);
  expect(await cache.read('example.test')).toBeNull();
  expect(told).toEqual([expect.stringMatching(/ENOTDIR/)]);
});

test('of too many policies those unchanged for longest go', async () => {
  const folder = newFolder();
  const first = openPolicyCache(folder);
  const domains = ['a.test', 'b.test', 'c.test', 'd.test'];
  for (const [index, domain] of domains.entries()) {
    await first.write(domain, ENTRY);
    utimesSync(fileOf(folder, domain), index, index);
  }
  const second = openPolicyCache(folder, { maxPolicies: 2 });
  expect(await Promise.all(domains.map((domain) => second.read(domain)))).toEqual([null, null, ENTRY, ENTRY]);
});
