import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { AppError, ExitCode } from '../errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENAMETOOLONG: 'the name is too long',
};

/** An input that cannot be read, in one sentence. */
export function cannotRead(name: string, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return new AppError(`Cannot read '${name}': ${REASONS[code] ?? (code || String(cause))}.`, {
    code: 'E_INPUT',
    exit: code === 'EACCES' || code === 'EPERM' ? ExitCode.noPermission : ExitCode.input,
    hint: 'Give the name of a file, or "-" for standard input.',
    cause,
  });
}

/** Standard input up to a number of bytes; the rest is left alone. */
async function readStdin(limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

async function readFile(name: string, limit: number): Promise<Buffer> {
  const file = await open(name, 'r');
  try {
    const { size } = await file.stat();
    // What has no size of its own (a pipe, /proc) is read until it ends.
    const bytes = Buffer.alloc(size > 0 ? Math.min(size, limit) : limit);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/**
 * The first bytes of a file, or of standard input for `-`.
 *
 * @param limit  most bytes that are read
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when it cannot be read
 */
export async function readInput(name: string, limit: number): Promise<Buffer> {
  try {
    return name === '-' ? await readStdin(limit) : await readFile(name, limit);
  } catch (error) {
    throw cannotRead(name, error);
  }
}

/** The whole of a file that must not be larger than `limit` bytes. */
export async function readWhole(name: string, limit: number): Promise<Buffer> {
  const bytes = await readInput(name, limit + 1);
  if (bytes.length <= limit) return bytes;
  throw new AppError(`'${name}' is larger than ${limit / 1_000_000} MB.`, {
    code: 'E_TOO_LARGE',
    exit: ExitCode.input,
    hint: 'That is more than is taken.',
  });
}

/** Room for most messages; what is larger is read in a buffer of its own. */
const ROOM = 65_536;

export function newRoom(): Buffer {
  return Buffer.allocUnsafeSlow(ROOM);
}

const shared = newRoom();

/**
 * The first bytes of a regular file, at once: for thousands of small files in a row. They stay as they are until
 * the next call.
 *
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when it cannot be read
 */
export function readInputSync(name: string, limit: number): Buffer {
  return readFileInto(name, limit, shared);
}

/** Whether it is a file with a size, which `/proc` has not: a pipe must not even be opened to find that out. */
export function isRegularFile(name: string): boolean {
  const stat = name === '-' ? undefined : statSync(name, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size > 0;
}

/**
 * The first bytes of whatever has this name: at once, in the room, where it is a regular file.
 *
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when it cannot be read
 */
export async function readAnyInto(name: string, limit: number, room: Buffer): Promise<Buffer> {
  let fd: number | undefined;
  try {
    // Asking about what is open takes half as long as asking about a name, and a pipe may be opened without waiting.
    fd = openSync(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.size > 0) return readOpen(fd, stat.size, limit, room);
    // It stays open meanwhile: who writes to a pipe must not lose its only reader.
    return await readFile(name, limit);
  } catch (error) {
    throw cannotRead(name, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readOpen(fd: number, size: number, limit: number, room: Buffer): Buffer {
  const bytes = size < room.length ? room : Buffer.allocUnsafe(Math.min(size, limit));
  return bytes.subarray(0, readSync(fd, bytes, 0, Math.min(bytes.length, limit), 0));
}

/**
 * The first bytes of a regular file, at once.
 *
 * @param room  where they lie until it is used again
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when it cannot be read
 */
export function readFileInto(name: string, limit: number, room: Buffer): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(name, 'r');
    const got = readSync(fd, room, 0, Math.min(room.length, limit), 0);
    if (got < room.length) return room.subarray(0, got);
    const bytes = Buffer.allocUnsafe(Math.min(fstatSync(fd).size, limit));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch (error) {
    throw cannotRead(name, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
