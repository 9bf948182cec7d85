import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';

/**
 * Make a folder that only its owner can use, or see to it that it is one.
 *
 * @throws {AppError} E_STATE, exit 77 when others can write there, 73 when it cannot be made
 */
export function privateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cannotKeep(folder, error);
  }
  const found = lstatSync(folder);
  const { uid } = userInfo(); // -1 where there are no such numbers
  const ours = found.isDirectory() && (uid === -1 || found.uid === uid || uid === 0);
  if (ours && (uid === -1 || (found.mode & 0o022) === 0)) return;
  throw new AppError(`'${folder}' is not ours alone: others could put their own trust there.`, {
    code: 'E_STATE',
    exit: ExitCode.noPermission,
    hint: `It has to be a folder of the user who runs postern: chown it, then chmod 700 '${folder}'.`,
  });
}

/**
 * Put a file where it belongs: whoever reads it, and whenever we die, it is the old one or the new one.
 *
 * @throws {AppError} E_OUTPUT, exit 73
 */
export function replaceFile(file: string, bytes: Uint8Array | string, mode = 0o600): void {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    writeWhole(temporary, bytes, mode);
    renameSync(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw cannotKeep(file, error);
  }
}

function writeWhole(file: string, bytes: Uint8Array | string, mode: number): void {
  const fd = openSync(file, 'wx', mode);
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A rename is on the disk when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The bytes of a file; null when there is none. */
export function readIfThere(file: string, maxBytes: number): Buffer | null {
  try {
    if (statSync(file).size > maxBytes) throw tooLargeToKeep(file, maxBytes);
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (error instanceof AppError) throw error;
    throw new AppError(`Cannot read '${file}': ${(error as NodeJS.ErrnoException).code ?? error}.`, {
      code: 'E_STATE',
      exit: ExitCode.noPermission,
      hint: 'It belongs to the user who runs postern.',
      cause: error,
    });
  }
}

function tooLargeToKeep(file: string, maxBytes: number): AppError {
  return new AppError(`'${file}' is larger than ${maxBytes} bytes.`, {
    code: 'E_STATE',
    exit: ExitCode.input,
    hint: 'That is more than postern ever writes there.',
  });
}

/** What to say when the file system refuses. */
export function cannotKeep(file: string, cause: unknown): AppError {
  return new AppError(`Cannot write '${file}': ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`, {
    code: 'E_OUTPUT',
    exit: ExitCode.cannotWrite,
    hint: 'Is the folder there, and may you write in it?',
    cause,
  });
}
