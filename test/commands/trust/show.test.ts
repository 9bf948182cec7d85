import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, run } from '../../helpers/run.ts';
import { entryDocument, registryDocument } from '../../helpers/trust.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-trust-test-'));

function file(name: string, content: unknown, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

const asOf = ['--as-of', '2026-11-25'];
const list = file('registry.json', registryDocument());
const local = file('local.json', {
  registry: 'registry.json',
  overrides: { block: ['blocked.example'], trust: ['mine.example'], openSignup: { add: ['club.example'] } },
});

test.for([
  ['bank.example', list, 0, '✔ trusted', 'vouched for by Example Mediator'],
  ['service@bank.example', list, 0, '✔ trusted', 'Example Bank'],
  ['BANK.EXAMPLE.', list, 0, '✔ trusted', 'Example Bank'],
  ['bank.example', local, 0, '✔ trusted', 'Example Bank'],
  ['mine.example', local, 0, '✔ trusted', 'the local list'],
  ['www.bank.example', list, 1, '= authenticated', 'registry.subdomain-excluded'],
  ['other.example', list, 0, '= authenticated', 'registry.none'],
  ['club.example', local, 0, '~ open-signup', 'open-signup.listed:local'],
  ['yahoo.com', list, 0, '~ open-signup', 'open-signup.listed:email-providers'],
  ['mail.blocked.example', local, 2, '✖ suspicious', 'local.block'],
  ['bänk.example', list, 1, '= authenticated', 'xn--bnk-qla.example (bänk.example)'],
] as const)('trust show %s of %s exits with %i', async ([domain, registry, exit, mark, words]) => {
  const ran = await run('trust show', [domain, '--registry', registry, ...asOf]);
  expect(ran.exit).toBe(exit);
  expect(ran.stdout.split('\n')[0]).toContain(mark);
  expect(ran.stdout).toContain(words);
  expect(ran.stderr).toBe('');
});

test('without a list it says so, and names what changes that', async () => {
  const ran = await run('trust show', ['bank.example']);
  expect(ran.exit).toBe(0);
  expect(ran.stdout).toContain(
    'No list of trusted domains is configured; `authenticated` is the best possible answer.',
  );
  expect(ran.stdout).toContain('postern trust show bank.example --registry FILE');
});

test('several domains are rows', async () => {
  const ran = await run('trust show', [
    'bank.example',
    'no..domain',
    'gmail.com',
    '--registry',
    list,
    '--json',
    ...asOf,
  ]);
  const rows = ran.stdout
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row));
  expect(rows.map(({ target, verdict, error }) => [target, verdict ?? error.code])).toEqual([
    ['bank.example', 'trusted'],
    ['no..domain', 'E_TARGET'],
    ['gmail.com', 'open-signup'],
  ]);
  expect(ran.exit).toBe(3);
});

test('an entry is told with who checked it, and a list that ended long ago vouches for nobody', async () => {
  const now = await run('trust show', ['bank.example', '--registry', list, ...asOf]);
  expect(now.stdout).toContain('by A. Vetter and B. Second, again by 2027-06-01');
  const later = await run('trust show', ['bank.example', '--registry', list, '--as-of', '2027-03-01']);
  expect(later).toMatchObject({ exit: 1 });
  expect(later.stdout).toContain('The list of Example Mediator was valid until 2026-12-24.');
});

test('a local list that everybody may write is told with each answer', async () => {
  const open = file('open.json', { overrides: { trust: ['mine.example'] } }, 0o666);
  const ran = await run('trust show', ['mine.example', '--registry', open]);
  expect(ran.exit).toBe(1);
  expect(ran.stdout).toContain('local.world-writable');
});

