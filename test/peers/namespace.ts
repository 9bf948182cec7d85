import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ran } from '../helpers/run.ts';

/** A program that runs until it is stopped. */
export type Daemon = {
  /** Its output so far, for an error message. */
  log(): string;
  stop(): Promise<void>;
};

/**
 * A network of its own with nothing but loopback, so that servers can have the ports of real ones (25, 53) and a
 * program that reads resolv.conf can be given another one.
 */
export type Namespace = {
  /** Run a program to its end there; it is killed after `deadlineMs`, and `exit` is null then. */
  run(argv: readonly string[], deadlineMs?: number): Promise<Ran>;
  /** Start a program there; it is stopped with the namespace at the latest. */
  start(argv: readonly string[]): Daemon;
  /** Wait until somebody listens on a TCP port there. */
  untilListening(host: string, port: number, daemon?: Daemon): Promise<void>;
  close(): Promise<void>;
};

/** Why there can be no network namespace here, or undefined where there can. */
export function whyNoNamespace(): string | undefined {
  if (process.getuid?.() !== 0) return 'a network namespace is made by root only';
  if (spawnSync('which', ['ip']).status !== 0) return 'ip is missing: apt-get install iproute2';
  const name = `postern-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.status !== 0)
    return `no network namespace can be made here: ${made.stderr.trim().split('\n').at(-1)}`;
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

function outputOf(child: ChildProcess): { stdout: Buffer[]; stderr: Buffer[] } {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (chunk: Buffer) => parts.stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => parts.stderr.push(chunk));
  return parts;
}

function startDaemon(argv: readonly string[]): Daemon {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = outputOf(child);
  const ended = once(child, 'exit');
  return {
    log: () => Buffer.concat([...stdout, ...stderr]).toString(),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill();
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

async function runToEnd(argv: readonly string[], deadlineMs: number): Promise<Ran> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = outputOf(child);
  const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const [exit] = (await once(child, 'close')) as [number | null];
  clearTimeout(late);
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exit };
}

/**
 * Make a network namespace. Needs root.
 *
 * @param addresses  of its loopback interface beside 127.0.0.1: some servers listen on no others
 * @param resolvConf what /etc/resolv.conf says there
 */
export function createNamespace(addresses: readonly string[], resolvConf: string): Namespace {
  const name = `postern-${process.pid}`;
  const etc = `/etc/netns/${name}`;
  const inside = (argv: readonly string[]) => ['ip', 'netns', 'exec', name, ...argv];
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  for (const address of addresses)
    execFileSync('ip', ['-n', name, 'addr', 'add', `${address}/8`, 'dev', 'lo']);
  mkdirSync(etc, { recursive: true });
  writeFileSync(`${etc}/resolv.conf`, resolvConf);
  const daemons: Daemon[] = [];
  const run: Namespace['run'] = (argv, deadlineMs = 20_000) => runToEnd(inside(argv), deadlineMs);
  return {
    run,
    start: (argv) => {
      const daemon = startDaemon(inside(argv));
      daemons.push(daemon);
      return daemon;
    },
    untilListening: async (host, port, daemon) => {
      for (let attempt = 0; attempt < 200; attempt++) {
        const { stdout } = await run(['ss', '-Hltn', 'src', `${host}:${port}`]);
        if (stdout.trim() !== '') return;
        await sleep(50);
      }
      throw new Error(`nobody listens on ${host}:${port}\n${daemon?.log() ?? ''}`);
    },
    close: async () => {
      await Promise.all(daemons.map((daemon) => daemon.stop()));
      spawnSync('ip', ['netns', 'del', name]);
      rmSync(etc, { recursive: true, force: true });
    },
  };
}
