import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CheckPool } from '../../../src/cli/bulk/pool.ts';
import { keyRecord } from '../../../src/lab/dkim-signer.ts';
import { documents } from '../../../src/schema/documents.ts';
import {
  byAttacker,
  byBank,
  delivered,
  FROM_ATTACKER,
  FROM_BANK,
  keys,
  letter,
  onTop,
  replaced,
} from '../../helpers/attack-world.ts';
import { run } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-bulk-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const records = {
  's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
  's1._domainkey.attack.example': { TXT: [keyRecord(keys.attacker)] },
  'slow._domainkey.bank.example': { TXT: 'TIMEOUT' },
  'bank.example': { TXT: [['v=spf1 ip4:192.0.2.20 -all']] },
  '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
};
const OFFLINE = [
  '--offline',
  '--dns-cache',
  file('dns.json', JSON.stringify(records)),
  '--as-of',
  '2026-11-25T12:00:00Z',
];

const genuine = delivered(byBank(letter()), FROM_BANK);
const messages = join(folder, 'messages');
mkdirSync(messages);
const samples: Readonly<Record<string, Buffer>> = {
  'altered.eml': replaced(genuine, 'statement is ready', 'password is needed'),
  'expired.eml': delivered(byBank(letter(), { tags: { t: '1600000000', x: '1600000100' } }), FROM_BANK),
  'foreign.eml': delivered(byAttacker(letter()), FROM_ATTACKER),
  'genuine.eml': genuine,
  'header.eml': genuine.subarray(0, genuine.indexOf('\r\n\r\n') + 2),
  'list.eml': byBank(letter({ 'Reply-To': ' list@other.example' }), { names: ['from', 'subject'] }),
  'silent.eml': byBank(letter(), { selector: 'slow' }),
  'two.eml': onTop('X-Note: on top\r\n', byAttacker(byBank(letter()))),
  'unsigned.eml': letter(),
};
for (const [name, bytes] of Object.entries(samples)) writeFileSync(join(messages, name), bytes);
writeFileSync(join(messages, 'none.eml'), 'This is not a message.');
writeFileSync(
  join(messages, 'some.mbox'),
  `From a\n${genuine.toString('latin1')}\nFrom b\n${letter().toString('latin1')}`,
);

type Row = Readonly<Record<string, unknown>> & {
  readonly target: string;
  readonly dkim?: { readonly signatures: readonly Readonly<Record<string, unknown>>[] };
};

async function rows(...argv: string[]): Promise<{ readonly rows: Row[]; readonly exit: unknown }> {
  const { stdout, exit } = await run('message check', [...argv, ...OFFLINE, '--format', 'jsonl']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each));
  return { rows: lines.map(({ time: _, ...row }) => row), exit };
}

test('--only dkim says of every signature what the whole check says of it', async () => {
  const whole = await rows(messages);
  const only = await rows(messages, '--only', 'dkim');
  expect(only.rows).toHaveLength(12);
  for (const [index, row] of only.rows.entries()) {
    const of = whole.rows[index];
    expect(row.target).toBe(of?.target);
    if (row['error']) continue;
    documents['postern/message-check-only/1'].parse({ ...row, time: '2026-11-25T12:00:00Z' });
    for (const [place, { disqualifiedBy, warnings: _, ...signature }] of (
      row.dkim?.signatures ?? []
    ).entries()) {
      const { disqualifiedBy: wholly, ...same } = of?.dkim?.signatures[place] ?? {};
      expect(same).toMatchObject(signature);
      expect((wholly as string[]).filter((code) => code !== 'dkim.unaligned')).toEqual(disqualifiedBy);
    }
  }
});

test.for([
  ['genuine.eml', 'ok', 0],
  ['two.eml', 'ok', 0],
  ['unsigned.eml', 'warn', 1],
  ['altered.eml', 'warn', 1],
  ['expired.eml', 'warn', 1],
  ['silent.eml', 'unknown', 3],
  ['header.eml', 'unknown', 3],
] as const)('--only dkim of %s is %s', async ([name, status, wanted]) => {
  const { stdout, exit } = await run('message check', [
    join(messages, name),
    '--only',
    'dkim',
    ...OFFLINE,
    '--json',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ status, only: ['dkim'], spf: null, arc: null });
  expect(exit).toBe(wanted);
});

test('several mechanisms are asked together, and each gets its line', async () => {
  const argv = [join(messages, 'genuine.eml'), '--only', 'dkim', '--only', 'spf', '--only', 'arc'];
  const { stdout } = await run('message check', [...argv, ...OFFLINE]);
  expect(stdout).toContain('SPF   pass');
  expect(stdout).toContain('DKIM  pass');
  expect(stdout).toContain('There is no ARC set.');
});

