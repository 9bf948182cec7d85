import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { privateFolder, readIfThere, replaceFile } from '../registry/files.ts';

/** Files of a profile that decide which extensions run, and those that Firefox writes along with them. */
const FILES = [
  'extensions.json',
  'addonStartup.json.lz4',
  'extension-preferences.json',
  'extension-settings.json',
  'prefs.js',
] as const;

/** Largest file that is kept, in bytes. */
const MAX_BYTES = 64_000_000;

/** A file before and after a change; null where there was none. */
type Kept = {
  readonly name: string;
  readonly before: { readonly sha256: string; readonly mode: number } | null;
  readonly after: string | null;
};

/** What was done to a profile, and how it was before. */
export type Backup = {
  readonly version: 1;
  readonly id: string;
  readonly time: string;
  readonly folder: string;
  /** Extensions that were switched off. */
  readonly addons: readonly string[];
  readonly files: readonly Kept[];
  readonly state: 'begun' | 'done' | 'undone';
};

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function hashOf(file: string): string | null {
  const bytes = readIfThere(file, MAX_BYTES);
  return bytes && sha256(bytes);
}

/** Put the record of a change where its files are. */
export function saveBackup(folder: string, backup: Backup): Backup {
  replaceFile(join(folder, backup.id, 'manifest.json'), `${JSON.stringify(backup, null, 2)}\n`);
  return backup;
}

/**
 * Keep what a change may touch, readable by its owner only.
 *
 * @param folder  where backups are kept; it is made
 * @throws {AppError} E_STATE or E_OUTPUT when it cannot be kept: then nothing may be changed
 */
export function keepProfile(
  folder: string,
  profile: string,
  addons: readonly string[],
  nowMs: number,
): Backup {
  privateFolder(folder);
  const time = new Date(nowMs).toISOString();
  const id = `${time.replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`;
  mkdirSync(join(folder, id), { mode: 0o700 });
  const files = FILES.map((name): Kept => {
    const bytes = readIfThere(join(profile, name), MAX_BYTES);
    if (bytes === null) return { name, before: null, after: null };
    replaceFile(join(folder, id, name), bytes);
    const mode = statSync(join(profile, name)).mode & 0o777;
    return { name, before: { sha256: sha256(bytes), mode }, after: null };
  });
  return saveBackup(folder, { version: 1, id, time, folder: profile, addons, files, state: 'begun' });
}

/** Note how a change left the files. */
export function finishBackup(folder: string, backup: Backup): Backup {
  const files = backup.files.map((kept) => ({ ...kept, after: hashOf(join(backup.folder, kept.name)) }));
  return saveBackup(folder, { ...backup, files, state: 'done' });
}

/**
 * Whether every file is as the change left it: then the former files can come back as they were. How a change that
 * was broken off left them is not known; but Firefox writes its settings at each run, so that these tell whether it ran.
 */
export function isUntouched({ folder, files, state }: Backup): boolean {
  if (state === 'done') return files.every(({ name, after }) => hashOf(join(folder, name)) === after);
  const settings = files.find(({ name }) => name === 'prefs.js');
  return hashOf(join(folder, 'prefs.js')) === (settings?.before?.sha256 ?? null);
}

/**
 * Put the former files back, byte for byte.
 *
 * @throws {AppError} E_BACKUP, exit 65, when a file that was kept is not what it was
 */
export function restoreFiles(backups: string, { id, folder, files }: Backup): void {
  const kept = files.map(({ name, before }) => {
    if (before === null) return { name, bytes: null, mode: 0 };
    const bytes = readIfThere(join(backups, id, name), MAX_BYTES);
    if (bytes === null || sha256(bytes) !== before.sha256) throw damaged(join(backups, id, name));
    return { name, bytes, mode: before.mode };
  });
  for (const { name, bytes, mode } of kept) {
    if (bytes) replaceFile(join(folder, name), bytes, mode);
    else rmSync(join(folder, name), { force: true });
  }
}

function damaged(file: string): AppError {
  return new AppError(`'${file}' is not what was kept there.`, {
    code: 'E_BACKUP',
    exit: ExitCode.input,
    hint: 'Nothing was changed. Switch the extension on in about:addons.',
  });
}

function read(folder: string, id: string): Backup | null {
  const bytes = /^[\w-]+$/.test(id) ? readIfThere(join(folder, id, 'manifest.json'), 1_000_000) : null;
  if (bytes === null) return null;
  const backup = JSON.parse(bytes.toString('utf8')) as Backup;
  return backup.version === 1 ? backup : null;
}

/**
 * The change with an id; without one, the last one that has not been undone.
 *
 * @throws {AppError} E_BACKUP, exit 65, when there is none
 */
export function findBackup(folder: string, id?: string): Backup {
  const ids = id === undefined ? (existsSync(folder) ? readdirSync(folder).sort().reverse() : []) : [id];
  for (const each of ids) {
    const found = read(folder, each);
    if (found && (id !== undefined || found.state !== 'undone')) return found;
  }
  throw new AppError(id === undefined ? 'There is nothing to undo.' : `There is no change '${id}'.`, {
    code: 'E_BACKUP',
    exit: ExitCode.input,
    hint: '"browser disable" prints the line that undoes it.',
  });
}
