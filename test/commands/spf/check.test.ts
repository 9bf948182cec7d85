import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDnsServer } from '../../../src/lab/dns-server.ts';
import { documents } from '../../../src/schema/documents.ts';
import { run } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-spf-'));
const zone = {
  'example.org': {
    TXT: [['v=spf1 mx include:_spf.example.net -all']],
    MX: [{ priority: 1, exchange: 'mx.example.org' }],
  },
  'mx.example.org': { A: ['192.0.2.25'], TXT: [['v=spf1 a -all']] },
  '_spf.example.net': { TXT: [['v=spf1 ip4:198.51.100.0/24 -all']] },
  'said.example.org': { TXT: [['v=spf1 -all exp=why.example.org']] },
  'why.example.org': { TXT: [['See https://example.org/ \u202etxt.exe']] },
  'odd.example.org': { TXT: [['v=spf1 \u001b]0;x\u0007 -all']] },
};
const cache = join(folder, 'zone.json');
writeFileSync(cache, JSON.stringify(zone));
const spf = (...argv: string[]) => run('spf check', [...argv, '--offline', '--dns-cache', cache]);

test('a server that may send: the tree, the HELO name beside it, exit 0', async () => {
  const { stdout, exit } = await spf('bounce@example.org', '--ip', '192.0.2.25', '--helo', 'mx.example.org');
  expect(stdout).toBe(
    [
      '✔ ok  pass: 192.0.2.25 may send mail in the name of example.org.',
      '└─ example.org  pass',
      '   ├─ mx  match  1 lookup; 192.0.2.25',
      '   ├─ include:_spf.example.net  not reached',
      '   └─ -all  not reached',
      '  1 of 10 lookups, 0 of 2 that may find nothing',
      '  HELO: pass. 192.0.2.25 may send mail in the name of mx.example.org.',
      '',
    ].join('\n'),
  );
  expect(exit).toBe(0);
});

test.for([
  [['example.org', '--ip', '203.0.113.9'], 2, 'fail'],
  [['example.org'], 0, null],
  [['none.example.org', '--ip', '203.0.113.9'], 1, 'none'],
  [['odd.example.org', '--ip', '203.0.113.9'], 2, 'permerror'],
] as const)('%s', async ([argv, code, result]) => {
  const { stdout, exit } = await spf(...argv, '--json');
  expect(exit).toBe(code);
  expect(documents['postern/spf-check/1'].parse(JSON.parse(stdout)).result).toBe(result);
});

test('without a server the records are shown below each other, with what they cost', async () => {
  const { stdout } = await spf('example.org');
  expect(stdout).toContain('└─ example.org  2 lookups  v=spf1 mx include:_spf.example.net -all\n');
  expect(stdout).toContain('   └─ _spf.example.net  0 lookups  v=spf1 ip4:198.51.100.0/24 -all\n');
});

test('words from outside do not reach the terminal as they are', async () => {
  const said = await spf('odd.example.org', '--ip', '203.0.113.9');
  expect(said.stdout).not.toMatch(/[\u0007\u001b\u202e]/);
  const explained = await spf('said.example.org', '--ip', '203.0.113.9');
  expect(explained.stdout).not.toContain('\u202e');
});

test('a batch answers a row a case; one that cannot be read is a row, too', async () => {
  const file = join(folder, 'cases.jsonl');
  const cases = [
    { id: 'inline', ip: '192.0.2.25', mailFrom: 'a@example.org', dns: zone },
    { id: 'path', ip: '203.0.113.9', helo: 'mx.example.org', mailFrom: '', dns: 'zone.json' },
    { id: 7, ip: 5, mailFrom: 'a@example.org', dns: zone },
    { id: 'missing', ip: '203.0.113.9', mailFrom: 'a@example.org', dns: 'gone.json' },
    { id: 'cache', ip: '198.51.100.1', helo: null, mailFrom: 'a@example.org' },
  ];
  writeFileSync(file, cases.map((each) => JSON.stringify(each)).join('\n'));
  const { stdout, exit } = await spf('--batch', file, '--format', 'jsonl');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ id, result, error }) => [id, result ?? error.code])).toEqual([
    ['inline', 'pass'],
    ['path', 'fail'],
    ['7', 'E_BATCH'],
    ['missing', 'E_INPUT'],
    ['cache', 'pass'],
  ]);
  expect(exit).toBe(2);
});

test.for([
  [[], 'There is no domain.'],
  [['a b'], "'a b' has spaces."],
  [['example.org', '--ip', '192.0.2'], "--ip: '192.0.2' is no IP address."],
  [['example.org', '--batch', 'x'], '--batch: there is a target as well.'],
] as const)('%j is wrong use', async ([argv, message]) => {
  const { stderr, exit } = await run('spf check', argv);
  expect(exit).toBe(64);
  expect(stderr).toContain(message);
});

test('a name server is asked what is needed, and one that is silent is no answer', async ({
  onTestFinished,
}) => {
  const server = await startDnsServer({
    zone: {
      'example.org': {
        TXT: [['v=spf1 mx exists:%{l}.%{d} -all']],
        MX: [{ preference: 1, exchange: 'mx.example.org' }],
      },
      'mx.example.org': { A: ['192.0.2.25'], AAAA: ['2001:db8::25'] },
      'joe.example.org': { A: ['127.0.0.2'] },
      'silent.example.org': { habit: 'silent' },
      'broken.example.org': { TXT: [['v=spf1 a:silent.example.org -all']] },
    },
  });
  onTestFinished(() => server.close());
  const resolver = ['--resolver', `${server.host}:${server.port}`, '--timeout-dns', '200ms'];
  const ask = (...argv: string[]) => run('spf check', [...argv, ...resolver]);
  expect((await ask('example.org', '--ip', '2001:db8::25')).exit).toBe(0);
  const asked = server.queries.map(({ name, type }) => `${name.toLowerCase()} ${type}`);
  expect(asked).toContain('mx.example.org AAAA');
  expect((await ask('joe@example.org', '--ip', '203.0.113.1')).exit).toBe(0);
  expect((await ask('"j o"@example.org', '--ip', '203.0.113.1')).exit).toBe(2);
  const { stdout, exit } = await ask('broken.example.org', '--ip', '203.0.113.1');
  expect(stdout).toContain('temperror');
  expect(exit).toBe(3);
});
