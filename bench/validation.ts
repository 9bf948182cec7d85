// Fresh OTPs a second over sixteen connections, each committed to the disk before its answer: ours on SQLite and on
// PostgreSQL (with one node, and with two) and Redis, and yubiserver's (Debian's packages), in turn, on this machine.
//   node bench/validation.ts [SECONDS] [--check]
// --check exits with 1 below five times yubiserver's rate of correct answers, or with any wrong answer of ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { hasPostgres } from '../test/helpers/postgres.ts';
import { hasRedis } from '../test/helpers/redis.ts';
import { stopServers } from '../test/helpers/stores.ts';
import { newNonce, send, ValidationLab } from '../test/helpers/validation-lab.ts';

const CONNECTIONS = 16;
const seconds = Number(process.argv.find((arg) => /^\d+$/.test(arg)) ?? 4);
const say = (text: string) => process.stdout.write(`${text}\n`);

type Rate = {
  readonly ok: number;
  readonly wrong: number;
  readonly perSecond: number;
  readonly p99Ms: number;
};

/** Each connection has a key of its own and touches it again as soon as it is answered. */
async function load(
  urls: string | readonly string[],
  clientId: number,
  otpOf: (connection: number, touch: number) => string,
  connections = CONNECTIONS,
): Promise<Rate> {
  const nodes = [urls].flat();
  const untilMs = performance.now() + seconds * 1000;
  const times: number[] = [];
  let ok = 0;
  let wrong = 0;
  const one = async (connection: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let touch = 1; performance.now() < untilMs && touch < 32_000; touch += 1) {
      const query = `id=${clientId}&nonce=${newNonce()}&otp=${otpOf(connection, touch)}`;
      const startedMs = performance.now();
      const status = await send(nodes[connection % nodes.length] ?? '', query, { agent }).then(
        (answer) => answer.status.trim(),
        () => 'lost',
      );
      times.push(performance.now() - startedMs);
      if (status === 'OK') ok += 1;
      else wrong += 1;
    }
    agent.destroy();
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, (_, index) => one(index)));
  const sorted = times.toSorted((a, b) => a - b);
  return {
    ok,
    wrong,
    perSecond: ok / ((performance.now() - startedMs) / 1000),
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListens(port: number): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.end());
    });
    if (open) return;
    await wait(50);
  }
  throw new Error(`nobody listens on port ${port}`);
}

const lab = new ValidationLab('sqlite');
const keys = await lab.keys(CONNECTIONS);
const client = await lab.client();

/** Several nodes on one store; null where there is none. */
async function shared(kind: 'postgresql' | 'redis', count: number): Promise<Rate | null> {
  if (!(kind === 'redis' ? hasRedis() : hasPostgres())) return null;
  const database = new ValidationLab(kind);
  try {
    const own = await database.keys(CONNECTIONS);
    const { id } = await database.client();
    const nodes = await Promise.all(Array.from({ length: count }, () => database.serve(['--delay', 'off'])));
    const urls = nodes.map(({ url }) => url);
    return await load(urls, id, (connection, touch) => own[connection]?.otp(touch) ?? '');
  } finally {
    await database.close();
    await stopServers();
  }
}

async function ours(): Promise<Rate> {
  const server = await lab.serve(['--delay', 'off']);
  const before = residentMib(server.pid);
  const rate = await load(server.url, client.id, (connection, touch) => keys[connection]?.otp(touch) ?? '');
  say(
    `resident before and after ${rate.ok} OTPs: ${before.toFixed(0)} and ${residentMib(server.pid).toFixed(0)} MiB`,
  );
  await server.end();
  return rate;
}

async function yubiserver(connections: number): Promise<Rate | null> {
  const initial = '/etc/yubiserver/yubiserver.sqlite.init';
  if (!existsSync(initial)) return null;
  const folder = mkdtempSync(join(tmpdir(), 'postern-yubiserver-'));
  const file = join(folder, 'keys.sqlite');
  copyFileSync(initial, file);
  // It becomes another user.
  chmodSync(folder, 0o777);
  chmodSync(file, 0o666);
  const database = new DatabaseSync(file);
  const add = database.prepare(
    'INSERT INTO yubikeys (nickname, publicname, created, internalname, aeskey) VALUES (?, ?, ?, ?, ?)',
  );
  for (const [index, { publicId, privateId, aesKey }] of keys.entries())
    add.run(`k${index}`, publicId, '2026', privateId, aesKey);
  database
    .prepare('INSERT INTO apikeys (nickname, secret, id) VALUES (?, ?, 1)')
    .run('bench', '0123456789abcdefghij');
  database.close();
  const port = await freePort();
  const child: ChildProcess = spawn('yubiserver', ['-d', 'keys.sqlite', '-p', String(port), '-l', 'log'], {
    stdio: 'ignore',
    cwd: folder,
  });
  try {
    await untilListens(port);
    // It counts the first use as seen: its counters begin with 1.
    return await load(
      `http://127.0.0.1:${port}`,
      1,
      (connection, touch) => keys[connection]?.otp(touch + 1) ?? '',
      connections,
    );
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function show(name: string, { ok, wrong, perSecond, p99Ms }: Rate): void {
  say(
    `${name.padEnd(12)} ${perSecond.toFixed(0).padStart(6)} OK a second, p99 ${p99Ms.toFixed(1)} ms, ${ok} OK, ${wrong} wrong`,
  );
}

try {
  const mine = await ours();
  const one = await shared('postgresql', 1);
  const two = await shared('postgresql', 2);
  const redis = await shared('redis', 1);
  const crowded = await yubiserver(CONNECTIONS);
  const alone = await yubiserver(1);
  show('postern', mine);
  if (one && two) {
    show('PostgreSQL', one);
    show('two nodes', two);
    say(
      `PostgreSQL to SQLite ${(one.perSecond / mine.perSecond).toFixed(2)}, two nodes to one ${(two.perSecond / one.perSecond).toFixed(2)}`,
    );
    if (redis) show('Redis', redis);
  } else say('PostgreSQL is not installed: apt-get install postgresql-15');
  // It answers wrongly when several ask at once, so the rate of one connection counts as well.
  const theirs = [crowded, alone].reduce((best, next) =>
    (next?.perSecond ?? 0) > (best?.perSecond ?? 0) ? next : best,
  );
  if (crowded && alone && theirs) {
    show('yubiserver', crowded);
    show('of one', alone);
    say(`ratio ${(mine.perSecond / Math.max(theirs.perSecond, 1)).toFixed(1)}`);
  } else say('yubiserver is not installed: apt-get install yubiserver');
  const enough = !theirs || mine.perSecond >= 5 * theirs.perSecond;
  const wrong = mine.wrong + (one?.wrong ?? 0) + (two?.wrong ?? 0) + (redis?.wrong ?? 0);
  if (process.argv.includes('--check') && (!enough || wrong > 0)) process.exitCode = 1;
} finally {
  await lab.close();
}
