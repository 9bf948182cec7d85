import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../../report.ts';

/** How long the checker may take, in milliseconds, and how much of what it says is kept. */
const DEADLINE_MS = 30_000;
const MOST_SAID = 2000;

/** What a check of what was written is called. */
const CHECK_ID = 'throttle.compile.check';

/**
 * Judges what was written.
 *
 * @param file  the configuration
 * @param env  in which a program runs
 */
export type Checker = (file: string, env: Readonly<Record<string, string | undefined>>) => Check;

/** A server's own program that tests a configuration. */
export type CheckProgram = {
  readonly program: string;
  /** @param folder  a new one, taken away afterwards */
  readonly args: (file: string, folder: string) => readonly string[];
  /** What somebody would type. */
  readonly byHand: (file: string) => string;
  /** What to do when it says no. */
  readonly fix: string;
  /** Lines that it writes whether it says yes or no. */
  readonly noise?: RegExp;
};

/** Let the server itself judge what was compiled: `nginx -t`, `haproxy -c`. */
export function byProgram({ program, args, byHand, fix, noise }: CheckProgram): Checker {
  return (file, env) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
    // Debian keeps servers in a folder that not everybody searches; Caddy leaves folders of its own at home.
    const ran = spawnSync(program, args(file, folder), {
      encoding: 'utf8',
      timeout: DEADLINE_MS,
      env: { ...env, HOME: folder, PATH: `${env['PATH'] ?? ''}:/usr/sbin` },
    });
    rmSync(folder, { recursive: true, force: true });
    const said = `${ran.stdout ?? ''}${ran.stderr ?? ''}`.trim().split('\n');
    const telling = said.filter((line) => noise?.test(line) !== true).join('\n');
    const evidence = telling.slice(0, MOST_SAID);
    if (ran.error !== undefined || ran.status === null) {
      const missing = (ran.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
      return {
        id: CHECK_ID,
        status: 'unknown',
        message: missing ? `${program} is not installed here.` : `${program} could not be asked.`,
        fix: `Check on the machine that runs it: ${byHand(file)}.`,
      };
    }
    if (ran.status === 0)
      return { id: CHECK_ID, status: 'ok', message: `${program} takes the configuration.` };
    const message = `${program} does not take the configuration.`;
    return { id: CHECK_ID, status: 'crit', message, evidence, fix };
  };
}

/** For a server that cannot be asked: says so. @param instead  what to do */
export function byNobody(server: string, instead: string): Checker {
  return () => ({
    id: CHECK_ID,
    status: 'unknown',
    message: `${server} was not asked: it has no command that only tests a configuration.`,
    evidence: 'The form of what was written follows its documentation.',
    fix: instead,
  });
}
