import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { cannotRead } from './input.ts';

/** Largest file of secrets, in bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * Secrets, one a line, from the file that was named, or else from the credential of the service manager
 * (`$CREDENTIALS_DIRECTORY`). They never come from the command line or a variable.
 *
 * @param named       `--secret-file`
 * @param credential  name of the credential
 * @throws AppError E_SECRET (exit 64 without any, 65 for an empty file), E_SECRET_MODE (exit 77) when others can
 *   read the file, E_INPUT when it cannot be read
 */
export function readSecrets(named: string | undefined, credential: string): readonly [string, ...string[]] {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  const file = named ?? (folder === undefined ? undefined : join(folder, credential));
  if (file === undefined) {
    throw new AppError('There is no secret.', {
      code: 'E_SECRET',
      exit: ExitCode.usage,
      hint: `Name a file that only you can read with --secret-file, or give the service the credential ${credential}.`,
    });
  }
  const lines = readPrivate(file).split(/\r?\n/);
  const [first, ...others] = lines.filter((line) => line !== '');
  if (first !== undefined) return [first, ...others];
  throw new AppError(`'${file}' holds no secret.`, {
    code: 'E_SECRET',
    exit: ExitCode.input,
    hint: 'It has one secret a line; the first one signs.',
  });
}

/**
 * One secret from a file that only its owner can read, without the one newline that an editor leaves at its end.
 *
 * @throws AppError E_SECRET (exit 65) for an empty file, E_SECRET_MODE (exit 77) when others can read it, E_INPUT when
 *   it cannot be read
 */
export function readSecretFile(file: string): string {
  const text = readPrivate(file).replace(/\r?\n$/, '');
  if (text !== '') return text;
  throw new AppError(`'${file}' holds no secret.`, {
    code: 'E_SECRET',
    exit: ExitCode.input,
    hint: 'It holds the secret alone.',
  });
}

function readPrivate(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY);
  } catch (error) {
    throw cannotRead(file, error);
  }
  try {
    refuseOpenFile(file, fstatSync(descriptor));
    const bytes = Buffer.alloc(MAX_BYTES);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read)
      read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    return bytes.toString('utf8', 0, filled);
  } catch (error) {
    throw error instanceof AppError ? error : cannotRead(file, error);
  } finally {
    closeSync(descriptor);
  }
}

/** Windows has no such modes; a service manager's credentials are 0400 or 0440 of a folder that is private. */
function refuseOpenFile(file: string, { mode }: Stats): void {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  const lax = folder !== undefined && file.startsWith(join(folder, '/')) ? 0o007 : 0o077;
  if (process.platform === 'win32' || (mode & lax) === 0) return;
  throw new AppError(`'${file}' can be read by others.`, {
    code: 'E_SECRET_MODE',
    exit: ExitCode.noPermission,
    hint: `Take it away from them: chmod 600 '${file}'. Make a new secret if somebody may have read it.`,
  });
}

/** What to say to somebody who puts a secret on the command line: it is in the list of processes by now. */
export function refuseSecretOnArgv(given: string | undefined): void {
  if (given === undefined) return;
  throw new AppError('A secret does not belong on the command line: everybody on this machine can read it.', {
    code: 'E_SECRET_ARGV',
    exit: ExitCode.usage,
    hint: 'Make a new one, put it into a file with mode 0600 and name that with --secret-file.',
  });
}

/**
 * Write a secret to a new file that only its owner can read. What is there already is never touched.
 *
 * @throws AppError E_EXISTS, E_OUTPUT (exit 73)
 */
export function writeSecret(file: string, content: string | Uint8Array): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    throw notWritten(file, error);
  }
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(file, { force: true });
    throw notWritten(file, error);
  } finally {
    closeSync(descriptor);
  }
}

/** The name of a new file, too, is on the disk; Windows does so by itself and opens no folders. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Put a secret in the place of one that was written before, in one step.
 *
 * @throws AppError E_OUTPUT (exit 73)
 */
export function replaceSecret(file: string, content: string | Uint8Array): void {
  const next = `${file}.new`;
  rmSync(next, { force: true });
  writeSecret(next, content);
  try {
    renameSync(next, file);
    syncFolder(dirname(file));
  } catch (error) {
    throw notWritten(file, error);
  }
}

function notWritten(file: string, cause: unknown): AppError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EEXIST')
    return new AppError(`'${file}' is there already: a secret is never overwritten.`, {
      code: 'E_EXISTS',
      exit: ExitCode.cannotWrite,
      hint: 'Give another name, or move the old one away if nothing uses it any more.',
      cause,
    });
  return new AppError(`Cannot write '${file}': ${code ?? String(cause)}.`, {
    code: 'E_OUTPUT',
    exit: ExitCode.cannotWrite,
    hint: 'Is the folder there, and may you write in it?',
    cause,
  });
}
