import { expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { root, run } from '../../helpers/run.ts';

const check = (...argv: string[]) =>
  run('domain check', [...argv, '--offline', '--dns-cache', `${root}test/fixtures/dns/sender.json`]);

test('each part has a line, and each finding the record to publish', async () => {
  const { stdout, exit } = await check('bare.example');
  for (const part of ['SPF', 'DKIM', 'DMARC', 'BIMI', 'TLS-RPT'])
    expect(stdout).toMatch(new RegExp(`^  ${part} `, 'm'));
  expect(stdout).toContain('_dmarc.bare.example. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@bare.example"');
  expect(exit).toBe(1);
});

test('the SPF records are shown below each other', async () => {
  const { stdout, exit } = await check('sender.example');
  expect(stdout).toContain('└─ _spf.provider.example  0 lookups');
  expect(exit).toBe(0);
});

test('several domains are rows', async () => {
  const { stdout, exit } = await check('sender.example', 'gone.example', 'a b', '--json', '--ordered');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ status, error }) => error?.code ?? status)).toEqual(['ok', 'crit', 'E_TARGET']);
  expect(documents['postern/domain-check/1'].parse(rows[0]).spf.lookups).toBe(2);
  expect(exit).toBe(2);
});

test.for([[['a b']], [[]], [['example.org', '--selector', 'a b']]])('%j is wrong use', async ([argv]) => {
  expect(await check(...(argv ?? []))).toMatchObject({ exit: 64, stdout: '' });
});
