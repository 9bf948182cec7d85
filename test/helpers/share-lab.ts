import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ThrottleBlock, ThrottleService, ThrottleSite } from '../../src/schema/throttle.ts';
import { callService } from '../../src/service/call.ts';
import type { RedisLab } from './redis.ts';
import { type Ran, root, runBuilt } from './run.ts';
import { type Answer, ask, type Origin, startOrigin } from './throttle-lab.ts';

export type NodeEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

/** A proxy that the fronts believe, so that a test can be any client. */
const PROXY = '127.0.0.9';

/** One `throttle serve` with a front of its own. */
export class ShareNode {
  readonly name: string;
  readonly events: NodeEvent[] = [];
  readonly socket: { readonly kind: 'unix'; readonly path: string };
  private readonly argv: readonly string[];
  private child: ChildProcess | undefined;
  private gone: Promise<unknown> = Promise.resolve();
  private port = 0;

  constructor(name: string, folder: string, argv: readonly string[]) {
    this.name = name;
    this.socket = { kind: 'unix', path: join(folder, `${name}.sock`) };
    const database = ['--database', join(folder, name, 'throttle.db')];
    this.argv = ['--listen', `unix:${this.socket.path}`, ...database, ...argv];
  }

  async up(): Promise<void> {
    this.events.length = 0;
    const child = spawn(process.execPath, [`${root}bin/run.js`, 'throttle', 'serve', ...this.argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], HOME: tmpdir() },
    });
    this.child = child;
    this.gone = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        this.events.push(...lines.map((line) => JSON.parse(line) as NodeEvent));
        if (this.events.some(({ event }) => event === 'started')) resolve();
      });
      child.once('exit', () => reject(new Error(`${this.name} ended`)));
    });
    const { listening } = await this.status();
    this.port = Number(listening.find((each) => each.for === 'front')?.at.split(':')[1]);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child?.kill(signal);
    await this.gone;
  }

  /** One request of a client. */
  get(client: string, { path = '/', host = 'www.example.org' } = {}): Promise<Answer> {
    return ask(this.port, { from: PROXY, host, path, headers: { 'x-forwarded-for': client } });
  }

  async status(): Promise<ThrottleService> {
    const { service } = (await callService(this.socket, '/v1/status')) as { service: ThrottleService };
    return service;
  }

  async blocks(): Promise<readonly ThrottleBlock[]> {
    return ((await callService(this.socket, '/v1/blocks')) as { blocks: ThrottleBlock[] }).blocks;
  }

  async sites(): Promise<readonly ThrottleSite[]> {
    return ((await callService(this.socket, '/v1/sites')) as { sites: ThrottleSite[] }).sites;
  }

  async site(name: string): Promise<ThrottleSite | undefined> {
    return (await this.sites()).find((each) => each.name === name);
  }

  /** Requests and bytes of a client within the window. */
  async standing(client: string): Promise<{ readonly requests: number; readonly bytes: number }> {
    const path = `/v1/explain/${encodeURIComponent(client)}?site=www.example.org`;
    const { sites } = (await callService(this.socket, path)) as {
      sites: { standing: { requests: number; bytes: number } }[];
    };
    return { requests: sites[0]?.standing.requests ?? 0, bytes: sites[0]?.standing.bytes ?? 0 };
  }

  /** What an administrator types at this node. */
  cli(...argv: readonly string[]): Promise<Ran> {
    return runBuilt(['throttle', ...argv, '--service', `unix:${this.socket.path}`]);
  }
}

/** Several nodes in front of one origin, which share by one server. */
export class ShareLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-share-'));
  private readonly nodes: ShareNode[] = [];
  private readonly origin: Origin;
  private readonly redis: RedisLab;
  private readonly database: number;

  private constructor(redis: RedisLab, database: number, origin: Origin) {
    this.redis = redis;
    this.database = database;
    this.origin = origin;
    writeFileSync(join(this.folder, 'password'), `${redis.password}\n`, { mode: 0o600 });
  }

  static async start(redis: RedisLab, database: number, names: readonly string[]): Promise<ShareLab> {
    const lab = new ShareLab(redis, database, await startOrigin());
    await Promise.all(names.map((name) => lab.add(name)));
    return lab;
  }

  /** Start one more node, and wait until it shares. */
  async add(name: string, ...more: readonly string[]): Promise<ShareNode> {
    const node = new ShareNode(name, this.folder, [
      ...['--front', '127.0.0.1:0', '--origin', this.origin.url.origin, '--trusted-proxy', PROXY],
      ...['--share', this.redis.url(this.database)],
      ...['--share-password-file', join(this.folder, 'password'), ...more],
    ]);
    this.nodes.push(node);
    await node.up();
    await connected(node);
    return node;
  }

  node(name: string): ShareNode | undefined {
    return this.nodes.find((each) => each.name === name);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end()));
    await this.origin.close();
  }
}

/** Wait for what becomes so in a while; the test itself has the deadline. */
export async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export async function connected(node: ShareNode): Promise<void> {
  await until(async () => (await node.status()).share?.state === 'connected');
}

export async function away(node: ShareNode): Promise<void> {
  await until(async () => (await node.status()).share?.state === 'away');
}
