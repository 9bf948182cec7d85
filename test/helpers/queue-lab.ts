import { type ChildProcess, spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { LabZone } from '../../src/lab/dns-server.ts';
import { type Lab, type LabDomain, startLab } from './lab.ts';
import { RedisLab } from './redis.ts';
import { type Ran, root } from './run.ts';

/** A connection as the mail servers of the laboratory saw it. */
export type Sighting = { readonly ip: string; readonly openedMs: number; closedMs: number | null };

/** What a worker says in its log. */
export type WorkerEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** A program of ours in a process of its own. */
export class Running {
  readonly events: WorkerEvent[] = [];
  readonly child: ChildProcess;
  readonly gone: Promise<Ran>;
  stdout = '';
  stderr = '';
  private heard: (() => void)[] = [];

  constructor(argv: readonly string[], home: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [`${root}/bin/run.js`, ...argv], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error('a child without pipes');
    createInterface({ input: stdout }).on('line', (line) => {
      this.stdout += `${line}\n`;
      if (line.startsWith('{"time"')) this.events.push(JSON.parse(line) as WorkerEvent);
      this.wake();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wake();
    });
    this.gone = new Promise((resolve) =>
      this.child.once('close', (exit) => {
        resolve({ stdout: this.stdout, stderr: this.stderr, exit });
        this.wake();
      }),
    );
  }

  /** Rows that were printed so far. */
  get rows(): string[] {
    return this.stdout.split('\n').filter((line) => line.startsWith('{'));
  }

  /** Waits until what it said is enough. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`It ended with ${this.child.exitCode}: ${this.stderr}${this.stdout}`);
      await new Promise<void>((resolve) => this.heard.push(resolve));
    }
  }

  heardOf(event: string): Promise<void> {
    return this.until(() => this.events.some((each) => each.event === event));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private wake(): void {
    const heard = this.heard;
    this.heard = [];
    for (const each of heard) each();
  }
}

type QueueLabOptions = {
  /** Third number of the addresses of the servers. */
  readonly net: number;
  readonly servers: Readonly<Record<string, LabDomain>>;
  /** Domains for each server, and how many names of the server they share. */
  readonly domains: number;
  readonly names: number;
};

/** Mail servers, a name server, a Redis, and as many workers as one starts. */
export class QueueLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-queue-'));
  readonly sightings: Sighting[] = [];
  readonly lab: Lab;
  readonly redis: RedisLab;
  readonly domains: readonly string[];
  private readonly running: Running[] = [];
  private readonly looking: (() => void)[] = [];

  private constructor(lab: Lab, redis: RedisLab, domains: readonly string[]) {
    this.lab = lab;
    this.redis = redis;
    this.domains = domains;
    writeFileSync(join(this.folder, 'password'), redis.password, { mode: 0o600 });
    writeFileSync(join(this.folder, 'ca.pem'), lab.caPem);
    this.list(domains);
    subscribe('net.server.socket', this.see);
  }

  static async start({ net, servers, domains, names }: QueueLabOptions): Promise<QueueLab> {
    const more: Record<string, LabZone[string]> = {};
    const all: string[] = [];
    for (const [index, server] of Object.keys(servers).entries()) {
      for (let name = 0; name < names; name += 1)
        more[`mx${name}.${server}`] = { A: [`127.1.${net}.${index + 1}`] };
      for (let number = 0; number < domains; number += 1) {
        const domain = `d${number}.of-${server}`;
        more[domain] = { MX: [{ preference: 10, exchange: `mx${number % names}.${server}` }] };
        all.push(domain);
      }
    }
    const [lab, redis] = await Promise.all([startLab(net, servers, more), RedisLab.start()]);
    return new QueueLab(lab, redis, all);
  }

  /** Writes the list that is probed. */
  list(targets: readonly string[]): string {
    const file = join(this.folder, 'targets');
    writeFileSync(file, `${targets.join('\n')}\n`);
    return file;
  }

  /** Flags that say where the laboratory is. */
  get vantage(): string[] {
    const { lab, folder } = this;
    return ['--allow-private', '--resolver', lab.resolver, '--ca', join(folder, 'ca.pem'), '--no-cache'];
  }

  get queue(): string[] {
    return ['--queue', this.redis.url(0), '--queue-password-file', join(this.folder, 'password')];
  }

  probe(...more: readonly string[]): Running {
    const { folder, lab } = this;
    const what = ['--from-file', join(folder, 'targets'), '--port', String(lab.port)];
    const format = more.includes('--format') ? [] : ['--format', 'jsonl'];
    return this.start(['mx', 'probe', ...what, ...format, ...more]);
  }

  /** A probe by the workers. */
  ask(...more: readonly string[]): Running {
    return this.probe(...this.queue, ...more);
  }

  async worker(name: string, ...more: readonly string[]): Promise<Running> {
    const { lab, queue, vantage } = this;
    const laboratory = ['--port', String(lab.port), '--ehlo', 'client.example'];
    const worker = this.start(['mx', 'worker', ...queue, '--name', name, ...vantage, ...laboratory, ...more]);
    await worker.heardOf('started');
    return worker;
  }

  /** How many jobs a worker has in hand. */
  async inHandOf(worker: string): Promise<number> {
    const ids = (await this.redis.ask(0, 'LRANGE', 'postern:mx:jobs:active', 0, -1)) as string[];
    const holders = await Promise.all(
      ids.map((id) => this.redis.ask(0, 'HGET', `postern:mx:jobs:${id}`, 'pb')),
    );
    return holders.filter((each) => each === worker).length;
  }

  /** Waits until the servers have seen so many connections. */
  async seen(connections: number): Promise<void> {
    while (this.sightings.length < connections)
      await new Promise<void>((resolve) => this.looking.push(resolve));
  }

  /** End all that still runs. */
  async quiet(): Promise<void> {
    for (const { child } of this.running) child.kill('SIGKILL');
    await Promise.all(this.running.map(({ gone }) => gone));
    this.running.length = 0;
    await this.redis.ask(0, 'FLUSHDB').catch(() => this.redis.up());
    this.sightings.length = 0;
  }

  async close(): Promise<void> {
    await this.quiet();
    unsubscribe('net.server.socket', this.see);
    await Promise.all([this.lab.close(), this.redis.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const started = new Running(argv, this.folder, env);
    this.running.push(started);
    return started;
  }

  private readonly see = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== this.lab.port) return;
    const sighting: Sighting = {
      ip: socket.localAddress ?? '',
      openedMs: performance.now(),
      closedMs: null,
    };
    this.sightings.push(sighting);
    for (const look of this.looking.splice(0)) look();
    socket.once('close', () => {
      sighting.closedMs = performance.now();
    });
  };
}

