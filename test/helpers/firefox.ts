import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Firefox, withFirefox } from '../../src/browser/firefox.ts';
import { makeProfile, ROBOFORM_ID } from '../../src/lab/firefox-profile.ts';

export const BINARY = '/usr/bin/firefox-esr';

/** A folder that goes with the machine's temporary ones. */
export const scratch = () => mkdtempSync(join(tmpdir(), 'postern-firefox-'));

/** An environment in which Firefox finds nothing of this machine's user. */
export const environment = (home = scratch()) => ({ PATH: process.env['PATH'] ?? '', HOME: home });

export function inFirefox<T>(folder: string, work: (firefox: Firefox) => Promise<T>): Promise<T> {
  return withFirefox(
    { binary: BINARY, folder, env: environment(), platform: 'linux', timeoutMs: 120_000 },
    work,
  );
}

/** Ids of the extensions of practice that run. */
export function running(firefox: Firefox): Promise<unknown> {
  return firefox.chrome(`
    const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
    const all = await AddonManager.getAddonsByTypes(["extension"]);
    return all.filter((addon) => addon.isActive && !addon.isBuiltin && !addon.isSystem).map((addon) => addon.id);`);
}

/** A profile that Firefox has used once, with an extension of RoboForm's id. */
export async function usedProfile(stallMsPerField = 2): Promise<string> {
  const folder = scratch();
  makeProfile(folder, [{ id: ROBOFORM_ID, name: 'RoboForm practice', stallMsPerField }]);
  await inFirefox(folder, running);
  return folder;
}

/** Processes whose command line names a folder. */
export function processesOn(folder: string): string[] {
  return spawnSync('pgrep', ['-f', '--', folder], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
}
