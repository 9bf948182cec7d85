/** What {@link crc16} gives for data followed by its complemented CRC, least significant byte first. */
export const CRC_RESIDUE = 0xf0b8;

/**
 * The checksum of YubiKeys: CRC-16 with the reflected polynomial 0x8408 and the start value 0xFFFF, not complemented
 * at the end (ISO 13239; Yubico's libyubikey, ykcrc.c).
 */
export function crc16(data: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return crc;
}

/** Data with its complemented CRC behind it, so that the whole leaves {@link CRC_RESIDUE}. */
export function withCrc(data: Uint8Array): Buffer {
  const sealed = Buffer.alloc(data.length + 2);
  sealed.set(data);
  sealed.writeUInt16LE(crc16(data) ^ 0xffff, data.length);
  return sealed;
}
