import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { findMboxEntries, looksLikeMbox } from '../message/mbox.ts';
import { cannotRead, isRegularFile, readAnyInto, readFileInto, readInput, readInputSync } from './input.ts';

/** One message to be read, and how it is called in the result. */
export type MessageSource = {
  readonly name: string;
  /** The first bytes of it, as many as were asked for. */
  readonly read: () => Promise<Buffer>;
};

/** What tells an mbox. */
function firstBytes(file: string): Buffer {
  try {
    return Buffer.from(readInputSync(file, 5));
  } catch {
    // What cannot be read is told when it is its turn, as the row of this file.
    return Buffer.alloc(0);
  }
}

async function readPart(file: string, start: number, length: number): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** The files of a folder by name, those of a Maildir (`cur` and `new`) included; null for what is none. */
async function filesIn(folder: string): Promise<string[] | null> {
  if (folder === '-' || !(await stat(folder).catch(() => null))?.isDirectory()) return null;
  const entries = await readdir(folder, { withFileTypes: true });
  const isMaildir = (name: string) => name === 'cur' || name === 'new';
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  const below = entries
    .filter((entry) => entry.isDirectory() && isMaildir(entry.name))
    .map(({ name }) => name);
  const lists = await Promise.all(below.map((name) => filesIn(join(folder, name))));
  return [...files.map((name) => join(folder, name)).toSorted(), ...lists.flatMap((list) => list ?? [])];
}

async function filesOf(name: string): Promise<readonly string[]> {
  const files = await filesIn(name);
  if (files?.length !== 0) return files ?? [name];
  throw new AppError(`'${name}' is a folder without a message in it.`, {
    code: 'E_INPUT',
    exit: ExitCode.input,
    hint: 'Give a message, a mailbox (mbox), or a folder of them.',
  });
}

/** Where one message lies: the whole of a file, or a part of a mailbox. */
export type MessagePlace = {
  /** How it is called in the result: `file`, `file#2`. */
  readonly name: string;
  readonly file: string;
  readonly part: { readonly start: number; readonly end: number } | null;
  /** It can be read at once: no pipe, and not standard input. Null is for what has not been looked at. */
  readonly isRegular: boolean | null;
};

/** One place for a message, one for each message of an mbox (`file#2`). */
async function expand(file: string): Promise<MessagePlace[]> {
  const isRegular = isRegularFile(file);
  const whole = { name: file, file, part: null, isRegular };
  if (!isRegular || !looksLikeMbox(firstBytes(file))) return [whole];
  const entries = await findMboxEntries(createReadStream(file));
  // A single message that was saved with its "From " line is no mailbox.
  if (entries.length < 2) return [whole];
  return entries.map((part, index) => ({ name: `${file}#${index + 1}`, file, part, isRegular }));
}

/** The messages in files and folders (Maildir too), mailboxes (mbox) taken apart. */
export async function messagePlaces(names: readonly string[]): Promise<MessagePlace[]> {
  const places: MessagePlace[] = [];
  for (const name of names) for (const file of await filesOf(name)) places.push(...(await expand(file)));
  return places;
}

/** The same, each as something to be read. */
export async function messageSources(names: readonly string[], limit: number): Promise<MessageSource[]> {
  const places = await messagePlaces(names);
  return places.map(({ name, file, part }) => ({
    name,
    read: () =>
      part === null
        ? readInput(file, limit)
        : readPart(file, part.start, Math.min(limit, part.end - part.start)),
  }));
}

/**
 * The first bytes of a message, at once where it has a file of its own: for thousands of them.
 *
 * @param limit  most bytes that are read
 * @param room   where they lie until it is used again
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when it cannot be read
 */
export async function readMessage(
  { file, part, isRegular }: MessagePlace,
  limit: number,
  room: Buffer,
): Promise<Buffer> {
  if (part !== null) return readPart(file, part.start, Math.min(limit, part.end - part.start));
  if (isRegular === null) return readAnyInto(file, limit, room);
  return isRegular ? readFileInto(file, limit, room) : readInput(file, limit);
}
