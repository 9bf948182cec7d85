import { isIP } from 'node:net';

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

/** @returns the address, or null when the text is none; brackets, ports and prefixes are not taken */
export function parseAddress(text: string): Address | null {
  const family = isIP(text);
  if (family === 4) return address(4, readIPv4(text), null);
  if (family !== 6) return null;
  const percent = text.indexOf('%');
  if (percent === -1) return address(6, readIPv6(text), null);
  return address(6, readIPv6(text.slice(0, percent)), text.slice(percent + 1));
}

function address(family: 4 | 6, bytes: Uint8Array, scope: string | null): Address {
  return { family, bytes, text: formatAddress(bytes), scope };
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
  const groups = groupsOf(bytes);
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':'); // RFC 5952 §4.2.2: one group of zeros is not shortened
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** @returns the class of an address; null when the text is no address */
export function addressClass(text: string): AddressClass | null {
  const parsed = parseAddress(text);
  return parsed === null ? null : classOf(parsed.bytes);
}

function classOf(bytes: Uint8Array): AddressClass {
  const row = bytes.length === 4 ? find(IPV4, bytes) : find(IPV6, bytes);
  if (row === undefined) return bytes.length === 4 ? 'public' : 'reserved';
  return typeof row.is === 'string' ? row.is : classOf(bytes.subarray(row.is.from, row.is.from + 4));
}

type Prefix = { readonly bytes: Uint8Array; readonly bits: number };
/** `from`: the class is that of the IPv4 address embedded at this byte. */
type Row = Prefix & { readonly is: AddressClass | { readonly from: number } };

function find(table: readonly Row[], bytes: Uint8Array): Row | undefined {
  return table.find((row) => matches(bytes, row));
}

function matches(bytes: Uint8Array, prefix: Prefix): boolean {
  for (let bit = 0; bit < prefix.bits; bit += 8) {
    const keep = Math.min(8, prefix.bits - bit);
    const difference = (bytes[bit >> 3] ?? 0) ^ (prefix.bytes[bit >> 3] ?? 0);
    if (difference >> (8 - keep) !== 0) return false;
  }
  return true;
}

function readIPv4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number);
}

/** @param text  what `isIP` called 6, without its scope */
function readIPv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const left = readGroups(head);
  const right = readGroups(tail ?? '');
  const bytes = new Uint8Array(16);
  bytes.set(left, 0);
  bytes.set(right, 16 - right.length);
  return bytes;
}

function readGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...readIPv4(group)];
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function groupsOf(bytes: Uint8Array): number[] {
  return Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
}

/** The longest run of zero groups, the first of equals (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

function row(prefix: string, is: Row['is']): Row {
  const [base = '', bits = ''] = prefix.split('/');
  return { bytes: base.includes(':') ? readIPv6(base) : readIPv4(base), bits: Number(bits), is };
}

const MAPPED = row('::ffff:0:0/96', { from: 12 });

// The first row that matches decides.
const IPV4: readonly Row[] = [
  row('0.0.0.0/32', 'unspecified'),
  row('0.0.0.0/8', 'reserved'), // RFC 791: this network
  row('10.0.0.0/8', 'private'), // RFC 1918
  row('100.64.0.0/10', 'reserved'), // RFC 6598: between a carrier and its customers
  row('127.0.0.0/8', 'loopback'),
  row('169.254.0.0/16', 'link-local'), // RFC 3927
  row('172.16.0.0/12', 'private'),
  row('192.0.0.0/24', 'reserved'), // RFC 6890: protocol assignments
  row('192.0.2.0/24', 'documentation'), // RFC 5737
  row('192.88.99.0/24', 'reserved'), // RFC 7526: the former 6to4 relays
  row('192.168.0.0/16', 'private'),
  row('198.18.0.0/15', 'reserved'), // RFC 2544: benchmarks
  row('198.51.100.0/24', 'documentation'),
  row('203.0.113.0/24', 'documentation'),
  row('224.0.0.0/4', 'multicast'),
  row('240.0.0.0/4', 'reserved'), // RFC 1112 and limited broadcast
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
