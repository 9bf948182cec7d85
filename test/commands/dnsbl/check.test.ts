import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { run } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-dnsbl-'));
const cache = join(folder, 'zone.json');
writeFileSync(
  cache,
  JSON.stringify({
    '2.0.0.127.bl.test': { A: ['127.0.0.2'] },
    '25.2.0.192.bl.test': { A: ['127.0.0.2'], TXT: [['spam \u001b]0;x\u0007 seen']] },
    '7.0.0.10.bl.test': { A: ['127.0.0.2'] },
  }),
);
const dnsbl = (...argv: string[]) =>
  run('dnsbl check', [...argv, '--list', 'bl.test', '--offline', '--dns-cache', cache]);

test('a listed address is critical, its reason is shown and harmless', async () => {
  const { stdout, exit } = await dnsbl('192.0.2.25');
  expect(stdout).toContain('✖ critical  192.0.2.25 is on bl.test.');
  expect(stdout).toMatch(/saw spam .* seen/);
  expect(stdout).not.toMatch(/[\u0007\u001b]/);
  expect(exit).toBe(2);
});

test('several targets are rows; what could not be asked is one, too', async () => {
  const { stdout, exit } = await dnsbl('192.0.2.1', '192.0.2.25', '10.0.0.7', '--json', '--ordered');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ status }) => status)).toEqual(['ok', 'crit', 'unknown']);
  expect(documents['postern/dnsbl-check/1'].parse(rows[0])).toMatchObject({
    lists: [{ outcome: 'not-listed' }],
  });
  expect(exit).toBe(2);
});

test('a private address is refused unless the list is one’s own', async () => {
  expect(await dnsbl('10.0.0.7')).toMatchObject({ exit: 64 });
  expect(await dnsbl('10.0.0.7', '--allow-private')).toMatchObject({ exit: 2 });
});

test('a key that others can read, is none, or would be recorded, is refused', async () => {
  const open = join(folder, 'open');
  writeFileSync(open, 'abcdefghijklmnop\n', { mode: 0o644 });
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, 'not.a.key\n', { mode: 0o600 });
  expect(await dnsbl('192.0.2.25', '--dqs-key-file', open)).toMatchObject({ exit: 77 });
  expect(await dnsbl('192.0.2.25', '--dqs-key-file', wrong)).toMatchObject({ exit: 65 });
  expect(await dnsbl('192.0.2.25', '--dqs-key-file', wrong, '--dns-record', 'x')).toMatchObject({ exit: 64 });
});
