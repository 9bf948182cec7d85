/** Where one message of an mbox lies, in bytes; the "From " line is part of it. */
export type MboxEntry = { readonly start: number; readonly end: number };

const LF = 10;
const CR = 13;
const FROM = Buffer.from('From ');

/** Whether bytes begin like an mbox: a "From " line that is no header field. */
export function looksLikeMbox(start: Uint8Array): boolean {
  return Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 5)).equals(FROM);
}

/**
 * Find the messages of an mbox (RFC 4155 and its kin): each begins with a "From " line at the start or after an
 * empty line. Reads the chunks as they come and keeps a few bytes only, so that a file may be larger than memory.
 * Content-Length is not believed.
 *
 * @param most  messages that are taken; what follows belongs to the last one
 */
export async function findMboxEntries(
  chunks: AsyncIterable<Uint8Array>,
  most = 1_000_000,
): Promise<MboxEntry[]> {
  const starts: number[] = [];
  let offset = 0;
  /** Bytes of this line seen so far, as far as they matter; -1 once it cannot be a separator. */
  let matched = 0;
  let afterEmpty = true;
  let lineLength = 0;
  for await (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF) {
        afterEmpty = lineLength === 0;
        lineLength = 0;
        matched = 0;
        continue;
      }
      if (byte !== CR) lineLength += 1;
      if (matched < 0) {
        // Nothing more of this line matters: go on at its end.
        const end = chunk.indexOf(LF, i);
        if (end === -1) break;
        lineLength += 1;
        i = end - 1;
        continue;
      }
      matched = byte === FROM[matched] && afterEmpty ? matched + 1 : -1;
      if (matched === FROM.length) {
        if (starts.length < most) starts.push(offset + i - FROM.length + 1);
        matched = -1;
      }
    }
    offset += chunk.length;
  }
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? offset }));
}