test.for([
  ['the whole check', []],
  ['--only dkim', ['--only', 'dkim']],
] as const)('threads print the rows of one: %s', async ([, more]) => {
  const one = await rows(messages, ...more, '--workers', '1');
  const two = await rows(messages, ...more, '--workers', '2');
  expect(two).toEqual(one);
});

test('threads print what one does in words and as a table, too', async () => {
  for (const format of ['text', 'csv']) {
    const argv = [messages, ...OFFLINE, '--format', format];
    const one = await run('message check', [...argv, '--workers', '1']);
    const two = await run('message check', [...argv, '--workers', '2']);
    const lines = ({ stdout }: typeof one) => stdout.replaceAll(/^[0-9TZ:-]+,/gm, '');
    expect(lines(two)).toBe(lines(one));
    expect(two.stderr).toBe(one.stderr);
  }
});

test('a batch is spread over threads: ids, answers of their own, order', async () => {
  const cases = Array.from({ length: 70 }, (_, index) => ({
    id: `case ${index}`,
    eml: index === 40 ? 'missing.eml' : 'messages/genuine.eml',
    ...(index === 50 && { dns: { 's1._domainkey.bank.example': { TXT: [] } } }),
  }));
  const batch = file('cases.jsonl', cases.map((each) => JSON.stringify(each)).join('\n'));
  const { rows: found } = await rows('--batch', batch, '--workers', '2', '--only', 'dkim');
  expect(found.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
  expect(found[40]).toMatchObject({ status: 'unknown', error: { code: 'E_INPUT' } });
  expect(found[49]?.dkim?.signatures[0]).toMatchObject({ result: 'pass' });
  expect(found[50]?.dkim?.signatures[0]).toMatchObject({ result: 'neutral', cause: 'no-key' });
});

test('a pipe among files is read once, and to its end', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('cp', [join(messages, 'genuine.eml'), pipe]);
  const { rows: found } = await rows(pipe, join(messages, 'two.eml'), '--only', 'dkim');
  expect(found.map(({ status }) => status)).toEqual(['ok', 'ok']);
  writer.kill();
});

test('so is a pipe that is a case of a batch', async () => {
  const pipe = join(folder, 'case');
  execFileSync('mkfifo', [pipe]);
  const batch = file('pipe.jsonl', `${JSON.stringify({ id: 'pipe', eml: 'case' })}\n`);
  // It is written to when somebody reads, in two goes, and whoever leaves between them breaks it.
  const writer = spawn('sh', [
    '-c',
    'exec >"$1"; head -c 300 "$2"; sleep 0.3; tail -c +301 "$2"',
    'sh',
    pipe,
    join(messages, 'genuine.eml'),
  ]);
  const ended = new Promise((resolve) => writer.once('close', resolve));
  const { rows: found } = await rows('--batch', batch, '--only', 'dkim');
  expect(found).toMatchObject([{ id: 'pipe', status: 'ok' }]);
  expect(await ended).toBe(0);
});

test('what was demanded counts in threads as well', async () => {
  const { exit } = await rows(messages, '--workers', '2', '--require', 'authenticated');
  expect(exit).toBe(2);
});

test('a list that cannot be read stops the run, not each row', async () => {
  const registry = file('registry.json', '{}');
  const { stdout, exit } = await run('message check', [
    messages,
    ...OFFLINE,
    '--workers',
    '2',
    '--json',
    '--registry',
    registry,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_REGISTRY' } });
  expect(exit).toBe(65);
});

test('a batch that cannot be read ends the run, threads or not', async () => {
  const batch = file('wrong.jsonl', `${JSON.stringify({ id: 1, eml: 'messages/two.eml' })}\nno case\n`);
  for (const workers of ['1', '2']) {
    const { exit, stdout } = await run('message check', ['--batch', batch, '--workers', workers, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_BATCH' } });
    expect(exit).toBe(65);
  }
});

test('a thread that dies costs the rows it was busy with, and another takes over', async () => {
  const script = file(
    'dies.mjs',
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', ({ number, jobs }) => {
       if (jobs.some(({ name }) => name === 'deadly')) throw new Error('dead');
       parentPort.postMessage({ kind: 'rows', number, rows: jobs.map(() => ({ kind: 'result', result: {} })) });
     });
     parentPort.postMessage({ kind: 'ready' });`,
  );
  const { signal } = new AbortController();
  const order = { flags: {} as never, root: '', folder: '', nowMs: 0, head: null };
  const pool = new CheckPool(order, 1, signal, new URL(`file://${script}`));
  const job = (name: string) => ({ name, file: name, part: null, isRegular: true });
  await pool.ready();
  expect(await pool.run([job('deadly')])).toMatchObject([{ kind: 'failure' }]);
  expect(await pool.run([job('harmless')])).toMatchObject([{ kind: 'result' }]);
  await pool.end();
});
