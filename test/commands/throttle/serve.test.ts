import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { root, runBuilt } from '../../helpers/run.ts';
import { ask, type Origin, startOrigin } from '../../helpers/throttle-lab.ts';

// The built program as an administrator uses it: one that serves, others that ask it.

type Happening = {
  readonly event: string;
  readonly client?: string;
  readonly listening?: readonly { for: string; at: string }[];
};

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

test('one that is killed under load loses no block that it told of', async () => {
  const first = await serve('load.db', '--listen', socket);
  await throttle(['site', 'add', 'www.example.org', '--limits', '20/2M']);
  const addresses = Array.from({ length: 100 }, (_, index) => `127.0.${index}.7`);
  let stopped = false;
  // Each client asks until it is refused, and goes on asking.
  const hammering = addresses.map(async (from) => {
    while (!stopped) await ask(first.front, { from }).catch(() => undefined);
  });
  const blocked = () => first.events.filter(({ event }) => event === 'blocked').length;
  await expect.poll(blocked, { timeout: 30_000 }).toBeGreaterThan(30);
  const told = first.events.flatMap((each) => (each.event === 'blocked' ? [String(each.client)] : []));
  first.child.kill('SIGKILL');
  stopped = true;
  await Promise.all([first.ended, ...hammering]);
  const second = await serve('load.db', '--listen', socket);
  for (const from of told) expect(await ask(second.front, { from })).toMatchObject({ status: 429 });
});

test('after SIGHUP the token of yesterday is refused, and one that is too short changes nothing', async () => {
  const file = join(folder, 'rotated');
  const old = join(folder, 'yesterday');
  for (const each of [file, old]) writeFileSync(each, 'correct-horse-battery-staple-7\n', { mode: 0o600 });
  const { admin, child, events } = await serve('d.db', '--listen', '127.0.0.1:0', '--token-file', file);
  const hangUp = async (token: string, expected: string) => {
    writeFileSync(file, token);
    child.kill('SIGHUP');
    await expect.poll(() => events.at(-1)?.event, { timeout: 20_000 }).toBe(expected);
  };
  await hangUp('short\n', 'tokens kept');
  expect(await throttle(['blocks', '--token-file', old], admin)).toMatchObject({ exit: 0 });
  await hangUp('another-horse-battery-staple-8\n', 'tokens read again');
  expect(await throttle(['blocks', '--token-file', old], admin)).toMatchObject({ exit: 77 });
  expect(await throttle(['blocks', '--token-file', file], admin)).toMatchObject({ exit: 0 });
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
