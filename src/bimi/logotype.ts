import { hash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { Cursor, childrenOf, context, type Der, DerFault, inner, oidOf, readDer, TAG } from './der.ts';

/** Largest logo, unpacked. */
export const MAX_LOGO_BYTES = 64 * 1024;

const HASHES: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
  ['1.3.14.3.2.26', 'sha1'],
]);
const DATA_URI = /^data:image\/svg\+xml;base64,([A-Za-z0-9+/\s]+={0,2})\s*$/;

/**
 * The logo in a certificate (RFC 9399 §4.1): the one SVG of its subject, as a data URI, packed or not. It has to be
 * what its digest says.
 *
 * @returns the SVG, unpacked
 * @throws {DerFault} when there is none, or another than the digest says
 */
export function logoIn(extension: Buffer): Buffer {
  const parts = new Cursor(readDer(extension));
  parts.optional(context(0));
  parts.optional(context(1));
  const subject = parts.optional(context(2));
  const direct = subject === null ? null : inner(subject);
  if (direct?.tag !== context(0)) throw new DerFault('has no logo of its subject in it');
  const images = new Cursor(direct, context(0)).next(TAG.sequence);
  const logos = childrenOf(images).map((image) => detailsOf(new Cursor(image).next(TAG.sequence)));
  const [logo] = logos;
  if (logo === undefined || logos.length > 1) throw new DerFault('has not one logo in it');
  return logo;
}

/** LogotypeDetails: media type, digests, addresses. */
function detailsOf(element: Der): Buffer {
  const parts = new Cursor(element);
  const type = parts.next(TAG.ia5).value.toString('latin1').toLowerCase();
  const digests = childrenOf(parts.next(TAG.sequence));
  const uris = childrenOf(parts.next(TAG.sequence)).map(({ value }) => value.toString('latin1'));
  if (!/^image\/svg\+xml(?:\+gzip|-compressed)?$/.test(type)) throw new DerFault('has a logo that is no SVG');
  const [, text] = uris.map((uri) => DATA_URI.exec(uri)).find((match) => match !== null) ?? [];
  if (text === undefined) throw new DerFault('has no logo in it, only where one is');
  const packed = Buffer.from(text.replaceAll(/\s+/g, ''), 'base64');
  const logo = unpacked(packed);
  const known = digests.map((each) => matches(each, [packed, logo])).filter((match) => match !== null);
  if (known.length === 0 || known.includes(false))
    throw new DerFault('has another logo in it than its digest says');
  return logo;
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes.length > MAX_LOGO_BYTES) throw tooLarge();
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_LOGO_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new DerFault('has a logo in it that cannot be unpacked');
  }
}

function tooLarge(): DerFault {
  return new DerFault(`has a logo in it that is larger than ${MAX_LOGO_BYTES / 1024} KiB`);
}

/** Whether a digest is that of one of these; null for a kind of digest that is not known. */
function matches(element: Der, candidates: readonly Buffer[]): boolean | null {
  const parts = new Cursor(element);
  const algorithm = HASHES.get(oidOf(new Cursor(parts.next(TAG.sequence)).any()));
  const wanted = parts.next(TAG.octetString).value;
  parts.end();
  if (algorithm === undefined) return null;
  return candidates.some((bytes) => wanted.equals(hash(algorithm, bytes, 'buffer')));
}
