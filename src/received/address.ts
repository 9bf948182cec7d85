import { addressClass, parseAddress, readIPv4 } from '../net/address.ts';

/** An address as a server wrote it, with what stood around it. */
export type WrittenAddress = {
  readonly ip: string;
  readonly port: number | null;
  /** `ident@` or `user@domain@` in front, as qmail writes it. */
  readonly ident: string | null;
};

/**
 * Read an address with whatever servers put around it: `[192.0.2.1]`, `[192.0.2.1]:25`, `[192.0.2.1:25]`,
 * `192.0.2.1.25` (port after a dot), `[IPv6:2001:db8::1]`, `fe80::1%11`, `ident@192.0.2.1`.
 */
export function readAddress(word: string): WrittenAddress | null {
  // Looking from the end is slower, and most words have neither.
  const open = word.includes('[') ? word.lastIndexOf('[') : -1;
  if (open === -1) {
    const at = word.includes('@') ? word.lastIndexOf('@') : -1;
    const bare = readBare(at === -1 ? word : word.slice(at + 1));
    return bare === null ? null : { ...bare, ident: at <= 0 ? null : word.slice(0, at) };
  }
  const close = word.indexOf(']', open);
  const bare = readBare(word.slice(open + 1, close === -1 ? word.length : close));
  if (bare === null) return null;
  const port =
    close !== -1 && word.charCodeAt(close + 1) === 0x3a ? portOf(word.slice(close + 2)) : bare.port;
  const ident = word.charCodeAt(open - 1) === 0x40 && open > 1 ? word.slice(0, open - 1) : null;
  return { ip: bare.ip, port, ident };
}

type BareAddress = { readonly ip: string; readonly port: number | null };

function readBare(written: string): BareAddress | null {
  let text = written;
  if ((text.charCodeAt(0) | 0x20) === 0x69 && /^ipv6:/i.test(text)) text = text.slice(5);
  const code = text.charCodeAt(0) | 0x20;
  const hex = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || code === 0x3a;
  if (!hex || text.length > 64) return null;
  if (text.includes(':') && !/^[0-9.]+:[0-9]+$/.test(text)) return readIPv6(text);
  if (code >= 0x61) return null; // an IPv4 address has no letters
  const colon = text.indexOf(':');
  const host = colon === -1 ? text : text.slice(0, colon);
  if (readIPv4(host) !== null) return { ip: host, port: colon === -1 ? null : portOf(text.slice(colon + 1)) };
  return readOddIPv4(host);
}

function readIPv6(text: string): BareAddress | null {
  const address = parseAddress(text.split('%', 1)[0] ?? '');
  if (address === null) return null;
  // RFC 4291 §2.5.5.2: an IPv4 client of a server that listens on IPv6.
  const mapped = address.text.startsWith('::ffff:') && address.text.includes('.');
  return { ip: mapped ? address.text.slice(7) : address.text, port: null };
}

/** `192.0.2.1.25` with the port after a dot, `192.0.2.1_trustedrelay`. */
function readOddIPv4(text: string): BareAddress | null {
  const found = /^(\d+\.\d+\.\d+\.\d+)(?:\.(\d+)|[_,].*)$/.exec(text);
  const host = found?.[1];
  if (host === undefined || readIPv4(host) === null) return null;
  return { ip: host, port: found?.[2] === undefined ? null : portOf(found[2]) };
}

function portOf(text: string): number | null {
  const port = Number.parseInt(text, 10);
  return port > 0 && port < 65_536 ? port : null;
}

export function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** Loopback, private (RFC 1918, RFC 4193), link-local, and RFC 6598: no stranger connects from there. */
export function isInside(ip: string): boolean {
  const kind = addressClass(ip);
  if (kind === 'private' || kind === 'loopback' || kind === 'link-local') return true;
  return kind === 'reserved' && sameNetwork(ip, '100.64.0.0', 10);
}

/** @returns whether an address lies in `network`, an address with or without `/bits` */
export function isInNetwork(ip: string, network: string): boolean {
  const [base = '', bits] = network.split('/');
  const canonical = parseAddress(base)?.text;
  if (canonical === undefined) return false;
  return sameNetwork(ip, canonical, bits === undefined ? 128 : Number(bits));
}

/** @returns whether two addresses of one family agree in their first bits */
export function sameNetwork(one: string, other: string, bits: number): boolean {
  const left = parseAddress(one);
  const right = parseAddress(other);
  if (left === null || right === null || left.family !== right.family) return false;
  const end = Math.min(bits, left.bytes.length * 8);
  for (let bit = 0; bit < end; bit += 8) {
    const difference = (left.bytes[bit >> 3] ?? 0) ^ (right.bytes[bit >> 3] ?? 0);
    if (difference >> Math.max(0, 8 - (end - bit)) !== 0) return false;
  }
  return true;
}
