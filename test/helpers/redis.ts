import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './ports.ts';

const SERVER = '/usr/bin/redis-server';

/** Whether there is a Redis here; where everything has to be there, its lack is a failure. */
export function hasRedis(): boolean {
  if (existsSync(SERVER)) return true;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error('Redis is missing: apt-get install redis-server');
  return false;
}

/** What keeps its word. */
const DURABLE = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };

/** A Redis server in a folder of its own, on a port of loopback. */
export class RedisLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-redis-'));
  readonly password = randomBytes(9).toString('base64url');
  port = 0;
  private child: ChildProcess | undefined;
  private gone: Promise<unknown> = Promise.resolve();

  static async start(): Promise<RedisLab> {
    const server = new RedisLab();
    server.port = await freePort();
    await server.up();
    return server;
  }

  /** A database of it, as `--store` takes it. */
  url(database: number): string {
    return `redis://127.0.0.1:${this.port}/${database}`;
  }

  /** Ask the server itself, without our store. */
  async ask(database: number, command: string, ...values: (string | number)[]): Promise<unknown> {
    const { port, password } = this;
    const client = new Redis({ port, password, db: database, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(command, values);
    } finally {
      client.disconnect();
    }
  }

  /** Start it, and wait until it takes connections. */
  async up(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.folder,
      requirepass: this.password,
      save: '',
      databases: '256',
      ...DURABLE,
      ...settings,
    };
    const options = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]);
    const child = spawn(SERVER, options, { stdio: 'ignore' });
    this.child = child;
    this.gone = new Promise((resolve) => child.once('exit', resolve));
    for (;;) {
      if ((await this.ask(0, 'PING').catch(() => null)) === 'PONG') return;
      if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode}`);
      await wait(20);
    }
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child?.kill(signal);
    await this.gone;
  }

  /** To the server, which goes on or stands still. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async close(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
