import { type Address, formatAddress, parseAddress } from './address.ts';

/** An address or a range of them. */
export type Network = {
  readonly text: string;
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly bits: number;
};

function unmapped(address: Address): Address {
  return address.family === 6 && /^::ffff:\d+\./.test(address.text)
    ? { ...address, family: 4, bytes: address.bytes.subarray(12) }
    : address;
}

function masked(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff);
}

/** @returns null when the text is neither an address nor `ADDRESS/BITS` */
export function parseNetwork(text: string): Network | null {
  const [, base = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const parsed = parseAddress(base);
  if (parsed === null) return null;
  const address = unmapped(parsed);
  const whole = address.bytes.length * 8;
  const bits = length === undefined ? whole : Number(length) - (parsed.family - address.family) * 48;
  if (bits < 0 || bits > whole) return null;
  const bytes = masked(address.bytes, bits);
  return {
    text: bits === whole ? formatAddress(bytes) : `${formatAddress(bytes)}/${bits}`,
    family: address.family,
    bytes,
    bits,
  };
}

export function contains(network: Network, text: string): boolean {
  return holds(network, parseAddress(text));
}

/** Whether an address that was parsed before lies in a network; done for every exemption at every request. */
export function holds({ family, bytes, bits }: Network, address: Address | null): boolean {
  if (address === null) return false;
  const inner = unmapped(address);
  if (inner.family !== family) return false;
  for (let at = 0; at * 8 < bits; at += 1) {
    const mask = 0xff00 >> Math.min(8, bits - at * 8);
    if ((((inner.bytes[at] ?? 0) ^ (bytes[at] ?? 0)) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** As {@link holds}, for an IPv4 address as its number of 32 bits: nothing is made for it. */
export function holdsIPv4({ family, bytes, bits }: Network, value: number): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const base = (a << 24) | (b << 16) | (c << 8) | d;
  // A shift by 32 would be one by 0.
  return family === 4 && (bits === 0 || (value ^ base) >>> (32 - bits) === 0);
}

/** This machine: exempt and trusted unless somebody says otherwise. */
export const LOOPBACK: readonly Network[] = ['127.0.0.0/8', '::1'].flatMap(
  (text) => parseNetwork(text) ?? [],
);
