import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDnsServer } from '../../src/lab/dns-server.ts';
import { documents } from '../../src/schema/documents.ts';
import { root, runBuilt } from '../helpers/run.ts';

// As a newcomer does it: leave the demonstration running, and type what it prints.

let demo: ChildProcess;
let ended: Promise<number | null>;
let flags: string[];

beforeAll(async () => {
  demo = spawn(process.execPath, [`${root}bin/run.js`, 'demo', '--keep'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  ended = new Promise((resolve) => demo.on('exit', resolve));
  demo.stdout?.resume();
  flags = await new Promise<string[]>((resolve, reject) => {
    let text = '';
    demo.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const printed = /postern mx probe good\.test [a-z. ]+(--resolver .*)\n/.exec(text)?.[1];
      if (printed) resolve(printed.split(' '));
    });
    demo.on('exit', () => reject(new Error(`the demonstration ended: ${text}`)));
  });
});

afterAll(() => {
  demo.kill('SIGKILL');
});

describe('with the flags that demo --keep prints', () => {
  test.for([
    ['good.test', 0, 'is encrypted'],
    ['selfsigned.test', 0, 'not authenticated'],
    ['bare.test', 2, 'is not encrypted'],
    ['closes.test', 2, 'cannot be encrypted'],
    ['injects.test', 2, 'plaintext came behind'],
    ['unreachable.test', 3, 'could not be told'],
    ['dane.test', 0, 'authenticated by DANE'],
    ['olddane.test', 2, 'Senders that follow DANE do not deliver'],
    ['strict.test', 2, 'Senders that follow MTA-STS do not deliver'],
  ] as const)('mx probe %s exits with %i', async ([domain, exit, words]) => {
    const ran = await runBuilt(['mx', 'probe', domain, ...flags]);
    expect(ran.exit).toBe(exit);
    expect(ran.stdout.split('\n')[0]).toContain(words);
    expect(ran.stderr).toBe('');
  });

  test('several domains are rows in one run, and the document is as its schema says', async () => {
    const ran = await runBuilt([
      'mx',
      'probe',
      'good.test',
      'bare.test',
      'no..domain',
      ...flags,
      '--json',
      '--ordered',
    ]);
    const rows = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ target, status }) => [target, status])).toEqual([
      ['good.test', 'ok'],
      ['bare.test', 'crit'],
      ['no..domain', 'unknown'],
    ]);
    documents['postern/mx-probe/1'].parse(rows[0]);
    expect(ran.exit).toBe(2);
  });

  test.for([
    ['good.test', [], 0, 'encrypted'],
    ['closes.test', [], 0, 'FELL BACK TO PLAINTEXT: starttls: the server closed the connection'],
    ['closes.test', ['--fail-on-plaintext'], 2, 'FELL BACK TO PLAINTEXT'],
    ['closes.test', ['--policy', 'encrypt'], 3, 'deferred'],
    ['injects.test', [], 1, 'smtp.starttls.injected'],
    ['injects.test', ['--no-fallback-on-injection'], 3, 'plaintext came behind'],
    ['bare.test', [], 0, 'does not offer STARTTLS'],
    ['dane.test', ['--policy', 'dane-only'], 0, 'demanded dane'],
    ['olddane.test', ['--policy', 'auto'], 3, 'DANE fails'],
    ['strict.test', ['--policy', 'auto'], 3, 'self-signed'],
    ['strict.test', [], 0, 'encrypted'],
    ['good.test', ['--policy', 'dane-only'], 3, 'no TLSA records'],
    ['good.test', ['--stop-after', 'rcpt'], 0, 'Nothing was sent'],
    ['good.test', ['--require-tls'], 2, 'nothing vouches'],
    ['dane.test', ['--policy', 'dane', '--require-tls'], 2, '5.7.30'],
    ['unreachable.test', [], 3, 'the connection was refused'],
  ] as const)('send to %s %j exits with %i', async ([domain, more, exit, words]) => {
    const ran = await runBuilt(['send', '--from', 'a@sender.test', '--to', `b@${domain}`, ...more, ...flags]);
    expect(ran.exit).toBe(exit);
    expect(ran.stdout).toContain(words);
  });

  test('the transcript tells plaintext from TLS, on standard error', async () => {
    const ran = await runBuilt(['mx', 'probe', 'good.test', ...flags, '--transcript']);
    expect(ran.stderr).toMatch(/-> STARTTLS\n/);
    expect(ran.stderr).toMatch(/~> QUIT\n/);
    expect(ran.stdout).not.toContain('STARTTLS\n');
  });

  test('private addresses are refused without --allow-private', async () => {
    const ran = await runBuilt([
      'mx',
      'probe',
      'good.test',
      ...flags.filter((flag) => flag !== '--allow-private'),
    ]);
    expect(ran.exit).toBe(2);
    expect(ran.stdout).toContain('not a public address');
  });

  test('an answer recorded from one run serves the next, offline', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'postern-demo-test-')), 'recorded.json');
    await runBuilt(['mx', 'probe', 'good.test', ...flags, '--dns-record', file]);
    const offline = flags.filter((_, index) => index > 1);
    const ran = await runBuilt(['mx', 'probe', 'good.test', ...offline, '--dns-cache', file, '--offline']);
    expect(ran.exit).toBe(0);
  });

  test('Ctrl-C ends it, and nothing of it is left', async () => {
    const ca = flags[flags.indexOf('--ca') + 1] ?? '';
    expect(existsSync(ca)).toBe(true);
    demo.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(existsSync(ca)).toBe(false);
  });
});

test('a resolver that never answers leaves it unknown, in one line and in its time', async () => {
  const silent = await startDnsServer({ zone: { 'example.test': { habit: 'silent' } } });
  const ran = await runBuilt([
    'mx',
    'probe',
    'example.test',
    '--resolver',
    `127.0.0.1:${silent.port}`,
    '--timeout-dns',
    '200ms',
  ]);
  await silent.close();
  expect(ran.exit).toBe(3);
  expect(ran.stdout).toMatch(/^\? unknown {2}It could not be told where mail for example\.test goes/);
});