test.for([
  ['a file that is not there', join(folder, 'none.json'), 'there is no such file'],
  [
    'a fault in a list',
    file('bad.json', registryDocument([entryDocument({ status: 'fine' })])),
    'entries[0].status: is none of active, suspended, revoked',
  ],
  [
    'a slip in local decisions',
    file('slip.json', { overrides: { blok: [] } }),
    'overrides.blok: is not known here',
  ],
  [
    'a list that local decisions name and that is not there',
    file('gone.json', { registry: 'gone/x.json', overrides: {} }),
    'gone/x.json',
  ],
  ['a file of another kind', file('text.json', 'hello'), 'is not JSON'],
  [
    'escapes that a terminal would obey',
    file('escape.json', registryDocument([entryDocument({ domains: [{ domain: '\u001b[2Jx.example' }] })])),
    '\\x1b[2Jx.example',
  ],
] as const)('%s is told in one line: exit 65', async ([, path, words]) => {
  const ran = await run('trust show', ['bank.example', '--registry', path]);
  expect(ran).toMatchObject({ exit: 65, stdout: '' });
  expect(ran.stderr).toContain(words);
  expect(ran.stderr.trim().split('\n')).toHaveLength(1);
});

test('the example of the package works as its help says', async () => {
  const ran = await run('trust show', ['bank.example', '--registry', `${root}examples/trust/registry.json`]);
  expect(ran.stdout).toContain('✔ trusted');
});

test('a free provider is trusted only when the local list names it and somebody insists, and it is said', async () => {
  const forced = file('forced.json', { overrides: { trust: ['gmail.com'] } });
  const lenient = await run('trust show', ['gmail.com', '--registry', forced]);
  expect(lenient.stdout).toMatch(/^~ open-signup/);
  const insisted = await run('trust show', ['gmail.com', '--registry', forced, '--force']);
  expect(insisted.stdout).toMatch(/^✔ trusted/);
  expect(insisted.stdout).toContain('free sign-up provider');
  expect(insisted.exit).toBe(1);
});

test.for([
  ['other.example', '= authenticated'],
  ['bank.example', '✔ trusted'],
  ['yahoo.com', '~ open-signup'],
] as const)('what services in the DNS say of %s is told, and changes nothing', async ([domain, mark]) => {
  const dns = file('advice-dns.json', {
    [`${domain}._vouch.voucher.example`]: { TXT: [['transaction list']] },
    [`${domain}.allow.example`]: { A: ['127.0.3.2'] },
    // A list that refuses, and a zone that answers everything with the address of a web server.
    [`${domain}.refuses.example`]: { A: ['127.255.255.254'] },
    [`${domain}.parked.example`]: { A: ['192.0.2.1'] },
  });
  const ask = [
    ...['--voucher', 'voucher.example', '--voucher', 'other-voucher.example'],
    ...['allow.example', 'refuses.example', 'parked.example'].flatMap((zone) => ['--allow-list', zone]),
  ];
  const shared = [domain, '--registry', list, ...asOf];
  const without = await run('trust show', shared);
  const ran = await run('trust show', [...shared, ...ask, '--offline', '--dns-cache', dns]);
  expect([ran.exit, ran.stderr]).toEqual([without.exit, '']);
  expect(ran.stdout.split('\n')[0]).toBe(without.stdout.split('\n')[0]);
  expect(ran.stdout).toContain(mark);
  for (const code of [
    'vbr.vouched:voucher.example',
    'vbr.none:other-voucher.example',
    'allow-list.listed:allow.example',
    'allow-list.unknown:refuses.example',
    'allow-list.unknown:parked.example',
  ])
    expect(ran.stdout).toContain(code);
});

test('message check tells it as well', async () => {
  const recorded = JSON.parse(readFileSync(`${root}examples/trust/dns.json`, 'utf8')) as object;
  const dns = file('advice-message.json', {
    ...recorded,
    'shop.example._vouch.voucher.example': { TXT: [['all']] },
  });
  const ran = await run('message check', [
    `${root}examples/trust/unlisted.eml`,
    ...['--registry', `${root}examples/trust/registry.json`, '--offline', '--dns-cache', dns],
    ...['--as-of', '2026-11-25T12:00:00Z', '--voucher', 'voucher.example', '--json'],
  ]);
  const { verdict, reasons } = JSON.parse(ran.stdout) as { verdict: string; reasons: { code: string }[] };
  expect(verdict).toBe('authenticated');
  expect(reasons.map(({ code }) => code)).toContain('vbr.vouched:voucher.example');
});
