import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../../report.ts';

/** How long the checker may take, in milliseconds, and how much of what it says is kept. */
const DEADLINE_MS = 30_000;
const MOST_SAID = 2000;

/** nginx wants a whole configuration; ours is the part within http. */
function aroundNginx(folder: string, file: string): string {
  const whole = join(folder, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/${each};`,
  );
  writeFileSync(
    whole,
    `pid ${folder}/pid; error_log stderr; events { }\nhttp { ${paths.join(' ')} include ${file}; }\n`,
  );
  return whole;
}

/**
 * Let the server itself judge what was compiled: `nginx -t`, `haproxy -c`.
 *
 * @param file  the configuration
 * @param env  in which the checker runs
 */
export function checkCompiled(
  target: 'nginx' | 'haproxy',
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Check {
  const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
  const args =
    target === 'nginx' ? ['-t', '-q', '-c', aroundNginx(folder, file), '-p', folder] : ['-c', '-f', file];
  // Debian keeps both in a folder that not everybody searches.
  const ran = spawnSync(target, args, {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    env: { ...env, PATH: `${env['PATH'] ?? ''}:/usr/sbin` },
  });
  rmSync(folder, { recursive: true, force: true });
  const evidence = `${ran.stdout ?? ''}${ran.stderr ?? ''}`.trim().slice(0, MOST_SAID);
  const id = 'throttle.compile.check';
  if (ran.error !== undefined || ran.status === null) {
    const missing = (ran.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    return {
      id,
      status: 'unknown',
      message: missing ? `${target} is not installed here.` : `${target} could not be asked.`,
      fix: `Check on the machine that runs it: ${target === 'nginx' ? 'nginx -t' : `haproxy -c -f ${file}`}.`,
    };
  }
  if (ran.status === 0) return { id, status: 'ok', message: `${target} takes the configuration.` };
  return {
    id,
    status: 'crit',
    message: `${target} does not take the configuration.`,
    evidence,
    fix: 'Correct what it names; for nginx the service has to have written its files once.',
  };
}
