/** Hexadecimal in letters that lie at the same place on most keyboards: digit 0 is c, digit 15 is v. */
const MODHEX = 'cbdefghijklnrtuv';

/** The same keys of a keyboard set to US Dvorak. */
const DVORAK = 'jxe.uidchtnbpygk';

const VALUE: ReadonlyMap<string, number> = new Map([...MODHEX].map((char, value) => [char, value]));

/** Bytes as modhex. */
export function encodeModhex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += `${MODHEX[byte >> 4]}${MODHEX[byte & 15]}`;
  return text;
}

/**
 * Bytes from modhex in lower case.
 *
 * @returns undefined for an odd length, or a character that is none of the sixteen
 */
export function decodeModhex(text: string): Buffer | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = Buffer.alloc(text.length / 2);
  for (const [index, char] of [...text].entries()) {
    const value = VALUE.get(char);
    if (value === undefined) return undefined;
    bytes[index >> 1] = ((bytes[index >> 1] ?? 0) << 4) | value;
  }
  return bytes;
}

/** How a text that is no modhex can have become what it is. */
export type Layout = 'as typed' | 'caps lock' | 'US Dvorak' | 'Turkish';

/** What was typed, in modhex, and what the keyboard did to it. */
export type Recovered = { readonly modhex: string; readonly layout: Layout };

const isModhex = (text: string) => /^[cbdefghijklnrtuv]*$/.test(text);

/**
 * Undo what a keyboard layout or caps lock did to the output of a key. A text that is modhex as it stands is left
 * alone. Only layouts that cannot be mistaken for another are undone.
 *
 * @returns undefined when nothing of the kind makes modhex of it
 */
export function recoverModhex(typed: string): Recovered | undefined {
  if (isModhex(typed)) return { modhex: typed, layout: 'as typed' };
  // A key on a Turkish keyboard types ı, or İ with caps lock, where i stands elsewhere.
  const turkish = typed.replaceAll('ı', 'i').replaceAll('İ', 'i');
  const lower = turkish.toLowerCase();
  if (isModhex(lower)) return { modhex: lower, layout: /[ıİ]/.test(typed) ? 'Turkish' : 'caps lock' };
  const keys = [...lower].map((char) => MODHEX[DVORAK.indexOf(char)]);
  if (keys.every((char) => char !== undefined)) return { modhex: keys.join(''), layout: 'US Dvorak' };
  return undefined;
}
