import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { readIfThere, replaceFile } from '../registry/files.ts';
import type { BrowserDisableResult, BrowserUndoResult } from '../schema/browser.ts';
import { type Addon, isRoboForm, parseAddons } from './addons.ts';
import { findBackup, finishBackup, isUntouched, keepProfile, restoreFiles, saveBackup } from './backup.ts';
import { withFirefox } from './firefox.ts';
import { useOf } from './lock.ts';
import { packMozLz4, unpackMozLz4 } from './mozlz4.ts';
import type { Surroundings } from './places.ts';

/** Where and how extensions are switched. */
export type Switching = {
  /** Where former states are kept. */
  readonly backups: string;
  /** The Firefox to do it with; the files are edited where there is none. */
  readonly binary: string | undefined;
  readonly surroundings: Surroundings;
  readonly timeoutMs: number;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Largest file that is edited, in bytes. */
const MAX_BYTES = 64_000_000;

/**
 * See to it that nobody uses a profile.
 *
 * @throws {AppError} E_PROFILE_IN_USE, exit 69, when somebody does, or that cannot be told
 */
export function requireFree(folder: string, platform: string): void {
  const use = useOf(folder, platform);
  if (use === 'free') return;
  const message =
    use === 'in-use'
      ? `A Firefox has the profile '${folder}' open.`
      : `Whether a Firefox has the profile '${folder}' open cannot be told.`;
  throw new AppError(message, {
    code: 'E_PROFILE_IN_USE',
    exit: ExitCode.unavailable,
    hint: 'Close it first (all its windows): what is changed beside a running Firefox is lost, or breaks the profile.',
  });
}

/** The extensions of a profile, as its files have them. */
function addonsOf(folder: string): readonly Addon[] {
  const bytes = readIfThere(join(folder, 'extensions.json'), MAX_BYTES);
  const addons = bytes === null ? [] : parseAddons(bytes.toString('utf8'));
  if (addons) return addons;
  throw new AppError(`The list of extensions of '${folder}' is not what Firefox writes.`, {
    code: 'E_PROFILE',
    exit: ExitCode.input,
    hint: 'Start Firefox once with this profile: it writes the list anew.',
  });
}

/** Write a file anew with the mode it has. */
function rewrite(file: string, bytes: Uint8Array | string): void {
  replaceFile(file, bytes, statSync(file).mode & 0o777);
}

/** The list of extensions, with some switched off or on; everything else stays as it is. */
function editList(folder: string, ids: readonly string[], on: boolean): void {
  const file = join(folder, 'extensions.json');
  const list = JSON.parse(readIfThere(file, MAX_BYTES)?.toString('utf8') ?? '{"addons":[]}');
  for (const addon of list.addons)
    if (ids.includes(addon.id)) {
      addon.userDisabled = !on;
      addon.active = on && addon.appDisabled !== true && addon.softDisabled !== true;
    }
  rewrite(file, JSON.stringify(list));
}

/**
 * What Firefox starts before it has read the list. Without this the extension would run once more, and with this
 * alone it would come back. One that cannot be read is left: Firefox then starts from the list.
 */
function editStartup(folder: string, ids: readonly string[], on: boolean): void {
  const file = join(folder, 'addonStartup.json.lz4');
  const bytes = readIfThere(file, MAX_BYTES);
  if (bytes === null) return;
  const startup = JSON.parse(unpackMozLz4(bytes).toString('utf8')) as Record<
    string,
    { addons?: Record<string, { enabled?: boolean }> }
  >;
  for (const { addons } of Object.values(startup))
    for (const id of ids) if (addons?.[id]) addons[id].enabled = on;
  rewrite(file, packMozLz4(Buffer.from(JSON.stringify(startup))));
}

function editFiles(folder: string, ids: readonly string[], on: boolean): void {
  editList(folder, ids, on);
  editStartup(folder, ids, on);
}

/** Asks Firefox's own add-on manager, by the same way as the button; gives the ids that then run. */
const SWITCH = `
  const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
  const [ids, on] = args;
  const running = [];
  for (const id of ids) {
    const addon = await AddonManager.getAddonByID(id);
    if (addon) await (on ? addon.enable() : addon.disable());
    if (addon?.isActive) running.push(id);
  }
  return running;`;

function viaFirefox(folder: string, ids: readonly string[], on: boolean, binary: string, how: Switching) {
  const { env, platform } = how.surroundings;
  const { timeoutMs, signal } = how;
  return withFirefox({ binary, folder, env, platform, timeoutMs, signal }, (firefox) =>
    firefox.chrome(SWITCH, ids, on),
  );
}

async function change(
  folder: string,
  ids: readonly string[],
  on: boolean,
  how: Switching,
): Promise<'firefox' | 'files'> {
  if (how.binary === undefined) {
    editFiles(folder, ids, on);
    return 'files';
  }
  await viaFirefox(folder, ids, on, how.binary, how);
  return 'firefox';
}

/** Whether the files say what was wanted, after Firefox has gone. */
function isSo(folder: string, ids: readonly string[], on: boolean): boolean {
  const addons = addonsOf(folder).filter(({ id }) => ids.includes(id));
  return addons.every((addon) => addon.active === on && (addon.disabledBy === 'user') === !on);
}

function requireSo(folder: string, ids: readonly string[], on: boolean, undo: string): void {
  if (isSo(folder, ids, on)) return;
  throw new AppError(`Firefox did not keep what was changed in '${folder}'.`, {
    code: 'E_NOT_KEPT',
    exit: ExitCode.cannotWrite,
    hint: `A policy of this machine may decide it. ${undo}`,
  });
}

/**
 * Switch off RoboForm in a profile that nobody uses; it is never removed, and its data stay.
 *
 * @param addonId  another id that counts as RoboForm's
 * @throws {AppError} E_PROFILE_IN_USE (69), E_FIREFOX (69), E_NOT_KEPT (73), E_STATE, E_OUTPUT
 */
export async function disableRoboForm(
  folder: string,
  addonId: string | undefined,
  how: Switching,
): Promise<BrowserDisableResult> {
  requireFree(folder, how.surroundings.platform);
  const found = addonsOf(folder).filter((addon) => isRoboForm(addon, addonId));
  const ids = found.filter(({ active }) => active).map(({ id }) => id);
  const addons = found.map(({ id, name, version }) => ({ id, name, version }));
  const base = { target: folder, status: 'ok' as const, checks: [], addons };
  if (ids.length === 0) {
    const summary =
      found.length === 0 ? 'RoboForm is not in this profile.' : 'RoboForm is switched off already.';
    return { ...base, summary, method: null, change: null, undo: null };
  }
  const backup = keepProfile(how.backups, folder, ids, how.nowMs);
  const undo = `postern browser undo ${backup.id}`;
  const method = await change(folder, ids, false, how);
  requireSo(folder, ids, false, `Undo with "${undo}".`);
  finishBackup(how.backups, backup);
  const by = method === 'firefox' ? 'by Firefox’s own add-on manager' : 'in the files of the profile';
  return {
    ...base,
    summary: `RoboForm is switched off, ${by}; nothing was removed.`,
    method,
    change: backup.id,
    undo,
  };
}

/**
 * Bring back the state before a change. Where nothing has been written since, the files come back byte for byte;
 * otherwise only the extensions that were switched off are switched on.
 *
 * @param id  of the change; the last one otherwise
 * @throws {AppError} E_BACKUP (65), E_PROFILE_IN_USE (69), E_FIREFOX (69), E_NOT_KEPT (73)
 */
export async function undoDisable(id: string | undefined, how: Switching): Promise<BrowserUndoResult> {
  const backup = findBackup(how.backups, id);
  const { folder, addons } = backup;
  const base = { target: folder, status: 'ok' as const, checks: [], change: backup.id, addons };
  if (backup.state === 'undone')
    return { ...base, summary: 'This change has been undone already.', method: null };
  requireFree(folder, how.surroundings.platform);
  const isExact = isUntouched(backup);
  if (isExact) restoreFiles(how.backups, backup);
  const method = isExact ? 'restored' : await change(folder, addons, true, how);
  requireSo(folder, addons, true, 'Switch it on in about:addons.');
  saveBackup(how.backups, { ...backup, state: 'undone' });
  const summary = isExact
    ? 'The profile is as it was before, byte for byte.'
    : 'RoboForm is switched on again; what else changed since then stays.';
  return { ...base, summary, method };
}
