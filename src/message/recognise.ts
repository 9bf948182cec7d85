import type { Header } from './headers.ts';

/** How much of the input is looked at for signs that it is no text. */
const SAMPLE_BYTES = 4096;

type Sign = { readonly bytes: readonly number[]; readonly is: string };

const SIGNS: readonly Sign[] = [
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], is: 'an Outlook .msg file; save the message as .eml' },
  { bytes: [0x1f, 0x8b], is: 'compressed with gzip; unpack it first' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], is: 'a ZIP archive; unpack it first' },
  { bytes: [0x25, 0x50, 0x44, 0x46], is: 'a PDF file' },
  { bytes: [0xff, 0xfe], is: 'UTF-16 text; save it as UTF-8' },
  { bytes: [0xfe, 0xff], is: 'UTF-16 text; save it as UTF-8' },
];

/**
 * Why an input is no message and no header block, as the end of a sentence that starts with "The input is".
 *
 * @param header  what `readHeader` found in the same input
 * @returns null when it looks like one
 */
export function whyNotMessage(input: Uint8Array, header: Header): string | null {
  if (input.length === 0) return 'empty';
  for (const { bytes, is } of SIGNS) {
    if (bytes[0] === input[0] && bytes.every((byte, index) => input[index] === byte)) return is;
  }
  if (hasKnownField(header)) return null;
  const sample = input.subarray(0, SAMPLE_BYTES);
  if (sample.every(isWhiteSpace)) return 'only white space';
  if (header.fields.length === 0) return isBinary(sample) ? 'not text' : 'no message: it has no header field';
  return isBinary(sample) ? 'not text' : null;
}

function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** More than one byte in ten that no text has; a stray NUL in a header is the sender's joke, not a file type. */
function isBinary(sample: Uint8Array): boolean {
  let odd = 0;
  for (const byte of sample) if (byte < 0x20 && (byte < 0x07 || byte > 0x0d) && byte !== 0x1b) odd += 1;
  return odd * 10 > sample.length;
}

const KNOWN = new Set([
  'received',
  'from',
  'date',
  'subject',
  'to',
  'message-id',
  'return-path',
  'mime-version',
]);

/** Fields in which a known one is looked for; some put dozens of their own on top. */
const LOOKED_AT = 100;

/**
 * Whether its first fields tell that this is a message, so that `whyNotMessage` would find nothing: well-formed ones
 * only, up to one that messages have.
 *
 * @param fields  names in lower case
 */
export function beginsLikeMessage(
  fields: readonly { readonly name: string; readonly isPlain: boolean }[],
): boolean {
  const known = fields.slice(0, LOOKED_AT).findIndex(({ name }) => KNOWN.has(name));
  return (
    known !== -1 &&
    fields.slice(0, known + 1).every(({ name, isPlain }) => isPlain && /^[a-z0-9-]+$/.test(name))
  );
}

function hasKnownField(header: Header): boolean {
  return header.fields.some((field) => KNOWN.has(field.name.toLowerCase()));
}
