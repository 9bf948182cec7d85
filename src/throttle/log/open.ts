import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

function beginsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function expander(first: Uint8Array) {
  if (beginsWith(first, GZIP)) return createGunzip();
  return beginsWith(first, ZSTD) ? createZstdDecompress() : null;
}

/**
 * The bytes of a log; gzip (RFC 1952) and Zstandard (RFC 8878) are recognised by how they begin and expanded as they
 * are read. Each piece is good until the next one is asked for, of the source and here.
 *
 * @throws what the source throws, and what zlib throws when the file is damaged or cut off
 */
export async function* expanded(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const head: Uint8Array = first.value;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield head;
    for (let each = await chunks.next(); !each.done; each = await chunks.next()) yield each.value;
  }
  // A stream asks for more before it is done with what it has.
  async function* copied(): AsyncGenerator<Uint8Array> {
    for await (const chunk of whole()) yield Buffer.from(chunk);
  }
  const through = expander(head);
  if (through === null) yield* whole();
  // The error reaches whoever reads the far end.
  else yield* pipeline(Readable.from(copied()), through, () => undefined) as AsyncIterable<Uint8Array>;
}
