import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { root, runBuilt } from '../../helpers/run.ts';
import { ask, type Origin, startOrigin } from '../../helpers/throttle-lab.ts';

// The built program as an administrator uses it: one that serves, others that ask it.

type Happening = { readonly event: string; readonly listening?: readonly { for: string; at: string }[] };

type Served = {
  readonly child: ChildProcess;
  readonly events: Happening[];
  readonly front: number;
  readonly admin: string;
  readonly ended: Promise<number | null>;
};

const folder = mkdtempSync(join(tmpdir(), 'postern-serve-'));
const socket = `unix:${join(folder, 'admin.sock')}`;
const running: ChildProcess[] = [];
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin();
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

afterAll(() => origin.close());

async function serve(name: string, ...more: readonly string[]): Promise<Served> {
  const database = join(folder, 'state', name);
  const child = spawn(
    process.execPath,
    [
      `${root}bin/run.js`,
      ...['throttle', 'serve', '--database', database, '--no-exempt-loopback'],
      ...['--front', '127.0.0.1:0', '--origin', origin.url.origin],
      ...more,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'], HOME: folder } },
  );
  running.push(child);
  const events: Happening[] = [];
  const started = new Promise<Happening>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      events.push(...lines.map((line) => JSON.parse(line) as Happening));
      const first = events.find(({ event }) => event === 'started');
      if (first) resolve(first);
    });
    child.on('exit', () => reject(new Error('the service ended')));
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const { listening = [] } = await started;
  const at = (use: string) => listening.find((each) => each.for === use)?.at ?? '';
  return { child, events, front: Number(at('front').split(':')[1]), admin: at('admin'), ended };
}

const throttle = (argv: readonly string[], service = socket) =>
  runBuilt(['throttle', ...argv, '--service', service]);

test('a site is added, hammered, explained and unblocked, and the service stops in its own way', async () => {
  const { front, child, ended, events } = await serve('a.db', '--listen', socket);
  expect(statSync(socket.slice('unix:'.length)).mode & 0o777).toBe(0o660);
  expect((await throttle(['site', 'add', 'www.example.org', '--limits', '20/2M'])).exit).toBe(0);
  const statuses: number[] = [];
  for (let sent = 0; sent < 21; sent += 1) statuses.push((await ask(front)).status);
  expect(statuses).toEqual([...Array(20).fill(200), 429]);
  const explained = await throttle(['explain', '127.0.0.1']);
  expect(explained.stdout).toContain('127.0.0.1 is blocked on www.example.org.');
  expect(explained.stdout).toContain('by requests: 21');
  expect((await throttle(['unblock', '127.0.0.1'])).stdout).toContain('may use www.example.org again');
  expect((await ask(front)).status).toBe(200);
  expect((await throttle(['policy', 'set', '--all', '--mode', 'off'])).exit).toBe(0);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(events.map(({ event }) => event)).toEqual([
    'started',
    'site added',
    'blocked',
    'unblock',
    'policy set',
    'policy set',
    'stopped',
  ]);
  expect(await throttle(['status'])).toMatchObject({
    exit: 2,
    stdout: expect.stringContaining('does not answer'),
  });
});

test('one that is killed loses no block', async () => {
  const first = await serve('b.db', '--listen', socket);
  await throttle(['block', '127.0.0.1', '--site', 'other', '--for', '1h']);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await serve('b.db', '--listen', socket);
  expect(await ask(second.front, { host: 'unknown.test' })).toMatchObject({ status: 429 });
});

test('over TCP the commands show the token of a file that nobody else can read', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, 'correct-horse-battery-staple-7\n', { mode: 0o600 });
  const { admin } = await serve('c.db', '--listen', '127.0.0.1:0', '--token-file', file);
  expect(await throttle(['blocks'], admin)).toMatchObject({ exit: 77 });
  expect(await throttle(['blocks', '--token-file', file], admin)).toMatchObject({ exit: 0 });
  chmodSync(file, 0o644);
  expect(await throttle(['blocks', '--token-file', file], admin)).toMatchObject({ exit: 77 });
});
