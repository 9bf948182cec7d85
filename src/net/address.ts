import { isIPv6 } from 'node:net';

/**
 * What kind of address it is, by the IANA special-purpose registries (RFC 6890 and what followed).
 * Only `public` is a place that strangers' mail can be sent to.
 */
export type AddressClass =
  | 'public'
  | 'private'
  | 'loopback'
  | 'link-local'
  | 'multicast'
  | 'unspecified'
  | 'documentation'
  | 'reserved';

/** A parsed IP address. */
export type Address = {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Canonical text without the scope (RFC 5952 for IPv6). */
  readonly text: string;
  /** RFC 4007 scope such as `eth0`; null without one. */
  readonly scope: string | null;
};

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** @returns the address, or null when the text is none; brackets, ports and prefixes are not taken */
export function parseAddress(text: string): Address | null {
  const value = readIPv4(text);
  // What is an IPv4 address at all is so in its one spelling.
  if (value !== null) return { family: 4, bytes: bytesOf(value), text, scope: null };
  if (!text.includes(':') || !isIPv6(text)) return null;
  const percent = text.indexOf('%');
  const bytes = readIPv6(percent === -1 ? text : text.slice(0, percent));
  const scope = percent === -1 ? null : text.slice(percent + 1);
  return { family: 6, bytes, text: formatAddress(bytes), scope };
}

/** @returns the one spelling of an address (RFC 5952), its scope kept; null when the text is none */
export function canonicalAddress(text: string): string | null {
  const parsed = parseAddress(text);
  if (parsed === null) return null;
  return parsed.scope === null ? parsed.text : `${parsed.text}%${parsed.scope}`;
}

/** @param bytes  4 or 16 bytes in network order  @returns the canonical text */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  // RFC 5952 §5: an embedded IPv4 address of a known prefix is shown as one.
  if (matches(bytes, MAPPED)) return `::ffff:${bytes.subarray(12).join('.')}`;
  const { start, length } = longestZeros(bytes);
  if (length < 2) return hexGroups(bytes, 0, 8); // RFC 5952 §4.2.2: one group of zeros is not shortened
  return `${hexGroups(bytes, 0, start)}::${hexGroups(bytes, start + length, 8)}`;
}

/** @returns the class of an address; null when the text is no address */
export function addressClass(text: string): AddressClass | null {
  const value = readIPv4(text);
  if (value !== null) return classOfIPv4(value);
  const parsed = parseAddress(text);
  return parsed === null ? null : classOfIPv6(parsed.bytes);
}

function classOfIPv4(value: number): AddressClass {
  for (const { first, last, is } of IPV4) if (value >= first && value <= last) return is;
  return 'public';
}

function classOfIPv6(bytes: Uint8Array): AddressClass {
  for (const row of IPV6) {
    if (matches(bytes, row))
      return typeof row.is === 'string' ? row.is : classOfIPv4(valueAt(bytes, row.is.from));
  }
  return 'reserved';
}

type Prefix = { readonly bytes: Uint8Array; readonly bits: number };
/** IPv4 addresses as numbers, the last one included. */
type Block = { readonly first: number; readonly last: number; readonly is: AddressClass };
/** `from`: the class is that of the IPv4 address embedded at this byte. */
type Row = Prefix & { readonly is: AddressClass | { readonly from: number } };

function matches(bytes: Uint8Array, prefix: Prefix): boolean {
  for (let bit = 0; bit < prefix.bits; bit += 8) {
    const keep = Math.min(8, prefix.bits - bit);
    const difference = (bytes[bit >> 3] ?? 0) ^ (prefix.bytes[bit >> 3] ?? 0);
    if (difference >> (8 - keep) !== 0) return false;
  }
  return true;
}

/**
 * An IPv4 address as a number of 32 bits: four decimal parts of 0 to 255 without leading zeros. (A third of the
 * time of isIPv4 and what has to follow it.)
 */
export function readIPv4(text: string): number | null {
  if (text.length < 7 || text.length > 15) return null;
  let value = 0;
  let part = -1;
  let parts = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (part === -1) return null;
      value = value * 256 + part;
      part = -1;
      parts += 1;
    } else {
      if (code < ZERO || code > NINE || part === 0) return null;
      part = part === -1 ? code - ZERO : part * 10 + code - ZERO;
      if (part > 255) return null;
    }
  }
  return parts === 4 && part !== -1 ? value * 256 + part : null;
}

function bytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  for (let at = 0; at < 4; at += 1) bytes[at] = (value >>> (24 - at * 8)) & 0xff;
  return bytes;
}

/** The IPv4 address that stands in 4 bytes of another. */
function valueAt(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let at = from; at < from + 4; at += 1) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

/** @param text  what `isIPv6` takes, without its scope */
function readIPv6(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const gap = text.indexOf('::');
  readGroups(text, 0, gap === -1 ? text.length : gap, bytes, 0);
  if (gap === -1) return bytes;
  const tail = new Uint8Array(16);
  const length = readGroups(text, gap + 2, text.length, tail, 0);
  bytes.set(tail.subarray(0, length), 16 - length);
  return bytes;
}

/** Groups between two places of the text, the last of which may be an IPv4 address. @returns where they end */
function readGroups(text: string, from: number, to: number, into: Uint8Array, start: number): number {
  let end = start;
  for (let at = from; at < to; ) {
    const colon = text.indexOf(':', at);
    const next = colon === -1 || colon > to ? to : colon;
    const embedded = readIPv4(text.slice(at, next));
    if (embedded !== null) {
      into.set(bytesOf(embedded), end);
      end += 4;
    } else {
      const value = Number.parseInt(text.slice(at, next), 16);
      into[end] = value >> 8;
      into[end + 1] = value & 0xff;
      end += 2;
    }
    at = next + 1;
  }
  return end;
}

function groupAt(bytes: Uint8Array, index: number): number {
  return ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0);
}

function hexGroups(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let index = from; index < to; index += 1)
    text += `${index === from ? '' : ':'}${groupAt(bytes, index).toString(16)}`;
  return text;
}

/** The longest run of zero groups, the first of equals (RFC 5952 §4.2.3). */
function longestZeros(bytes: Uint8Array): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index < 8; index += 1) {
    if (groupAt(bytes, index) !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

function row(prefix: string, is: Row['is']): Row {
  const [base = '', bits = ''] = prefix.split('/');
  return { bytes: readIPv6(base), bits: Number(bits), is };
}

function block(prefix: string, is: AddressClass): Block {
  const [base = '', bits = ''] = prefix.split('/');
  const first = readIPv4(base) ?? 0;
  return { first, last: first + 2 ** (32 - Number(bits)) - 1, is };
}

const MAPPED = row('::ffff:0:0/96', { from: 12 });

// The first row that matches decides.
const IPV4: readonly Block[] = [
  block('0.0.0.0/32', 'unspecified'),
  block('0.0.0.0/8', 'reserved'), // RFC 791: this network
  block('10.0.0.0/8', 'private'), // RFC 1918
  block('100.64.0.0/10', 'reserved'), // RFC 6598: between a carrier and its customers
  block('127.0.0.0/8', 'loopback'),
  block('169.254.0.0/16', 'link-local'), // RFC 3927
  block('172.16.0.0/12', 'private'),
  block('192.0.0.0/24', 'reserved'), // RFC 6890: protocol assignments
  block('192.0.2.0/24', 'documentation'), // RFC 5737
  block('192.88.99.0/24', 'reserved'), // RFC 7526: the former 6to4 relays
  block('192.168.0.0/16', 'private'),
  block('198.18.0.0/15', 'reserved'), // RFC 2544: benchmarks
  block('198.51.100.0/24', 'documentation'),
  block('203.0.113.0/24', 'documentation'),
  block('224.0.0.0/4', 'multicast'),
  block('240.0.0.0/4', 'reserved'), // RFC 1112 and limited broadcast
];

const IPV6: readonly Row[] = [
  row('::/128', 'unspecified'),
  row('::1/128', 'loopback'),
  MAPPED, // RFC 4291 §2.5.5.2
  row('64:ff9b::/96', { from: 12 }), // RFC 6052: NAT64
  row('2002::/16', { from: 2 }), // RFC 3056: 6to4
  row('2001:db8::/32', 'documentation'), // RFC 3849
  row('3fff::/20', 'documentation'), // RFC 9637
  row('2001::/23', 'reserved'), // RFC 2928: protocol assignments, with Teredo, ORCHID and benchmarks
  row('fc00::/7', 'private'), // RFC 4193: unique local
  row('fe80::/10', 'link-local'),
  row('ff00::/8', 'multicast'),
  row('2000::/3', 'public'), // RFC 4291 §2.4: the only global unicast space handed out; the rest is reserved
];
