import type { Export } from './entry.ts';

const decoded = (label: string, bytes: Uint8Array, fatal = false) =>
  new TextDecoder(label, { fatal }).decode(bytes);

/** Without a mark at its start UTF-16 shows by its zero bytes: every second one, where letters are Latin. */
function zeroBytes(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const head = bytes.subarray(0, 200);
  const zeros = (rest: number) => head.filter((byte, at) => at % 2 === rest && byte === 0).length;
  if (zeros(1) > head.length / 4) return 'utf-16le';
  return zeros(0) > head.length / 4 ? 'utf-16be' : null;
}

/** The text of an export, whatever it is encoded in, and what that was; the mark at the start is taken off. */
export function decodeText(bytes: Uint8Array): {
  readonly text: string;
  readonly encoding: Export['encoding'];
} {
  const [a, b, c] = bytes;
  if (a === 0xff && b === 0xfe) return { text: decoded('utf-16le', bytes), encoding: 'utf-16le' };
  if (a === 0xfe && b === 0xff) return { text: decoded('utf-16be', bytes), encoding: 'utf-16be' };
  if (a === 0xef && b === 0xbb && c === 0xbf) return { text: decoded('utf-8', bytes), encoding: 'utf-8-bom' };
  const wide = zeroBytes(bytes);
  if (wide) return { text: decoded(wide, bytes), encoding: wide };
  try {
    return { text: decoded('utf-8', bytes, true), encoding: 'utf-8' };
  } catch {
    return { text: decoded('windows-1252', bytes), encoding: 'windows-1252' };
  }
}
