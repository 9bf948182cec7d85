import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';

/** Where the result goes: standard output, or a file that appears whole or not at all. */
export type Sink = {
  write(text: string | Uint8Array): void;
  /** Makes what was written so far the file; standard output has nothing to finish. */
  finish(): void;
  /** Forgets what was written. */
  discard(): void;
};

export const standardOutput: Sink = {
  write: (text) => void process.stdout.write(text),
  finish: () => undefined,
  discard: () => undefined,
};

function cannotWrite(file: string, cause: unknown): AppError {
  const reason =
    cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new AppError(`Cannot write '${file}': ${reason}.`, {
    code: 'E_OUTPUT',
    exit: ExitCode.cannotWrite,
    hint: 'Name a file in a folder that exists and that you may write to.',
    cause,
  });
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** One system call may take a part only. */
function writeAll(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** A device or pipe is written to directly: a rename would replace it. */
function isSpecial(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === false;
}

/**
 * A file written by a temporary one in the same folder and a rename, so that a reader sees the old
 * content or the new one.
 *
 * @throws AppError E_OUTPUT (exit 73) from every method when the file system refuses
 */
export function fileOutput(file: string): Sink {
  const direct = isSpecial(file);
  const temporary = direct ? file : join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  const fd = attempt(file, () => openSync(temporary, direct ? 'w' : 'wx', 0o644));
  let open = true;
  return {
    write: (text) => attempt(file, () => writeAll(fd, text)),
    finish: () => {
      if (!open) return;
      open = false;
      attempt(file, () => {
        if (!direct) fsyncSync(fd);
        closeSync(fd);
        if (!direct) renameSync(temporary, file);
      });
    },
    discard: () => {
      if (!open) return;
      open = false;
      closeSync(fd);
      if (!direct) rmSync(temporary, { force: true });
    },
  };
}

/** Collected before it is written, in bytes: thousands of small rows would each cost a system call. */
const COLLECTED = 65_536;

/**
 * A sink that collects what is written; for rows that come faster than anybody reads them. Row by row they become
 * bytes: joined before, one row with a letter beyond Latin-1 would make two bytes a character of all the others.
 */
export function collecting(sink: Sink): Sink {
  let pending = Buffer.allocUnsafeSlow(COLLECTED);
  let filled = 0;
  const flush = () => {
    if (filled === 0) return;
    sink.write(pending.subarray(0, filled));
    // Standard output may still be busy with the old one.
    pending = Buffer.allocUnsafeSlow(COLLECTED);
    filled = 0;
  };
  return {
    write: (chunk) => {
      const isText = typeof chunk === 'string';
      const most = isText ? chunk.length * 3 : chunk.length; // UTF-8 of a UTF-16 unit
      if (most > COLLECTED - filled) flush();
      if (most > COLLECTED) return sink.write(chunk);
      if (!isText) pending.set(chunk, filled);
      filled += isText ? pending.write(chunk, filled) : chunk.length;
    },
    finish: () => {
      flush();
      sink.finish();
    },
    discard: () => {
      filled = 0;
      sink.discard();
    },
  };
}

/** Resolves when everything written to standard output has reached its reader. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.destroyed || process.stdout.writableLength === 0) resolve();
    else process.stdout.write('', () => resolve());
  });
}
