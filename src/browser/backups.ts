import { type AgeFrom, type AgeTo, decryptAge, encryptAge } from '../age/age.ts';
import { AppError, ExitCode } from '../errors.ts';
import type {
  BrowserBackupListResult,
  BrowserBackupPushResult,
  BrowserBackupRestoreResult,
} from '../schema/browser.ts';
import { type Firefox, type Launch, withFirefox } from './firefox.ts';
import { requireFree } from './switch.ts';
import {
  collect,
  compareVault,
  type Merge,
  mergeVault,
  packVault,
  unpackVault,
  type Vault,
} from './vault.ts';
import { type Dav, type DavFile, deleteFile, getFile, listFiles, putFile } from './webdav.ts';

/** `2026-11-25T081500Z-host.age` */
const NAME = /^\d{4}-\d\d-\d\dT\d{6}Z-([\w.-]+)\.age$/;

/** Backups in a folder, the oldest first; other files are passed over. */
async function backupsIn(dav: Dav): Promise<readonly DavFile[]> {
  const files = await listFiles(dav);
  return files.filter(({ name }) => NAME.test(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const many = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** What there is to restore. */
export async function listBackups(dav: Dav): Promise<BrowserBackupListResult> {
  const backups = await backupsIn(dav);
  return {
    target: dav.url.href,
    status: 'ok',
    summary: `${many(backups.length, 'backup')} there.`,
    checks: [],
    backups,
  };
}

function inFree<T>(how: Launch, work: (firefox: Firefox) => Promise<T>): Promise<T> {
  requireFree(how.folder, how.platform);
  return withFirefox(how, work);
}

/** How a backup is made. */
export type Push = {
  readonly to: AgeTo;
  readonly host: string;
  readonly keep: number | undefined;
  readonly nowMs: number;
};

/**
 * Encrypt what a closed profile holds, write it to a WebDAV folder, read it back and compare.
 *
 * @throws {AppError} E_PROFILE_IN_USE, E_FIREFOX, E_WEBDAV (69), E_NOT_KEPT (73), E_PRIMARY_PASSWORD (77)
 */
export async function pushBackup(
  dav: Dav,
  how: Launch,
  { to, host, keep, nowMs }: Push,
): Promise<BrowserBackupPushResult> {
  const vault = await inFree(how, (firefox) => collect(firefox, host, nowMs));
  const bytes = await encryptAge(packVault(vault), to);
  const own = host.replaceAll(/[^\w.-]/g, '-') || 'host';
  const name = `${vault.time.replace(/\.\d+/, '').replaceAll(':', '')}-${own}.age`;
  await putFile(dav, name, bytes);
  const removed = keep === undefined ? [] : await removeOlder(dav, own, keep);
  const [logins, bookmarks, extensions] = [
    vault.logins.length,
    vault.bookmarks.length,
    vault.extensions.length,
  ];
  return {
    target: dav.url.href,
    status: 'ok',
    summary: `${many(logins, 'login')}, ${many(bookmarks, 'bookmark')} and the names of ${many(extensions, 'extension')} are kept, encrypted; read back and the same.`,
    checks: [],
    backup: { name, lengthBytes: bytes.length },
    logins,
    bookmarks,
    extensions,
    removed,
  };
}

/** Take away all but the last backups of this machine. */
async function removeOlder(dav: Dav, host: string, keep: number): Promise<readonly string[]> {
  const own = (await backupsIn(dav)).filter(({ name }) => NAME.exec(name)?.[1] === host);
  const old = own.slice(0, Math.max(0, own.length - keep)).map(({ name }) => name);
  for (const name of old) await deleteFile(dav, name);
  return old;
}

/** How a backup is brought back. */
export type Restore = {
  readonly from: AgeFrom;
  /** The newest one otherwise. */
  readonly name: string | undefined;
  /** Merge, instead of only saying what would be merged. */
  readonly merge: boolean;
};

/**
 * Compare a backup with a closed profile, and add what it lacks if that is wanted.
 *
 * @throws {AppError} E_BACKUP, E_AGE (65), E_PROFILE_IN_USE, E_FIREFOX, E_WEBDAV (69), E_PRIMARY_PASSWORD (77)
 */
export async function restoreBackup(
  dav: Dav,
  how: Launch,
  { from, name, merge }: Restore,
): Promise<BrowserBackupRestoreResult> {
  const chosen = name ?? (await backupsIn(dav)).at(-1)?.name;
  if (chosen === undefined) {
    throw new AppError('There is no backup.', {
      code: 'E_BACKUP',
      exit: ExitCode.input,
      hint: 'Make one with "postern browser backup push".',
    });
  }
  const vault = unpackVault(await decryptAge(await getFile(dav, chosen), from));
  const found = await inFree(how, async (firefox) => {
    const compared = await compareVault(firefox, vault);
    if (merge) await mergeVault(firefox, compared, `Restored from ${vault.host} ${vault.time.slice(0, 10)}`);
    return compared;
  });
  return restored(dav, chosen, vault, found, merge);
}

function restored(
  dav: Dav,
  backup: string,
  vault: Vault,
  found: Merge,
  merged: boolean,
): BrowserBackupRestoreResult {
  const of = (outcome: string) => found.decisions.filter((each) => each.outcome === outcome).length;
  const logins = { new: of('import'), same: of('merge'), different: of('set-aside') };
  const bookmarks = { new: found.bookmarks.length, same: vault.bookmarks.length - found.bookmarks.length };
  const verb = merged ? 'were' : 'would be';
  return {
    target: dav.url.href,
    status: 'ok',
    summary: `${many(logins.new, 'login')} and ${many(bookmarks.new, 'bookmark')} ${verb} added${merged ? '' : '; --yes does it'}.`,
    checks: [],
    backup,
    from: vault.host,
    time: vault.time,
    merged,
    logins,
    bookmarks,
    missingExtensions: found.extensions,
  };
}
