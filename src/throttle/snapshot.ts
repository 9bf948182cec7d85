import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { WindowType } from './engine.ts';

/** What has to be the same for counters to be taken up again. */
export type SnapshotOf = {
  readonly window: WindowType;
  readonly windowMs: number;
  /** Bits of an IPv6 address that make one client. */
  readonly prefix: number;
};

/** Why counters are not taken up, in words. */
export type Unusable = { readonly reason: string };

/** What is kept over a restart. */
export type Snapshot = {
  /** Of clients, and of the budgets of sites, as they are packed. */
  readonly counters: Uint32Array;
  readonly budgets: Uint32Array;
  /** What of other nodes is in them: empty on a machine of its own. */
  readonly mark: string;
};

/** 'PTC2' as this machine stores a word: a file of a machine with the other byte order is not ours. */
const MAGIC = 0x32435450;

/**
 * Magic, checksum, window type, window in seconds, prefix, the second it was made (lower 32 bits, the rest), bytes of the
 * mark, words of the budgets.
 */
const HEADER_WORDS = 9;

/** Largest file that is read: a million clients and 2.5 million seconds are 64 MB. */
const LARGEST_BYTES = 128 * 1024 * 1024;

/** A snapshot from the future by more than this tells of a clock that was set back. */
const SKEW_SECONDS = 2;

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/**
 * Counters as a file, with what they were counted by and a checksum. Behind the header stand mark, budgets and clients.
 *
 * @param second  since the epoch
 */
export function encodeSnapshot(
  { counters, budgets, mark }: Snapshot,
  of: SnapshotOf,
  second: number,
): Uint8Array {
  const text = Buffer.from(mark);
  const from = HEADER_WORDS + Math.ceil(text.length / 4);
  const words = new Uint32Array(from + budgets.length + counters.length);
  const window = of.window === 'aligned' ? 1 : 0;
  const madeAt = [second % 2 ** 32, Math.floor(second / 2 ** 32)];
  words.set([MAGIC, 0, window, of.windowMs / 1000, of.prefix, ...madeAt, text.length, budgets.length]);
  bytesOf(words).set(text, HEADER_WORDS * 4);
  words.set(budgets, from);
  words.set(counters, from + budgets.length);
  words[1] = crc32(bytesOf(words.subarray(2)));
  return bytesOf(words);
}

/**
 * The counters in a file.
 *
 * @param second  since the epoch, now
 * @returns what {@link encodeSnapshot} was given, or why it is of no use
 */
export function decodeSnapshot(file: Uint8Array, of: SnapshotOf, second: number): Snapshot | Unusable {
  if (file.length < HEADER_WORDS * 4 || file.length % 4 !== 0) return { reason: 'it is cut off' };
  // A copy begins at a multiple of four; the slice of a Buffer is none.
  const words = new Uint32Array(Uint8Array.from(file).buffer);
  const [magic, checksum, window, windowSeconds = 0, prefix, low = 0, high = 0, marked = 0, budgets = 0] =
    words;
  if (magic !== MAGIC) return { reason: 'it is no snapshot of this program' };
  if (checksum !== crc32(bytesOf(words.subarray(2)))) return { reason: 'its checksum is wrong' };
  const same = window === (of.window === 'aligned' ? 1 : 0) && windowSeconds === of.windowMs / 1000;
  if (!same || prefix !== of.prefix) return { reason: 'it was counted in another way' };
  const madeAt = high * 2 ** 32 + low;
  if (madeAt > second + SKEW_SECONDS) return { reason: 'it is from the future' };
  if (madeAt + windowSeconds < second) return { reason: 'it is too old' };
  const from = HEADER_WORDS + Math.ceil(marked / 4);
  const to = from + budgets;
  if (to > words.length) return { reason: 'it makes no sense' };
  const mark = Buffer.from(bytesOf(words)).toString('utf8', HEADER_WORDS * 4, HEADER_WORDS * 4 + marked);
  return { counters: words.subarray(to), budgets: words.subarray(from, to), mark };
}

/** The file of a snapshot; null when there is none. */
export async function readSnapshot(path: string): Promise<Uint8Array | Unusable | null> {
  try {
    const { size } = await stat(path);
    return size > LARGEST_BYTES ? { reason: 'it is too large' } : await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : { reason: message };
  }
}

/** Write a file in place of another one: whoever reads finds the old one or the new one, after a crash, too. */
export async function writeSnapshot(path: string, content: Uint8Array): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}
