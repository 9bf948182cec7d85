/** DER that is none, or not the one way to write it. The message ends a sentence that begins with the certificate. */
export class DerFault extends Error {
  override name = 'DerFault';
}

/** One element (X.690): its identifier octet, its content, and itself whole. */
export type Der = { readonly tag: number; readonly value: Buffer; readonly raw: Buffer };

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Elements of one sequence; no certificate has so many, and lists of revoked ones that are longer are not read. */
const MAX_CHILDREN = 50_000;

/** The tag of a constructed or primitive element in the context class. */
export function context(number: number, constructed = true): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** One element and nothing behind it. */
export function readDer(bytes: Buffer): Der {
  const element = elementAt(bytes, 0);
  if (element.raw.length !== bytes.length) throw new DerFault('has something behind its end');
  return element;
}

/** The elements within one. */
export function childrenOf({ value }: Der): readonly Der[] {
  const children: Der[] = [];
  for (let at = 0; at < value.length; at += children.at(-1)?.raw.length ?? 0) {
    if (children.length >= MAX_CHILDREN) throw new DerFault('has too many elements');
    children.push(elementAt(value, at));
  }
  return children;
}

function elementAt(bytes: Buffer, at: number): Der {
  const tag = byteAt(bytes, at);
  if ((tag & 0x1f) === 0x1f) throw new DerFault('has a tag that no certificate has');
  const first = byteAt(bytes, at + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 3) throw new DerFault('has a length that DER does not have');
  const length = more === 0 ? first : lengthIn(bytes, at + 2, more);
  const start = at + 2 + more;
  if (start + length > bytes.length) throw new DerFault('ends too early');
  return { tag, value: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) };
}

/** The shortest way to write a length is the only one. */
function lengthIn(bytes: Buffer, at: number, count: number): number {
  let length = 0;
  for (let index = 0; index < count; index += 1) length = length * 256 + byteAt(bytes, at + index);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerFault('has a length that DER does not have');
  return length;
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new DerFault('ends too early');
  return byte;
}

/** Walks through the elements of a sequence, as its definition has them. */
export class Cursor {
  private readonly elements: readonly Der[];
  private at = 0;

  constructor(sequence: Der, tag: number = TAG.sequence) {
    if (sequence.tag !== tag) throw new DerFault('has another form than it should');
    this.elements = childrenOf(sequence);
  }

  /** The next element, which has to be there. */
  next(tag: number): Der {
    return this.optional(tag) ?? fault('lacks a part, or has another in its place');
  }

  optional(tag: number): Der | null {
    const element = this.elements[this.at];
    if (element?.tag !== tag) return null;
    this.at += 1;
    return element;
  }

  /** The next one, of whatever kind. */
  any(): Der {
    const element = this.elements[this.at];
    this.at += 1;
    return element ?? fault('lacks a part');
  }

  /** Nothing may be left. */
  end(): void {
    if (this.at < this.elements.length) throw new DerFault('has a part that does not belong there');
  }
}

function fault(message: string): never {
  throw new DerFault(message);
}

/** The one element within an explicit tag. */
export function inner(wrapper: Der): Der {
  return readDer(wrapper.value);
}

/** @returns dotted decimals */
export function oidOf({ tag, value }: Der): string {
  if (tag !== TAG.oid || value.length === 0 || value.length > 64)
    fault('has no object identifier where one belongs');
  const parts: number[] = [];
  let part = 0;
  for (const byte of value) {
    part = part * 128 + (byte & 0x7f);
    if (part > Number.MAX_SAFE_INTEGER / 128) fault('has an object identifier without end');
    if (byte < 0x80) {
      parts.push(part);
      part = 0;
    }
  }
  if ((value.at(-1) ?? 0) >= 0x80) fault('has an object identifier without end');
  const [first = 0, ...rest] = parts;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
}

/** A small whole number that is not negative. */
export function countOf({ tag, value }: Der): number {
  const isSmall = value.length >= 1 && value.length <= 4 && (value[0] ?? 0x80) < 0x80;
  if (tag !== TAG.integer && tag < 0x80) fault('has no number where one belongs');
  return isSmall ? value.readUIntBE(0, value.length) : fault('has a number that is negative or very large');
}

export function booleanOf({ tag, value }: Der): boolean {
  if (tag !== TAG.boolean || value.length !== 1) fault('has no truth value where one belongs');
  // DER writes true in one way; false is a default everywhere here and is left out.
  return value[0] === 0xff || fault('writes out a default');
}

/** Whole octets of a bit string. */
export function bitsOf({ tag, value }: Der): Buffer {
  if (tag !== TAG.bitString || value.length === 0 || (value[0] ?? 8) > 7)
    fault('has no bits where some belong');
  return value.subarray(1);
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280 §4.1.2.5, in milliseconds since the epoch. */
export function timeOf({ tag, value }: Der): number {
  const text = value.toString('latin1');
  const short = tag === TAG.utcTime && /^\d{12}Z$/.test(text);
  const long = tag === TAG.generalizedTime && /^\d{14}Z$/.test(text);
  if (!short && !long) fault('has no time where one belongs');
  const full = short ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text;
  const iso = full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const ms = Date.parse(iso);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== iso.slice(0, 19)
    ? fault('has a time that does not exist')
    : ms;
}
