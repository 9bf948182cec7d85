import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CRC_RESIDUE, crc16, withCrc } from './crc.ts';
import { decodeModhex, encodeModhex, type Layout, recoverModhex } from './modhex.ts';

/** Characters of the encrypted part: one AES block in modhex. */
const BLOCK_CHARS = 32;

/** Longest public id: 16 bytes. */
const MAX_ID_CHARS = 32;

/** What a Yubico OTP holds once it is decrypted; numbers are little endian on the wire. */
export type OtpFields = {
  /** 6 bytes, in hexadecimal. */
  readonly privateId: string;
  /** Starts of the key so far, 1 to 32767; the bit for caps lock is taken out. */
  readonly useCounter: number;
  /** A first-generation key sets it when it was triggered by the caps lock key. */
  readonly capsLock: boolean;
  /** 24 bits at about 8 Hz from a random start at power-up: comparable within one use counter only. */
  readonly timestamp: number;
  /** OTPs since the key was started, from 0. */
  readonly sessionUse: number;
  readonly random: number;
  readonly crc: number;
  /** Whether the checksum fits: 1 in 65 536 wrong keys pass, so it proves nothing by itself. */
  readonly crcOk: boolean;
};

/** A typed OTP, taken apart. */
export type SplitOtp = {
  /** Public id in modhex, 0 to 32 characters. */
  readonly publicId: string;
  readonly ciphertext: Buffer;
  /** The whole in modhex. */
  readonly otp: string;
  readonly layout: Layout;
};

/**
 * Take apart what a key has typed: public id and one encrypted block, whatever the layout of the keyboard was.
 *
 * @returns undefined for what cannot be an OTP: 32 to 64 characters in modhex
 */
export function splitOtp(typed: string): SplitOtp | undefined {
  const text = typed.trim();
  if (text.length < BLOCK_CHARS || text.length > BLOCK_CHARS + MAX_ID_CHARS) return undefined;
  const recovered = recoverModhex(text);
  if (!recovered) return undefined;
  const { modhex, layout } = recovered;
  const ciphertext = decodeModhex(modhex.slice(-BLOCK_CHARS));
  const publicId = modhex.slice(0, -BLOCK_CHARS);
  if (!ciphertext || publicId.length % 2 !== 0) return undefined;
  return { publicId, ciphertext, otp: modhex, layout };
}

/**
 * Decrypt the block of an OTP: AES-128, one block, no chaining (Yubico OTP specification).
 *
 * @param aesKey  16 bytes
 * @returns the fields; with a wrong key they are noise and `crcOk` is most likely false
 */
export function decryptOtp(ciphertext: Uint8Array, aesKey: Uint8Array): OtpFields {
  const cipher = createDecipheriv('aes-128-ecb', aesKey, null).setAutoPadding(false);
  const plain = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  const counter = plain.readUInt16LE(6);
  return {
    privateId: plain.toString('hex', 0, 6),
    useCounter: counter & 0x7fff,
    capsLock: (counter & 0x8000) !== 0,
    timestamp: (plain.readUInt8(10) << 16) | plain.readUInt16LE(8),
    sessionUse: plain.readUInt8(11),
    random: plain.readUInt16LE(12),
    crc: plain.readUInt16LE(14),
    crcOk: crc16(plain) === CRC_RESIDUE,
  };
}

/** What the key puts into an OTP; see {@link OtpFields}. */
export type OtpContent = Pick<
  OtpFields,
  'privateId' | 'useCounter' | 'timestamp' | 'sessionUse' | 'random'
> & {
  readonly capsLock?: boolean;
};

/**
 * One block, encrypted, as a key makes it.
 *
 * @returns 16 bytes
 */
export function encryptOtp(content: OtpContent, aesKey: Uint8Array): Buffer {
  const plain = Buffer.alloc(14);
  plain.write(content.privateId, 'hex');
  plain.writeUInt16LE(content.useCounter | (content.capsLock ? 0x8000 : 0), 6);
  plain.writeUInt16LE(content.timestamp & 0xffff, 8);
  plain.writeUInt8(content.timestamp >> 16, 10);
  plain.writeUInt8(content.sessionUse, 11);
  plain.writeUInt16LE(content.random, 12);
  const cipher = createCipheriv('aes-128-ecb', aesKey, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(withCrc(plain)), cipher.final()]);
}

/** What a touch types: the public id and an encrypted block, in modhex. */
export function makeOtp(publicId: Uint8Array, content: OtpContent, aesKey: Uint8Array): string {
  return encodeModhex(publicId) + encodeModhex(encryptOtp(content, aesKey));
}

/** The pair that orders the OTPs of a key. */
export type Counters = Pick<OtpFields, 'useCounter' | 'sessionUse'>;

/**
 * Whether an OTP comes after another one of the same key: use counter first, then session use. The timestamp takes
 * no part, as it starts at random at each power-up.
 */
export function isLater(one: Counters, other: Counters): boolean {
  if (one.useCounter !== other.useCounter) return one.useCounter > other.useCounter;
  return one.sessionUse > other.sessionUse;
}
