import { withCrc } from '../otp/crc.ts';

/** Bytes of a slot configuration. */
export const CONFIG_SIZE = 52;

/** Bytes of an access code. */
export const ACCESS_CODE_SIZE = 6;

/** Ticket flags: what is typed around the ticket (Yubico's ykdef.h, TKTFLAG). */
export const Ticket = {
  tabFirst: 0x01,
  tabAfterFixed: 0x02,
  tabAfterOtp: 0x04,
  delayAfterFixed: 0x08,
  delayAfterOtp: 0x10,
  enter: 0x20,
  /** OATH-HOTP, or with {@link Config.challenge} a challenge slot. */
  oathOrChallenge: 0x40,
  protectSlot2: 0x80,
} as const;

/** Configuration flags (CFGFLAG); several mean different things in different kinds of slot. */
export const Config = {
  /** Yubico OTP slot: a static password of scan codes. HOTP: 8 digits. Challenge: HMAC-SHA1. */
  short: 0x02,
  /** Typing: 10 ms more between keys. Challenge: fewer than 64 bytes. */
  pacing10: 0x04,
  shortChallenge: 0x04,
  /** Typing: 20 ms more between keys. Challenge: needs a touch. */
  pacing20: 0x08,
  needsTouch: 0x08,
  hotpModhex1: 0x10,
  hotpModhex2: 0x40,
  /** Static ticket, or with {@link Ticket.oathOrChallenge} a challenge slot. */
  challenge: 0x20,
} as const;

/** Extended flags (EXTFLAG). */
export const Extended = {
  serialAtButton: 0x01,
  serialOverUsb: 0x02,
  serialByApi: 0x04,
  numericKeypad: 0x08,
  fastTrigger: 0x10,
  allowUpdate: 0x20,
  dormant: 0x40,
  ledInverted: 0x80,
} as const;

/** What can be in a slot. */
export type SlotKind =
  | 'yubico-otp'
  | 'oath-hotp'
  | 'hmac-sha1'
  | 'yubico-challenge'
  | 'static'
  | 'static-ticket';

/** The three bytes of flags. */
export type SlotFlags = { readonly ticket: number; readonly config: number; readonly extended: number };

/** A slot configuration in its parts. */
export type SlotContent = SlotFlags & {
  /** Public id, or token id: 0 to 16 bytes. */
  readonly fixed: Uint8Array;
  /** Private id; of 20-byte keys the last four bytes and the start of the moving factor: 6 bytes. */
  readonly uid: Uint8Array;
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** What the slot is protected with from now on; 6 zero bytes are no protection. */
  readonly accessCode: Uint8Array;
};

/** No access code. */
export const NO_CODE: Uint8Array = new Uint8Array(ACCESS_CODE_SIZE);

/** Whether an access code protects: zero is none. */
export function isCode(code: Uint8Array): boolean {
  return code.some((byte) => byte !== 0);
}

/** Whether a code is one repeated byte, which newer keys refuse. */
export function isSimpleCode(code: Uint8Array): boolean {
  return isCode(code) && new Set(code).size === 1;
}

/** A configuration that deletes a slot. */
export const EMPTY_CONFIG: Uint8Array = new Uint8Array(CONFIG_SIZE);

/**
 * A configuration as the key takes it: fixed part 16, uid 6, key 16, new access code 6, length of the fixed part,
 * the three flags, two bytes of nothing, CRC (ykdef.h, config_st).
 *
 * @returns 52 bytes
 */
export function encodeSlot(content: SlotContent): Buffer {
  const bytes = Buffer.alloc(CONFIG_SIZE - 2);
  bytes.set(content.fixed.subarray(0, 16), 0);
  bytes.set(content.uid.subarray(0, 6), 16);
  bytes.set(content.key.subarray(0, 16), 22);
  bytes.set(content.accessCode.subarray(0, ACCESS_CODE_SIZE), 38);
  bytes.set([content.fixed.length, content.extended, content.ticket, content.config], 44);
  return withCrc(bytes);
}

/** Take a configuration apart; the CRC is not looked at. */
export function decodeSlot(bytes: Uint8Array): SlotContent {
  const [length = 0, extended = 0, ticket = 0, config = 0] = bytes.subarray(44, 48);
  return {
    fixed: bytes.slice(0, Math.min(length, 16)),
    uid: bytes.slice(16, 22),
    key: bytes.slice(22, 38),
    accessCode: bytes.slice(38, 44),
    ticket,
    config,
    extended,
  };
}

/** What flags make of a slot (three bits decide). */
export function kindOf({ ticket, config }: SlotFlags): SlotKind {
  const second = (config & Config.challenge) !== 0;
  const short = (config & Config.short) !== 0;
  if (ticket & Ticket.oathOrChallenge) {
    if (!second) return 'oath-hotp';
    return short ? 'hmac-sha1' : 'yubico-challenge';
  }
  if (second) return 'static-ticket';
  return short ? 'static' : 'yubico-otp';
}

/**
 * A configuration together with the access code that the slot has now, as it is written.
 *
 * @returns 58 bytes
 */
export function slotPayload(config: Uint8Array, currentCode: Uint8Array): Buffer {
  return Buffer.concat([config, currentCode]);
}

/** Flags that an update may change; everything else of the configuration has to be zero. */
const UPDATE = { ticket: 0x3f, config: 0x0c, extended: 0xff } as const;

/** A configuration for the update command: the flags that it may carry, and an access code. */
export function encodeUpdate(flags: SlotFlags, accessCode: Uint8Array): Buffer {
  return encodeSlot({
    fixed: new Uint8Array(0),
    uid: new Uint8Array(6),
    key: new Uint8Array(16),
    accessCode,
    ticket: flags.ticket & UPDATE.ticket,
    config: flags.config & UPDATE.config,
    extended: flags.extended & UPDATE.extended,
  });
}

/**
 * A 20-byte key as it lies in a configuration: 16 bytes in the key, four in the uid (OATH-HOTP, HMAC-SHA1).
 *
 * @param start  moving factor to begin with, a multiple of 16 up to 0xFFFF0
 */
export function splitLongKey(secret: Uint8Array, start = 0): Pick<SlotContent, 'key' | 'uid'> {
  const uid = Buffer.alloc(6);
  uid.set(secret.subarray(16, 20));
  uid.writeUInt16BE(start >> 4, 4);
  return { key: secret.slice(0, 16), uid };
}

/** The 20-byte key of a configuration. */
export function joinLongKey({ key, uid }: Pick<SlotContent, 'key' | 'uid'>): Buffer {
  return Buffer.concat([key, uid.subarray(0, 4)]);
}
