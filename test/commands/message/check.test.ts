import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { keyRecord, signMessage } from '../../../src/lab/dkim-signer.ts';
import { documents } from '../../../src/schema/documents.ts';
import {
  byAttacker,
  byBank,
  delivered,
  FROM_ATTACKER,
  FROM_BANK,
  keys,
  letter,
} from '../../helpers/attack-world.ts';
import { root, run, runBuilt } from '../../helpers/run.ts';
import { registryDocument } from '../../helpers/trust.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const dns = {
  's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
  '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
  'bank.example': { TXT: [['v=spf1 ip4:192.0.2.20 -all']] },
  's1._domainkey.gmail.com': { TXT: [keyRecord(keys.attacker)] },
  '_dmarc.gmail.com': { TXT: [['v=DMARC1; p=none']] },
};

const cache = file('dns.json', JSON.stringify(dns));
const registry = file('registry.json', JSON.stringify(registryDocument()));
const genuine = file('genuine.eml', delivered(byBank(letter()), FROM_BANK));
const forged = file('forged.eml', delivered(byAttacker(letter()), FROM_ATTACKER));
const unsigned = file('unsigned.eml', delivered(letter({ From: ' a@plain.example' }), FROM_ATTACKER));
const gmail = file(
  'gmail.eml',
  signMessage(letter({ From: ' a@gmail.com' }), { domain: 'gmail.com', selector: 's1', key: keys.attacker }),
);
const header = file('header.txt', `${byBank(letter()).toString('latin1').split('\r\n\r\n')[0] ?? ''}\r\n`);

const OFFLINE = ['--offline', '--dns-cache', cache, '--as-of', '2026-11-25T12:00:00Z'];
const check = (...argv: string[]) => run('message check', [...argv, ...OFFLINE]);

test.for([
  ['trusted', [genuine, '--registry', registry], 0],
  ['authenticated', [genuine], 0],
  ['open-signup', [gmail], 0],
  ['unauthenticated', [unsigned], 1],
  ['suspicious', [forged], 2],
  ['unauthenticated', [header], 3],
] as const)('%s: %s', async ([verdict, argv, exit]) => {
  const ran = await check(...argv, '--json');
  const document = documents['postern/message-check/1'].parse(JSON.parse(ran.stdout));
  expect([document.verdict, ran.exit, ran.stderr]).toEqual([verdict, exit, '']);
});

test('without an answer of the DNS it is unknown, not forged', async () => {
  const { exit, stdout } = await run('message check', [genuine, '--offline', '--json']);
  const { undecidedBy, summary, reasons } = JSON.parse(stdout);
  expect([exit, undecidedBy]).toEqual([3, 'dns']);
  expect(summary).toContain('the DNS was not asked');
  expect(reasons).toContainEqual(
    expect.objectContaining({
      code: 'temperror.dkim',
      evidence: { dns: expect.any(String), rcode: 'OFFLINE' },
    }),
  );
});

test.for([
  [[genuine, '--registry', registry, '--require', 'trusted'], 0],
  [[genuine, '--require', 'trusted'], 2],
  [[genuine, '--require', 'authenticated'], 0],
  [[unsigned, '--require', 'authenticated'], 2],
] as const)('what is demanded is met or the exit says so: %j', async ([argv, exit]) => {
  expect((await check(...argv)).exit).toBe(exit);
});

