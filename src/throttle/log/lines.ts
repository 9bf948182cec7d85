/** Longest line that is read, in bytes; of a longer one nothing is believed. */
const LONGEST = 1 << 20;

/**
 * The lines of a log, in groups as they come. Bytes are taken for Latin-1: every byte is a character, so nothing in a
 * log can make reading fail.
 *
 * @returns null in place of a line that is too long
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly (string | null)[]> {
  let rest = '';
  let skipping = false;
  for await (const chunk of chunks) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const lines: (string | null)[] = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (skipping && lines.length > 0) {
      lines[0] = null;
      skipping = false;
    }
    for (const [index, line] of lines.entries()) {
      if (line === null) continue;
      if (line.length > LONGEST) lines[index] = null;
      else if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
    }
    if (rest.length > LONGEST) {
      skipping = true;
      rest = '';
    }
    if (lines.length > 0) yield lines;
  }
  if (skipping) yield [null];
  else if (rest !== '') yield [rest.replace(/\r$/, '')];
}
