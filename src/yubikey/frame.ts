import { crc16 } from '../otp/crc.ts';

/** Bytes of a feature report of the OTP interface. */
export const REPORT_SIZE = 8;

/** Bytes that a command carries at most. */
export const PAYLOAD_SIZE = 64;

const FRAME_SIZE = 70;
const CHUNK_SIZE = 7;
const LAST_CHUNK = FRAME_SIZE / CHUNK_SIZE - 1;

/** Flags in the last byte of a report (Yubico's ykdef.h): what the key says about itself. */
export const Flag = {
  /** Set by us in what we write, and by the key as long as it works on it. */
  write: 0x80,
  /** An answer is there; its part's number is in the low bits. */
  response: 0x40,
  /** The key waits for a touch; the low bits are the seconds left. */
  touch: 0x20,
} as const;

/** Number in the low bits of the last byte. */
export const SEQUENCE_MASK = 0x1f;

/** A report that no frame has: the key drops what it has read and what it wanted to answer. */
export const RESET_REPORT: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x8f);

/**
 * A command as the key takes it, 70 bytes: payload filled up to 64, command, CRC of the 64 (little endian, not
 * complemented), three bytes of filling (ykdef.h, frame_st).
 */
function frameOf(command: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_SIZE);
  frame.set(payload);
  frame.writeUInt8(command, PAYLOAD_SIZE);
  frame.writeUInt16LE(crc16(frame.subarray(0, PAYLOAD_SIZE)), PAYLOAD_SIZE + 1);
  return frame;
}

/**
 * The feature reports that carry a command, in order. Parts that are zero are left out, but for the first and the
 * last one: the first clears the key's buffer, the last starts the work.
 *
 * @param payload  at most 64 bytes
 * @returns reports of 8 bytes
 */
export function reportsOf(command: number, payload: Uint8Array): Uint8Array[] {
  if (payload.length > PAYLOAD_SIZE) throw new RangeError('a payload has at most 64 bytes');
  const frame = frameOf(command, payload);
  const reports: Uint8Array[] = [];
  for (let part = 0; part <= LAST_CHUNK; part += 1) {
    const chunk = frame.subarray(part * CHUNK_SIZE, (part + 1) * CHUNK_SIZE);
    if (part > 0 && part < LAST_CHUNK && chunk.every((byte) => byte === 0)) continue;
    reports.push(Buffer.concat([chunk, Uint8Array.of(Flag.write | part)]));
  }
  return reports;
}
