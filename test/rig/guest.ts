import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { root } from '../helpers/run.ts';

/** What a step printed, and how it ended. */
export type Step = { readonly stdout: string; readonly stderr: string; readonly exit: number };

/** Runs a step, keeps what it prints, and goes on whatever becomes of it. */
const PRELUDE = `
export HOME=/run/home; mkdir -p $HOME /run/rig/out
step() { local name=$1; shift; "$@" >/run/rig/out/$name.stdout 2>/run/rig/out/$name.stderr; echo $? >/run/rig/out/$name.exit; }
`;

/** Folder of the rig, or a skip with the reason; a failure where everything has to be there. */
function rig(context: TestContext): string {
  const folder = process.env['POSTERN_YUBIKEY_RIG'];
  if (folder) return folder;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error('POSTERN_YUBIKEY_RIG is not set');
  return context.skip('POSTERN_YUBIKEY_RIG is not set: the emulated key is not here');
}

/**
 * Run steps on a real kernel with emulated keys on its USB bus.
 *
 * @param keys  each as the options of the rig's `ykemu attach`
 * @param script  shell lines; `step NAME COMMAND…` keeps what a command prints, `postern` is the built program
 * @returns the steps by their names
 */
export async function inGuest(
  context: TestContext,
  keys: readonly string[],
  script: string,
): Promise<(name: string) => Step> {
  const folder = rig(context);
  const work = mkdtempSync(join(tmpdir(), 'postern-rig-'));
  const file = join(work, 'steps.sh');
  writeFileSync(file, `${PRELUDE}postern() { ${process.execPath} ${root}bin/run.js "$@"; }\n${script}\n`);
  const argv = ['--dir', root, '--out', join(work, 'out'), '--timeout', '560'];
  const run = join(folder, 'run-guest.sh');
  const child = spawn(run, [...argv, ...keys.flatMap((key) => ['--key', key]), `bash ${file}`]);
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const exit = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (exit !== 0) throw new Error(`the guest ended with ${String(exit)}: ${Buffer.concat(said).toString()}`);
  const names = new Set(readdirSync(join(work, 'out')));
  return (name) => {
    if (!names.has(`${name}.exit`)) throw new Error(`there was no step ${name}`);
    const read = (part: string) => readFileSync(join(work, 'out', `${name}.${part}`), 'utf8');
    return { stdout: read('stdout'), stderr: read('stderr'), exit: Number(read('exit')) };
  };
}
