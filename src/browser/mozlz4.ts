/** First bytes of Firefox's compressed JSON files. */
const MAGIC = Buffer.from('mozLz40\0', 'latin1');

/** Largest content that is unpacked, in bytes. */
const MAX_BYTES = 64_000_000;

const bad = () => new RangeError('not a mozLz4 file');

/** A length that goes on in further bytes while they are 255; the length, and where it ends. */
function lengthAt(bytes: Uint8Array, at: number, nibble: number): readonly [length: number, next: number] {
  if (nibble < 15) return [nibble, at];
  let [length, next, byte] = [nibble, at, 255];
  while (byte === 255) {
    byte = bytes[next++] ?? Number.NaN;
    length += byte;
  }
  if (Number.isNaN(length)) throw bad();
  return [length, next];
}

/**
 * The content of a mozLz4 file: magic, size in 4 bytes with the lowest first, and one LZ4 block.
 *
 * @throws {RangeError} when it is none
 */
export function unpackMozLz4(file: Uint8Array): Buffer {
  if (file.length < 12 || !MAGIC.equals(file.subarray(0, 8))) throw bad();
  const size = Buffer.from(file.subarray(8, 12)).readUInt32LE();
  if (size > MAX_BYTES) throw bad();
  const out = Buffer.alloc(size);
  let [at, filled] = [12, 0];
  while (at < file.length) {
    const token = file[at++] ?? 0;
    const [literals, from] = lengthAt(file, at, token >> 4);
    if (from + literals > file.length || filled + literals > size) throw bad();
    out.set(file.subarray(from, from + literals), filled);
    filled += literals;
    at = from + literals;
    if (at === file.length) break; // the last sequence has no match
    const offset = (file[at] ?? 0) | ((file[at + 1] ?? 0) << 8);
    const [match, next] = lengthAt(file, at + 2, token & 15);
    at = next;
    const end = filled + match + 4;
    if (offset === 0 || offset > filled || end > size) throw bad();
    // Byte by byte: a match may overlap what it makes.
    for (; filled < end; filled += 1) out[filled] = out[filled - offset] ?? 0;
  }
  if (filled !== size) throw bad();
  return out;
}

/** A mozLz4 file with this content, not made smaller: Firefox writes it anew at its next start. */
export function packMozLz4(content: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  const head = [Math.min(content.length, 15) << 4];
  if (content.length >= 15) {
    let rest = content.length - 15;
    for (; rest >= 255; rest -= 255) head.push(255);
    head.push(rest);
  }
  return Buffer.concat([MAGIC, size, Buffer.from(head), content]);
}
