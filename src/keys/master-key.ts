import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { makeFolder } from '../folder.ts';

/** 32 bytes, for AES-256. */
export type MasterKey = Uint8Array;

/** The file holds 64 hexadecimal digits and a line end. */
const FORM = /^[0-9a-f]{64}\r?\n?$/i;

function unusable(file: string, what: string, hint: string, exit: ExitCode, cause?: unknown): AppError {
  return new AppError(`The master key '${file}' ${what}.`, { code: 'E_MASTER_KEY', exit, hint, cause });
}

const RESTORE = 'Restore it from its backup: without it nobody can read the secrets in the database.';

/**
 * Read a master key.
 *
 * @param lax  permissions that others may have: a service manager gives credentials a mode of 0440 in a private folder
 * @throws AppError E_MASTER_KEY: exit 78 when it is missing or no key, 77 when others can read it
 */
export function readMasterKey(file: string, lax = 0): MasterKey {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const exit = code === 'EACCES' || code === 'EPERM' ? ExitCode.noPermission : ExitCode.config;
    throw unusable(file, code === 'ENOENT' ? 'is missing' : `cannot be read (${code})`, RESTORE, exit, cause);
  }
  try {
    const { mode, size } = fstatSync(descriptor);
    if ((mode & 0o077 & ~lax) !== 0)
      throw unusable(
        file,
        'can be read by others',
        `Take their permission away: chmod 400 '${file}'.`,
        ExitCode.noPermission,
      );
    const text = size <= 128 ? readFileSync(descriptor, 'latin1') : '';
    if (!FORM.test(text))
      throw unusable(file, 'is no key of 64 hexadecimal digits', RESTORE, ExitCode.config);
    return Buffer.from(text.slice(0, 64), 'hex');
  } finally {
    closeSync(descriptor);
  }
}

/** Have the entries of a folder on the disk before going on. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Write a file that is whole or not there at all, on the disk when this returns, and never in place of another.
 *
 * @throws Error with code EEXIST when there is one
 */
export function writeExclusively(file: string, text: string, mode: number): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const descriptor = openSync(temporary, 'wx', mode);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
    linkSync(temporary, file);
  } finally {
    closeSync(descriptor);
    unlinkSync(temporary);
  }
  syncFolder(dirname(file));
}

/**
 * Make a new master key, readable by its owner alone. Where another process was faster, its key is taken.
 *
 * @returns the key, and whether this call made it
 */
export function createMasterKey(file: string): { readonly key: MasterKey; readonly created: boolean } {
  makeFolder(dirname(file), 0o700);
  const key = randomBytes(32);
  try {
    writeExclusively(file, `${key.toString('hex')}\n`, 0o400);
    return { key, created: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return { key: readMasterKey(file), created: false };
    throw new AppError(`The master key '${file}' cannot be written.`, {
      code: 'E_MASTER_KEY',
      exit: ExitCode.cannotWrite,
      hint: 'Name another place with --master-key-file, or make the folder writable.',
      cause: error,
    });
  }
}
