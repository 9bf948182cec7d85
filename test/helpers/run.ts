import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '@oclif/core';
import { type Format, globalFlags } from '../../src/cli/flags.ts';

/** Folder of package.json. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A home that nothing was ever read from. */
const home = mkdtempSync(join(tmpdir(), 'postern-home-'));

/** What a run of the program left behind. */
export type Ran = { readonly stdout: string; readonly stderr: string; readonly exit: number | null };

/** Every command by its id, straight from the sources. */
const found = import.meta.glob<Command.Class>('../../commands/**/*.ts', { import: 'default' });
export const commandIds = Object.keys(found)
  .map((file) => file.slice('../../commands/'.length, -'.ts'.length).replaceAll('/', ' '))
  .sort((a, b) => (a < b ? -1 : 1));

export async function loadCommand(id: string): Promise<Command.Class> {
  const load = found[`../../commands/${id.replaceAll(' ', '/')}.ts`];
  if (!load) throw new Error(`there is no command ${id}`);
  const command = await load();
  command.id = id.replaceAll(' ', ':');
  return command;
}

/** What a command says it can write; one line a result only where there may be several. */
export async function formatsOf(id: string): Promise<readonly Format[]> {
  const { flags, several = false } = (await loadCommand(id)) as Command.Class & { several?: boolean };
  const { options = [] } = { ...globalFlags, ...flags }.format as { options?: readonly string[] };
  return (options as readonly Format[]).filter((format) => format !== 'jsonl' || several);
}

function captured(stream: NodeJS.WriteStream, into: string[]): () => void {
  const write = stream.write;
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    into.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    done?.();
    return true;
  }) as typeof stream.write;
  return () => {
    stream.write = write;
  };
}

/** Run a command in this process, so that its coverage counts. */
export async function run(id: string, argv: readonly string[]): Promise<Ran & { result: unknown }> {
  const command = await loadCommand(id);
  const stdout: string[] = [];
  const stderr: string[] = [];
  const restore = [captured(process.stdout, stdout), captured(process.stderr, stderr)];
  try {
    const result = await command.run([...argv], { root });
    return { result, stdout: stdout.join(''), stderr: stderr.join(''), exit: Number(process.exitCode ?? 0) };
  } finally {
    for (const undo of restore) undo();
    process.exitCode = undefined;
  }
}

export type SpawnOptions = {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Program instead of the Node that runs the tests. */
  readonly node?: string;
};

/** Run the built program as a user does, with an environment of its own. */
export function runBuilt(
  argv: readonly string[],
  { input = '', env = {}, node = process.execPath }: SpawnOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [`${root}/bin/run.js`, ...argv], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (exit) =>
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exit }),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Run a shell line on the built program, `$POSTERN` being how to call it. */
export function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', line], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: home,
        POSTERN: `${process.execPath} ${root}bin/run.js`,
        ...env,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (exit) => resolve({ stdout, stderr, exit }));
  });
}
