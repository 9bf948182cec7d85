/** Most octets of one character string (RFC 1035 §3.3). */
const MAX_STRING = 255;

/** @returns a text in pieces that a TXT record can hold; all of ASCII, so that characters are octets */
export function txtStrings(text: string): string[] {
  const pieces = text.match(new RegExp(`.{1,${MAX_STRING}}`, 'gs')) ?? [];
  return pieces.length === 0 ? [''] : pieces;
}

/**
 * A TXT record as it stands in a zone file, ready to be pasted (RFC 1035 §5.1).
 *
 * @param name  full name, without the final dot
 */
export function txtLine(name: string, text: string): string {
  const strings = txtStrings(text).map((piece) => `"${piece.replace(/["\\]/g, '\\$&')}"`);
  return `${name}. IN TXT ${strings.length === 1 ? strings[0] : `( ${strings.join(' ')} )`}`;
}
