import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { run } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-srs-'));
const secret = join(folder, 'secret');
writeFileSync(secret, 'first\nformer\n', { mode: 0o600 });
const asOf = ['--as-of', '2026-11-25T12:00:00Z'];
const forward = (...argv: string[]) =>
  run('srs forward', ['--domain', 'forwarder.example', '--secret-file', secret, ...asOf, ...argv]);
const reverse = (...argv: string[]) => run('srs reverse', argv);

test('the address stands alone on standard output, there and back', async () => {
  const { stdout, stderr, exit } = await forward('joe@example.net');
  expect(stdout).toMatch(/^SRS0=[\w+/]{4}=JO=example\.net=joe@forwarder\.example\n$/);
  expect([stderr, exit]).toEqual(['', 0]);
  const back = await reverse(stdout.trim(), '--secret-file', secret, ...asOf);
  expect(back).toMatchObject({ stdout: 'joe@example.net\n', stderr: '', exit: 0 });
});

test('a forged address is critical and shows no way back', async () => {
  const { stdout, exit } = await reverse(
    'SRS0=abcd=JO=example.net=joe@forwarder.example',
    '--secret-file',
    secret,
    '--json',
  );
  expect(exit).toBe(2);
  const document = documents['postern/srs-reverse/1'].parse(JSON.parse(stdout));
  expect(document).toMatchObject({ verified: false, address: null, original: null });
});

test('an address that is only read is called so', async () => {
  const { stdout, exit } = await reverse(
    'SRS0=abcd=JO=example.net=joe@forwarder.example',
    '--explain',
    ...asOf,
  );
  expect(stdout).toContain('sender   joe@example.net\n');
  expect(stdout).toContain('not verified');
  expect(exit).toBe(0);
});

test('a long sender is rewritten and the person is warned', async () => {
  const { stdout, stderr, exit } = await forward(`${'j'.repeat(60)}@example.net`);
  expect(stdout).toMatch(/^SRS0=/);
  expect(stderr).toContain('longer than 64 octets');
  expect(exit).toBe(1);
});

test('of several senders each gets a row, one that cannot be rewritten as well', async () => {
  const { stdout, exit } = await forward('joe@example.net', 'jö@example.net', '<>', '--json');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ kind, error }) => kind ?? error.code)).toEqual(['srs0', 'E_ADDRESS', 'unchanged']);
  expect(exit).toBe(3);
});

test('a secret that others can read, is on the command line, or is none, is refused', async () => {
  const open = join(folder, 'open');
  writeFileSync(open, 'first\n');
  chmodSync(open, 0o644);
  const empty = join(folder, 'empty');
  writeFileSync(empty, '\n', { mode: 0o600 });
  const target = 'SRS0=abcd=JO=example.net=joe@forwarder.example';
  const refused = [
    await reverse(target, '--secret-file', open),
    await reverse(target, '--secret', 'first'),
    await reverse(target, '--secret-file', empty),
    await reverse(target, '--secret-file', join(folder, 'gone')),
    await reverse(target),
  ];
  expect(refused.map(({ exit, stdout }) => [exit, stdout])).toEqual(
    [77, 64, 65, 65, 64].map((code) => [code, '']),
  );
  expect(refused[1]?.stderr).not.toContain('first');
});

test('the service manager’s credential is taken where no file is named', async ({ onTestFinished }) => {
  writeFileSync(join(folder, 'postern-srs-secret'), 'first', { mode: 0o400 });
  process.env['CREDENTIALS_DIRECTORY'] = folder;
  onTestFinished(() => void delete process.env['CREDENTIALS_DIRECTORY']);
  const { stdout } = await forward('joe@example.net');
  expect(await reverse(stdout.trim(), ...asOf)).toMatchObject({ stdout: 'joe@example.net\n', exit: 0 });
});
