import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** A file of a profile: its content, that there is none, or why it could not be told. */
export type Content =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

/** The whole of a regular file of at most `limit` bytes. */
export function readBounded(file: string, limit: number): Content {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { kind: 'failed', reason: 'it is no file' };
    if (stats.size > limit) return { kind: 'failed', reason: `it is larger than ${limit / 1_000_000} MB` };
    return { kind: 'read', bytes: readFileSync(descriptor) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { kind: 'absent' }
      : { kind: 'failed', reason: code ?? String(error) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
