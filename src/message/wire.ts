/** A message as it goes over the wire: every line ends in CRLF (RFC 5322 §2.1). */
export type Wire = {
  /** The header section with the line end of its last field; without the empty line. */
  readonly head: Buffer;
  /** What follows the empty line; null when there is none, so that only a header block was given. */
  readonly body: Buffer | null;
  /** How the lines of the input ended; parsers disagree about a header that has both. */
  readonly lineEnds: 'crlf' | 'lf' | 'mixed';
};

const LF = 0x0a;
const CR = 0x0d;

/**
 * Bring a saved message into the form in which it was signed. A byte order mark and the "From " line of a mailbox
 * go, bare LF becomes CRLF; nothing else is changed. Unlike a reader for people, this takes the first empty line
 * as the end of the header, wherever it stands, as verifiers do.
 */
export function toWire(input: Uint8Array): Wire {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  const { bytes: wire, lineEnds } = withCrlf(bytes.subarray(startOf(bytes)));
  if (wire[0] === CR && wire[1] === LF)
    return { head: wire.subarray(0, 0), body: wire.subarray(2), lineEnds };
  const empty = wire.indexOf('\r\n\r\n');
  if (empty === -1) return { head: wire, body: null, lineEnds };
  return { head: wire.subarray(0, empty + 2), body: wire.subarray(empty + 4), lineEnds };
}

/** After a byte order mark and the separator lines of a mailbox (RFC 4155). */
function startOf(bytes: Buffer): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (/^>?From /.test(bytes.toString('latin1', at, at + 6))) {
    const end = bytes.indexOf(LF, at);
    if (end === -1) return bytes.length;
    at = end + 1;
  }
  return at;
}

function withCrlf(bytes: Buffer): { readonly bytes: Buffer; readonly lineEnds: Wire['lineEnds'] } {
  const { bare, paired } = countLineEnds(bytes);
  if (bare === 0) return { bytes, lineEnds: 'crlf' };
  const wire = Buffer.allocUnsafe(bytes.length + bare);
  let to = 0;
  let from = 0;
  for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (lf > 0 && bytes[lf - 1] === CR) continue;
    to += bytes.copy(wire, to, from, lf);
    wire[to++] = CR;
    from = lf;
  }
  bytes.copy(wire, to, from);
  return { bytes: wire, lineEnds: paired === 0 ? 'lf' : 'mixed' };
}

function countLineEnds(bytes: Buffer): { readonly bare: number; readonly paired: number } {
  let bare = 0;
  let paired = 0;
  for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (lf > 0 && bytes[lf - 1] === CR) paired += 1;
    else bare += 1;
  }
  return { bare, paired };
}
