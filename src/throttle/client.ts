import { formatAddress, parseAddress, readIPv4 } from '../net/address.ts';

/**
 * Who is counted as one: an IPv4 address, an IPv6 prefix, or, in a log that has them, a host name. Made once and
 * handed on, so that counting compares numbers.
 */
export type Client = {
  /** `192.0.2.1`, `2001:db8::/64`, or the name as it was written. */
  readonly text: string;
  /** 1 for a name, whose words are no address. */
  readonly kind: 0 | 1;
  /** 128 bits in network order; IPv4 is mapped (RFC 4291 §2.5.5.2). */
  readonly words: readonly [number, number, number, number];
};

/** Bits of an IPv6 address that make one client: a household or a server gets at least a /64 (RFC 6177). */
export const IPV6_PREFIX = 64;

const MAPPED_WORD = 0xffff;

function wordOf(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

function mapped(bytes: Uint8Array): boolean {
  return (
    wordOf(bytes, 0) === 0 &&
    wordOf(bytes, 4) === 0 &&
    bytes.length === 16 &&
    wordOf(bytes, 8) === MAPPED_WORD
  );
}

function masked(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff);
}

function ofIPv4(text: string, value: number): Client {
  return { text, kind: 0, words: [0, 0, MAPPED_WORD, value] };
}

function ofMapped(bytes: Uint8Array): Client {
  return ofIPv4(bytes.subarray(12).join('.'), wordOf(bytes, 12));
}

/**
 * The client behind an address.
 *
 * @param prefix  bits of an IPv6 address that count, 1 to 128; an IPv4-mapped one is IPv4 whatever they are
 * @returns null when the text is no address
 */
export function clientOf(text: string, prefix = IPV6_PREFIX): Client | null {
  // What is an IPv4 address at all is so in its one spelling.
  const value = readIPv4(text);
  if (value !== null) return ofIPv4(text, value);
  const address = parseAddress(text);
  if (address === null) return null;
  if (mapped(address.bytes)) return ofMapped(address.bytes);
  const bytes = masked(address.bytes, prefix);
  const shown = formatAddress(bytes);
  return {
    text: prefix === 128 ? shown : `${shown}/${prefix}`,
    kind: 0,
    words: [wordOf(bytes, 0), wordOf(bytes, 4), wordOf(bytes, 8), wordOf(bytes, 12)],
  };
}

/** A client that a log names by host name. @param number  one of its own for each name */
export function namedClient(name: string, number: number): Client {
  return { text: name, kind: 1, words: [0, 0, 0, number] };
}

/** The client that was counted under these words. @param prefix  bits of an IPv6 address that make one */
export function clientOfWords(words: Client['words'], prefix = IPV6_PREFIX): Client {
  const bytes = Uint8Array.from(words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word]));
  if (mapped(bytes)) return ofMapped(bytes);
  return {
    text: prefix === 128 ? formatAddress(bytes) : `${formatAddress(bytes)}/${prefix}`,
    kind: 0,
    words,
  };
}

/** A client as a person names it: an address, or a prefix as it is shown. @returns null when it is neither */
export function clientNamed(text: string, prefix = IPV6_PREFIX): Client | null {
  return clientOf(text.endsWith(`/${prefix}`) ? text.slice(0, text.lastIndexOf('/')) : text, prefix);
}