/** What the servers saw that a polite run does not do. */
export function rudeness(sightings: readonly Sighting[], spacingMs: number): string[] {
  const faults: string[] = [];
  for (const [ip, all] of Map.groupBy(sightings, (each) => each.ip)) {
    for (const [index, next] of all.entries()) {
      const before = all[index - 1];
      if (!before) continue;
      const { closedMs } = before;
      if (closedMs === null || closedMs > next.openedMs) faults.push(`${ip}: two at a time`);
      else if (next.openedMs - closedMs < spacingMs)
        faults.push(`${ip}: again after ${Math.round(next.openedMs - closedMs)} ms`);
    }
  }
  return faults;
}

/** Each target has one row, which tells something. */
export function expectAllOnce({ rows }: Running, targets: readonly string[]): void {
  const parsed = rows.map((row) => JSON.parse(row) as { target: string; status: string; error?: unknown });
  const names = (all: readonly string[]) => all.toSorted((a, b) => (a < b ? -1 : 1));
  expect(names(parsed.map(({ target }) => target))).toEqual(names(targets));
  expect(parsed.filter(({ status, error }) => status === 'unknown' || error)).toEqual([]);
}

/** Rows without what differs from one probe to the next, by target. */
export function comparable(rows: readonly string[]): Map<string, unknown> {
  const parsed = rows.map((row) =>
    JSON.parse(row, (name, value: unknown) =>
      ['time', 'elapsedMs', 'probed'].includes(name) ? undefined : value,
    ),
  ) as { readonly target: string }[];
  return new Map(
    parsed.toSorted((a, b) => (a.target < b.target ? -1 : 1)).map((row) => [row.target, row] as const),
  );
}
