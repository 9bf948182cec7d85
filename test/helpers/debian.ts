import { execFileSync, spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Whether a program is there to be run. */
export function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/**
 * Skip a test whose Debian package is not installed, and say which one it is; where everything has to be there
 * (POSTERN_REQUIRE_ALL), that is a failure.
 *
 * @param probe  arguments with which the program succeeds only if the package is there
 */
export function needs(
  context: TestContext,
  program: string,
  debianPackage: string,
  probe?: readonly string[],
): void {
  if (probe ? spawnSync(program, [...probe]).status === 0 : isInstalled(program)) return;
  const reason = `${program} is missing: apt-get install ${debianPackage}`;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error(reason);
  context.skip(reason);
}

/** Skip a test that takes the rights of root; where everything has to be there, that is a failure. */
export function needsRoot(context: TestContext, why: string): void {
  if (process.getuid?.() === 0) return;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error(`${why}: run the tests as root`);
  context.skip(why);
}

/** The conformance data beside the project, or undefined where it is not; required under POSTERN_REQUIRE_ALL. */
export function conformance(context: TestContext): string {
  const folder = process.env['POSTERN_CONFORMANCE'];
  if (folder) return folder;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error('POSTERN_CONFORMANCE is not set');
  return context.skip('POSTERN_CONFORMANCE is not set: the conformance data is not here');
}

/** What a program prints on standard output. */
export function output(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, [...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}
