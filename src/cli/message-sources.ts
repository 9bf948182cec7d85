import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { findMboxEntries, looksLikeMbox } from '../message/mbox.ts';
import { cannotRead, readInput } from './input.ts';

/** One message to be read, and how it is called in the result. */
export type MessageSource = {
  readonly name: string;
  /** The first bytes of it, as many as were asked for. */
  readonly read: () => Promise<Buffer>;
};

async function firstBytes(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
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

/** One source for a message, one for each message of an mbox (`file#2`). */
async function expand(file: string, limit: number): Promise<MessageSource[]> {
  const whole = { name: file, read: () => readInput(file, limit) };
  if (file === '-' || !looksLikeMbox(await firstBytes(file))) return [whole];
  const entries = await findMboxEntries(createReadStream(file));
  // A single message that was saved with its "From " line is no mailbox.
  if (entries.length < 2) return [whole];
  return entries.map(({ start, end }, index) => ({
    name: `${file}#${index + 1}`,
    read: () => readPart(file, start, Math.min(limit, end - start)),
  }));
}

/** The messages in files, mailboxes (mbox) taken apart. */
export async function messageSources(files: readonly string[], limit: number): Promise<MessageSource[]> {
  return (await Promise.all(files.map((file) => expand(file, limit)))).flat();
}
