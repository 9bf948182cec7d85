import { randomBytes } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';
import { decodeModhex, encodeModhex } from '../otp/modhex.ts';
import { can } from '../yubikey/commands.ts';
import { MAX_STATIC, scanCodesOf } from '../yubikey/scan-codes.ts';
import { Config, Extended, type SlotContent, splitLongKey, Ticket } from '../yubikey/slot.ts';
import type { Version } from '../yubikey/version.ts';

/** What can be programmed here. */
export const PROGRAMMABLE = ['yubico-otp', 'oath-hotp', 'hmac-sha1', 'static'] as const;

export type Programmable = (typeof PROGRAMMABLE)[number];

/** What a slot is to become. */
export type Wish = {
  readonly kind: Programmable;
  readonly serial: number;
  readonly version: Version;
  /** For a Yubico OTP: made from the serial number, random, or in modhex. */
  readonly publicId: string;
  /** AES key (16 bytes), HOTP or HMAC key (20 bytes); a random one when it is not given. */
  readonly secret?: Uint8Array | undefined;
  /** 6 bytes; random when it is not given. */
  readonly privateId?: Uint8Array | undefined;
  /** For a static password. */
  readonly password?: string | undefined;
  /** Whether Enter is typed at the end. */
  readonly enter: boolean;
  /** Whether a challenge needs a touch. */
  readonly touch: boolean;
  readonly digits: 6 | 8;
  /** From then on; 6 zero bytes are none. */
  readonly accessCode: Uint8Array;
};

function usage(message: string, hint: string): AppError {
  return new AppError(message, { code: 'E_SLOT', exit: ExitCode.usage, hint });
}

/**
 * A public id. Those of users begin with vv at Yubico, so neither kind meets a factory id.
 *
 * @returns 6 bytes, or what was given: 2 to 16 bytes
 */
function publicIdFor({ publicId, serial }: Wish): Buffer {
  if (publicId === 'random') return Buffer.concat([Uint8Array.of(0xff), randomBytes(5)]);
  if (publicId === 'serial') {
    if (serial <= 0) return publicIdFor({ publicId: 'random', serial } as Wish);
    const id = Buffer.from([0xff, 0, 0, 0, 0, 0]);
    id.writeUInt32BE(serial, 2);
    return id;
  }
  const given = decodeModhex(publicId.toLowerCase());
  if (given && given.length >= 2 && given.length <= 16) return given;
  throw usage(
    `--public-id: '${publicId}' is no public id.`,
    'It is "serial", "random", or 4 to 32 modhex characters (cbdefghijklnrtuv), an even number; 12 suit every server.',
  );
}

/** Flags that a firmware knows: show the serial number, allow updates. */
function extendedFor(version: Version): number {
  const serial = can(version, 'reading the serial number') ? Extended.serialByApi : 0;
  return serial | (can(version, 'updating a slot') ? Extended.allowUpdate : 0);
}

function staticContent(password: string): Pick<SlotContent, 'fixed' | 'uid' | 'key'> {
  const codes = scanCodesOf(password);
  if (!codes || codes.length === 0)
    throw usage(
      'The password has a character that the US layout has not.',
      'Use letters, digits and signs of ASCII.',
    );
  if (codes.length > MAX_STATIC)
    throw usage(`The password has ${codes.length} characters.`, `A slot holds ${MAX_STATIC}.`);
  const all = Buffer.alloc(MAX_STATIC);
  all.set(codes);
  return { fixed: all.subarray(0, 16), uid: all.subarray(16, 22), key: all.subarray(22) };
}

/**
 * The configuration that makes a slot what is wished for; secrets that are not given are made by the system's
 * generator.
 *
 * @throws AppError E_SLOT (exit 64)
 */
export function contentFor(wish: Wish): SlotContent {
  const { accessCode, version, enter } = wish;
  const extended = extendedFor(version);
  const end = enter ? Ticket.enter : 0;
  switch (wish.kind) {
    case 'yubico-otp':
      return {
        fixed: publicIdFor(wish),
        uid: wish.privateId ?? randomBytes(6),
        key: wish.secret ?? randomBytes(16),
        accessCode,
        ticket: end,
        config: 0,
        extended,
      };
    case 'oath-hotp': {
      const config = wish.digits === 8 ? Config.short : 0;
      const long = splitLongKey(wish.secret ?? randomBytes(20));
      return {
        fixed: Buffer.alloc(0),
        ...long,
        accessCode,
        ticket: Ticket.oathOrChallenge | end,
        config,
        extended,
      };
    }
    case 'hmac-sha1': {
      const touch = wish.touch ? Config.needsTouch : 0;
      const config = Config.challenge | Config.short | Config.shortChallenge | touch;
      const long = splitLongKey(wish.secret ?? randomBytes(20));
      return {
        fixed: Buffer.alloc(0),
        ...long,
        accessCode,
        ticket: Ticket.oathOrChallenge,
        config,
        extended,
      };
    }
    case 'static':
      return {
        ...staticContent(wish.password ?? ''),
        accessCode,
        ticket: end,
        config: Config.short,
        extended,
      };
  }
}

/** The public id of what will be served, in modhex; null for what is no Yubico OTP. */
export function servedId(kind: Programmable, { fixed }: SlotContent): string | null {
  return kind === 'yubico-otp' ? encodeModhex(fixed) : null;
}