describe('text', () => {
  test('the verdict comes first, a line for each mechanism, what is missing last', async () => {
    const { stdout } = await check(genuine);
    const [first = '', ...rest] = stdout.split('\n');
    expect(first).toMatch(/^= authenticated {2}This is from bank\.example; nobody vouches/);
    for (const mechanism of ['SPF', 'DKIM', 'DMARC'])
      expect(rest.join('\n')).toMatch(new RegExp(`^ {2}${mechanism} +pass`, 'm'));
    expect(rest.join('\n')).toMatch(/To be trusted:/);
  });

  test('--explain tells every reason, SPF term by term, and the way', async () => {
    const { stdout } = await check(genuine, '--explain');
    expect(stdout).toMatch(/ip4:192\.0\.2\.20 {2}match/);
    expect(stdout).toMatch(/enters your system here/);
    expect(stdout).toMatch(/\[dmarc\.pass\]/);
  });

  test('what a sender wrote does not reach the terminal as it is', async () => {
    const bytes = letter({
      From: ' "\u001b[31mBank\u202e" <a@plain.example>',
      'DKIM-Signature': ' v=1; d=\u001b]8;;x; s=\u0007',
    });
    const { stdout } = await check(file('escape.eml', bytes), '--explain');
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

describe('inputs', () => {
  test('several files are rows in their order, and a mailbox is taken apart', async () => {
    const mbox = `From a Tue\n${letter().toString('latin1').replaceAll('\r', '')}\n`;
    const { stdout } = await check(genuine, file('two.mbox', mbox + mbox), forged, '--json');
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).target);
    expect(rows).toEqual([genuine, `${folder}/two.mbox#1`, `${folder}/two.mbox#2`, forged]);
  });

  test('a folder is every message in it, those of a Maildir included', async () => {
    const maildir = join(folder, 'maildir');
    for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true });
    for (const name of ['b.eml', 'a.eml', '.index', 'cur/c', 'new/d', 'tmp/e'])
      writeFileSync(join(maildir, name), letter());
    const { stdout } = await check(maildir, '--json');
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row).target.slice(maildir.length + 1));
    expect(rows).toEqual(['a.eml', 'b.eml', 'cur/c', 'new/d']);
  });

  test('a folder without a message is refused', async () => {
    mkdirSync(join(folder, 'hollow'));
    expect(await check(join(folder, 'hollow'))).toMatchObject({ exit: 65 });
  });

  test('a message larger than what is read is judged by its header, and that is said', async () => {
    const large = Buffer.concat([byBank(letter()), Buffer.alloc(50_000_000, 'a line of text\r\n')]);
    const { stdout, exit } = await check(file('large.eml', large), '--json');
    const { verdict, undecidedBy, reasons, summary } = JSON.parse(stdout);
    expect([verdict, undecidedBy, exit]).toEqual(['unauthenticated', 'body', 3]);
    expect(reasons.map(({ code }: { code: string }) => code)).toContain('bound.message');
    expect(summary).toMatch(/larger than what is read/);
  });

  test('what is no message is refused', async () => {
    const { exit, stderr } = await check(file('empty.eml', ''));
    expect([exit, stderr]).toEqual([65, expect.stringMatching(/is empty/)]);
  });

  test('standard input of the built program', async () => {
    const { stdout, exit } = await runBuilt(['message', 'check', '-', ...OFFLINE], {
      input: Buffer.from(delivered(byBank(letter()), FROM_BANK)),
    });
    expect([exit, stdout.split(' ')[1]]).toEqual([0, 'authenticated']);
  });

  test('--dns-record keeps the keys, so that the message can be verified when they are gone', async () => {
    const kept = join(folder, 'kept.json');
    await check(genuine, '--dns-record', kept);
    expect(Object.keys(JSON.parse(readFileSync(kept, 'utf8')))).toEqual(
      expect.arrayContaining(['s1._domainkey.bank.example', '_dmarc.bank.example', 'bank.example']),
    );
    const { exit, stdout } = await run('message check', [genuine, '--offline', '--dns-cache', kept]);
    expect([exit, stdout.split(' ')[1]]).toEqual([0, 'authenticated']);
  });

  test('flags beat what the header says', async () => {
    const { stdout } = await check(
      forged,
      '--ip',
      '192.0.2.20',
      '--mail-from',
      'a@bank.example',
      '--helo',
      'h',
      '--json',
    );
    expect(JSON.parse(stdout).spf).toMatchObject({
      result: 'pass',
      origin: { ip: 'given', helo: 'given', mailFrom: 'given' },
    });
  });

  test.for([
    [['--ip', 'nonsense'], /no IP address/],
    [['--as-of', 'tomorrow'], /not a time/],
    [['--registry', '/nonexistent'], /Cannot read/],
  ] as const)('%j is refused', async ([argv, words]) => {
    const { stderr, exit } = await run('message check', [genuine, ...argv, '--offline']);
    expect(stderr).toMatch(words);
    expect(exit).toBeGreaterThanOrEqual(64);
  });
});

test('a batch answers each case by its id, and one that fails does not end it', async () => {
  const cases = [
    { id: 'a', eml: 'genuine.eml', dns, asOf: '2026-11-25T12:00:00Z' },
    { id: 'b', eml: 'missing.eml' },
    { id: 'c', eml: 'genuine.eml', dns: 'dns.json', ip: '192.0.2.99', mailFrom: 'x@bank.example', helo: 'h' },
    { id: 7, eml: 'unsigned.eml', dns: {} },
  ];
  const batch = file('cases.jsonl', cases.map((each) => JSON.stringify(each)).join('\n'));
  const { stdout, exit } = await run('message check', [
    '--batch',
    batch,
    '--registry',
    registry,
    '--json',
    '--offline',
  ]);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ id, verdict, spf, error }) => [id, verdict ?? error.code, spf?.result ?? null]);
  expect(rows).toEqual([
    ['a', 'trusted', 'pass'],
    ['b', 'E_INPUT', null],
    ['c', 'trusted', 'fail'],
    ['7', 'unauthenticated', 'none'],
  ]);
  expect(exit).toBe(3);
});

test('Ctrl-C while the DNS is silent: 130, and nothing that was not found out', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => {
    silent.close();
  });
  await once(silent, 'listening');
  const resolver = `127.0.0.1:${silent.address().port}`;
  const child = spawn(process.execPath, [
    `${root}bin/run.js`,
    'message',
    'check',
    genuine,
    '--resolver',
    resolver,
  ]);
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  await once(silent, 'message');
  child.kill('SIGINT');
  const [exit] = await once(child, 'close');
  expect([exit, stdout]).toEqual([130, '']);
});
