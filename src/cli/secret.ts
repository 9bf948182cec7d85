import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';

/** Largest file that is read as a secret, in bytes. */
const MAX_BYTES = 64 * 1024;

function unusable(
  flag: string,
  file: string,
  what: string,
  hint: string,
  exit: ExitCode,
  cause?: unknown,
): AppError {
  return new AppError(`--${flag}: '${file}' ${what}.`, { code: 'E_SECRET', exit, hint, cause });
}

/**
 * A secret from a file, without the one newline that an editor leaves at its end. A file that others can read is
 * refused: what they may have seen is no secret any more.
 *
 * @param flag  which flag named the file, for the error
 * @throws AppError E_SECRET: exit 64 when it cannot be read or is empty, 77 when others can read it
 */
export function readSecretFile(file: string, flag: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unusable(
      flag,
      file,
      `cannot be read (${code})`,
      'Give a file that holds the secret alone.',
      ExitCode.usage,
      cause,
    );
  }
  try {
    const { mode, size } = fstatSync(descriptor);
    const regular = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (regular && process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw unusable(
        flag,
        file,
        'can be read by others',
        `Take their permission away: chmod 600 '${file}'.`,
        ExitCode.noPermission,
      );
    }
    if (size > MAX_BYTES)
      throw unusable(
        flag,
        file,
        'is too large for a secret',
        'Give a file that holds the secret alone.',
        ExitCode.usage,
      );
    const bytes = Buffer.alloc(MAX_BYTES);
    const text = bytes.toString('utf8', 0, readSync(descriptor, bytes)).replace(/\r?\n$/, '');
    if (text === '')
      throw unusable(flag, file, 'is empty', 'Give a file that holds the secret alone.', ExitCode.usage);
    return text;
  } finally {
    closeSync(descriptor);
  }
}
