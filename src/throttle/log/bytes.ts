/*
 * Bytes are looked at four at a time, as numbers of 32 bits: several times faster than one by one, and without a string
 * for each of them. Every place may be the start of four, whatever its alignment.
 */

const ONES = 0x01010101;
const HIGHS = 0x80808080;
const BACKSLASHES = 0x5c5c5c5c;

/** With these bits turned, a quote and the control characters are what is below 0x21, and nothing else. */
const TURNED = 0x02020202;
const BELOW = 0x21212121;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = 0x20;

/** A number of 32 bits from bytes: that of equal bytes is equal. */
export function hashOf(view: DataView, from: number, to: number): number {
  if (to - from < 8) return shortHashOf(view, from, to);
  let even = to - from;
  let odd = 0;
  // Two products at a time, neither of which waits for the other.
  for (let at = from; at + 8 < to; at += 8) {
    even = Math.imul(even ^ view.getInt32(at, true), 0x9e3779b1);
    odd = Math.imul(odd ^ view.getInt32(at + 4, true), 0x85ebca77);
    even ^= even >>> 15;
  }
  // The last eight, whether some of them were taken before or not.
  even = Math.imul(even ^ view.getInt32(to - 8, true), 0x9e3779b1);
  odd = Math.imul(odd ^ view.getInt32(to - 4, true), 0x85ebca77);
  return mixed(even ^ (even >>> 15) ^ (odd >>> 16) ^ odd);
}

function shortHashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0xcc9e2d51);
  return mixed(hash ^ (hash >>> 16));
}

function mixed(word: number): number {
  const hash = Math.imul(word, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}

/** Numbers of 64 bits that a key of so many bytes takes, see {@link keep}. */
export function wordsOf(length: number): number {
  return Math.ceil(length / 8);
}

/**
 * Remember bytes as numbers of 64 bits, to be compared with {@link stands}: eight each, and the last eight, which may
 * overlap those before.
 */
export function keep(view: DataView, from: number, length: number, words: Float64Array, first: number): void {
  if (length < 8) {
    words[first] = shortWord(view, from, length);
    return;
  }
  const last = wordsOf(length) - 1;
  for (let each = 0; each < last; each += 1) words[first + each] = view.getFloat64(from + each * 8, true);
  words[first + last] = view.getFloat64(from + length - 8, true);
}

/**
 * Whether bytes that were remembered stand in a place. Two different numbers are equal only if both are zeros, and some
 * are equal to nothing: what no text has in it may be taken for something else, but never for the same.
 */
export function stands(
  words: Float64Array,
  first: number,
  length: number,
  view: DataView,
  from: number,
): boolean {
  const last = length < 8 ? 0 : (length - 1) >> 3;
  for (let each = 0; each < last; each += 1) {
    const word = words[first + each];
    if (word !== view.getFloat64(from + each * 8, true) || word === 0) return false;
  }
  const word = words[first + last];
  const there = length < 8 ? shortWord(view, from, length) : view.getFloat64(from + length - 8, true);
  return word === there && word !== 0;
}

const SHORT = new DataView(new ArrayBuffer(8));

/** Fewer than eight bytes as one number: the first four and the last four, or, of fewer than four, one by one. */
function shortWord(view: DataView, from: number, length: number): number {
  if (length >= 4) {
    SHORT.setInt32(0, view.getInt32(from, true), true);
    SHORT.setInt32(4, view.getInt32(from + length - 4, true), true);
    return SHORT.getFloat64(0, true);
  }
  let word = 1;
  for (let at = from; at < from + length; at += 1) word = word * 256 + view.getUint8(at);
  return word;
}

/** Bit 7 of each byte that is a quote, a backslash or a control character; above the first of them others may be set. */
function special(word: number): number {
  const turned = word ^ TURNED;
  const slashes = word ^ BACKSLASHES;
  return (((turned - BELOW) & ~turned) | ((slashes - ONES) & ~slashes)) & HIGHS;
}

/** The lowest byte of which bit 7 is set, from 0. */
function firstOf(highs: number): number {
  return (31 - Math.clz32(highs & -highs)) >> 3;
}

/** Where a quote, a backslash or a control character stands next; the end when there is none before it. */
export function nextInText(view: DataView, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const found = special(view.getInt32(at, true));
    if (found !== 0) return at + firstOf(found);
  }
  for (; at < end; at += 1) {
    const byte = view.getUint8(at);
    if (byte === QUOTE || byte === BACKSLASH || byte < BLANK) return at;
  }
  return end;
}

/** Where a byte stands next; the end when there is none before it. @param byte  four times itself, as a number of 32 bits */
export function nextOf(byte: number, view: DataView, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const turned = view.getInt32(at, true) ^ byte;
    const found = (turned - ONES) & ~turned & HIGHS;
    if (found !== 0) return at + firstOf(found);
  }
  while (at < end && view.getUint8(at) !== (byte & 0xff)) at += 1;
  return at;
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
