/*
 * Bytes are looked at four at a time, as numbers of 32 bits: several times faster than one by one, and without a string
 * for each of them. Every place may be the start of four, whatever its alignment.
 */

const ONES = 0x01010101;
const HIGHS = 0x80808080;
const BLANKS = 0x20202020;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = 0x20;

/** A number of 32 bits from bytes: that of equal bytes is equal. */
export function hashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  if (to - from < 4) for (let at = from; at < to; at += 1) hash = mixed(hash, view.getUint8(at));
  else {
    for (let at = from; at < to - 4; at += 4) hash = mixed(hash, view.getInt32(at, true));
    hash = mixed(hash, view.getInt32(to - 4, true));
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0xcc9e2d51);
  return product ^ (product >>> 16);
}

/** Whether as many bytes are the same in two places. */
export function isSame(one: DataView, at: number, other: DataView, there: number, length: number): boolean {
  if (length < 4) {
    for (let each = 0; each < length; each += 1)
      if (one.getUint8(at + each) !== other.getUint8(there + each)) return false;
    return true;
  }
  const last = length - 4;
  for (let each = 0; each < last; each += 4)
    if (one.getInt32(at + each, true) !== other.getInt32(there + each, true)) return false;
  return one.getInt32(at + last, true) === other.getInt32(there + last, true);
}

/** Bit 7 of each byte that is zero; above the first of them others may be set, too. */
function zeros(word: number): number {
  return (word - ONES) & ~word & HIGHS;
}

/** The lowest byte of which bit 7 is set, from 0. */
function firstOf(highs: number): number {
  return (31 - Math.clz32(highs & -highs)) >> 3;
}

/** Where a quote, a backslash or a control character stands next; the end when there is none before it. */
export function nextInText(view: DataView, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    const found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | ((word - BLANKS) & ~word & HIGHS);
    if (found !== 0) return at + firstOf(found);
  }
  for (; at < end; at += 1) {
    const byte = view.getUint8(at);
    if (byte === QUOTE || byte === BACKSLASH || byte < BLANK) return at;
  }
  return end;
}

/** Whether it is a digit of base 16, in either case. */
export function isHexDigit(byte: number): boolean {
  const lower = byte | BLANK;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

/** Bytes as Latin-1: each is a character, so nothing can make it fail. */
export function textOf(view: DataView, from: number, to: number): string {
  return Buffer.from(view.buffer, view.byteOffset + from, to - from).toString('latin1');
}
