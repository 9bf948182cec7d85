import { createHmac } from 'node:crypto';

/**
 * A code by event (RFC 4226 §5.3).
 *
 * @param counter  moving factor, from 0
 * @returns `digits` decimal digits
 */
export function hotp(key: Uint8Array, counter: number, digits: 6 | 8): string {
  const factor = Buffer.alloc(8);
  factor.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac('sha1', key).update(factor).digest();
  const offset = mac.readUInt8(mac.length - 1) & 15;
  const code = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(code % 10 ** digits).padStart(digits, '0');
}
