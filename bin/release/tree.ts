import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of package.json, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** @throws Error with what the program said, when it fails */
export function run(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Pack as npm does, and unpack that into a folder. */
export function unpackNpmPackage(folder: string, work: string): void {
  const printed = run('npm', ['pack', '--json', '--silent', '--pack-destination', work]);
  // What the build says stands before it.
  const [packed] = JSON.parse(printed.replace(/^[^[]*/, '')) as [{ filename: string }];
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', join(work, basename(packed.filename)), '--strip-components=1', '-C', folder]);
}
