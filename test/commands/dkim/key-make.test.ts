import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { needs, output } from '../../helpers/debian.ts';
import { run } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-dkim-'));
const file = (name: string) => join(folder, name);
const make = (...argv: string[]) => run('dkim key make', ['example.org', '--selector', 'mail', ...argv]);

test('the key is a file of its owner alone, and no part of what is printed', async () => {
  const { stdout, stderr, exit } = await make('--key-file', file('first.pem'));
  expect([stderr, exit]).toEqual(['', 0]);
  expect(statSync(file('first.pem')).mode & 0o777).toBe(0o600);
  const secret = readFileSync(file('first.pem'), 'utf8').split('\n')[2] ?? '';
  expect(secret).toHaveLength(64);
  expect(stdout).not.toContain(secret);
});

test('the record is a line for the zone, in strings that a TXT record can hold', async () => {
  const { stdout } = await make('--key-file', file('zone.pem'));
  const [comment, record, end] = stdout.split('\n');
  expect(comment).toBe(`; private key: ${file('zone.pem')}`);
  expect(record).toMatch(
    /^mail\._domainkey\.example\.org\. IN TXT \( "v=DKIM1; k=rsa; p=[\w+/]+" "[\w+/=]+" \)$/,
  );
  expect(end).toBe('');
  for (const [, text] of record?.matchAll(/"([^"]*)"/g) ?? []) expect(text?.length).toBeLessThanOrEqual(255);
});

test.for([
  ['rsa-2048', 'RSA', 'Private-Key: (2048 bit'],
  ['ed25519', 'ED25519', 'ED25519 Private-Key'],
] as const)(
  'openssl reads the %s key and finds the public half that the record has',
  async ([type, , head], context) => {
    needs(context, 'openssl', 'openssl');
    const key = file(`${type}.pem`);
    const { stdout } = await make('--type', type, '--key-file', key, '--json');
    const document = documents['postern/dkim-key-make/1'].parse(JSON.parse(stdout));
    expect(output('openssl', ['pkey', '-in', key, '-noout', '-text', '-check'])).toContain(head);
    const pem = output('openssl', ['pkey', '-in', key, '-pubout']);
    const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const published = Buffer.from(document.record.replace(/^.*p=/, ''), 'base64');
    expect(published).toEqual(type === 'ed25519' ? der.subarray(-32) : der);
    expect(document.strings.join('')).toBe(document.record);
  },
);

test('what the key signs verifies with what is published', async () => {
  const { stdout } = await make('--key-file', file('pair.pem'), '--json');
  const { record } = documents['postern/dkim-key-make/1'].parse(JSON.parse(stdout));
  const published = createPublicKey({
    key: Buffer.from(record.replace(/^.*p=/, ''), 'base64'),
    format: 'der',
    type: 'spki',
  });
  const data = Buffer.from('a message');
  const signature = sign('sha256', data, createPrivateKey(readFileSync(file('pair.pem'))));
  expect(verify('sha256', data, published, signature)).toBe(true);
});

test('a file that is there is never overwritten, nor what a link points to', async () => {
  writeFileSync(file('old.pem'), 'precious');
  symlinkSync(file('nowhere.pem'), file('link.pem'));
  for (const name of ['old.pem', 'link.pem']) {
    const { stdout, stderr, exit } = await make('--key-file', file(name), '--type', 'ed25519');
    expect([stdout, exit]).toEqual(['', 73]);
    expect(stderr).toContain('never overwritten');
  }
  expect(readFileSync(file('old.pem'), 'utf8')).toBe('precious');
});

test.for([
  [['exa mple.org'], 64],
  [['example.org', '--selector', 'a b'], 64],
  [['example.org', '--selector', `${'a.'.repeat(120)}a`], 64],
  [['example.org', '--key-file', '/nowhere/key.pem', '--type', 'ed25519'], 73],
] as const)('%j is told in one line', async ([argv, code]) => {
  const { stdout, stderr, exit } = await run('dkim key make', argv);
  expect([stdout, exit]).toEqual(['', code]);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
