/** Longest line that is read, in bytes; of a longer one nothing is believed. */
const LONGEST = 1 << 20;

const LF = 0x0a;
const END = Buffer.from('\n');

function concat(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

/**
 * The lines of a log, as many together as come at once; each ends with a line feed, the last one of the log, too. They
 * are good until more are asked for.
 *
 * @returns null in place of a line that is too long
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const { buffer, byteOffset, byteLength } of chunks) {
    const chunk = Buffer.from(buffer, byteOffset, byteLength);
    const first = chunk.indexOf(LF);
    if (first === -1) {
      length += chunk.length;
      // Of a line that is too long its length is all that is kept.
      if (length > LONGEST) parts = [];
      else parts.push(Buffer.from(chunk));
      continue;
    }
    let from = 0;
    if (length > 0) {
      from = first + 1;
      yield length + first > LONGEST ? null : concat([...parts, chunk.subarray(0, from)]);
    }
    const last = chunk.lastIndexOf(LF) + 1;
    yield* short(chunk.subarray(from, last));
    parts = last === chunk.length ? [] : [Buffer.from(chunk.subarray(last))];
    length = chunk.length - last;
  }
  if (length > LONGEST) yield null;
  else if (length > 0) yield concat([...parts, END]);
}

/** Whole lines without those that are too long. */
function* short(lines: Buffer): Generator<Buffer | null> {
  let from = 0;
  // Only a piece that is longer than a line may be has one in it.
  for (let at = 0; lines.length - at > LONGEST; ) {
    const end = lines.indexOf(LF, at) + 1;
    if (end - 1 - at > LONGEST) {
      if (at > from) yield lines.subarray(from, at);
      yield null;
      from = end;
    }
    at = end;
  }
  if (lines.length > from) yield lines.subarray(from);
}
