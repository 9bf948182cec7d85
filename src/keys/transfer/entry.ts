import { decodeModhex } from '../../otp/modhex.ts';
import type { Counters } from '../../otp/token.ts';
import type { KeyState } from '../store.ts';

/** Largest file with keys, in bytes: about a million of them. */
export const MAX_FILE_BYTES = 128 * 1024 * 1024;

/** Most keys that are taken from one file. */
export const MAX_KEYS = 1_000_000;

/** How many rows that were left out are told by themselves. */
const MAX_TOLD = 1000;

/** What another program knows of a key. Half of it is fine: some keep the counters apart from the secrets. */
export type KeyEntry = {
  /** In modhex. */
  readonly publicId: string;
  /** 6 bytes; null where the file has none. */
  readonly privateId: Uint8Array | null;
  /** 16 bytes; null where the file has none. */
  readonly aesKey: Uint8Array | null;
  readonly serial: number | null;
  /** Whether its OTPs are taken; null where the file says nothing about it. */
  readonly state: KeyState | null;
  /** The OTP that was taken last; null where the file says nothing about it. */
  readonly counters: (Counters & { readonly timestamp: number | null }) | null;
};

/** Something in a file that is not taken over, and why. */
export type LeftOut = { readonly where: string; readonly why: string };

/** What was found in a file. */
export type Found = {
  readonly format: string;
  readonly entries: readonly KeyEntry[];
  readonly leftOut: readonly LeftOut[];
  /** How many were left out, told or not. */
  readonly leftOutCount: number;
};

/** Text fields of an entry, as they stand in a file; '' and undefined are not there. */
export type RawEntry = {
  readonly publicId?: string | undefined;
  readonly privateId?: string | undefined;
  readonly aesKey?: string | undefined;
  readonly serial?: string | undefined;
  readonly active?: string | undefined;
  /** It was programmed, and no OTP of it was seen. */
  readonly unseen?: boolean;
  readonly useCounter?: string | undefined;
  readonly sessionUse?: string | undefined;
  readonly timestamp?: number | undefined;
};

const hexOf = (text: string, size: number): Buffer | null =>
  text.length === size * 2 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : null;

/** A number in decimal digits, up to a limit. */
export function countOf(text: string | undefined, most: number): number | null {
  if (text === undefined || !/^\d{1,12}$/.test(text.trim())) return null;
  const value = Number(text);
  return value <= most ? value : null;
}

const YES: readonly string[] = ['1', 't', 'true', 'yes'];

function stateOf(active: string | undefined): KeyState | null {
  if (active === undefined || active === '') return null;
  return YES.includes(active) ? 'active' : 'disabled';
}

function countersOf({ useCounter, sessionUse, timestamp }: RawEntry): KeyEntry['counters'] {
  const use = countOf(useCounter, 0xffff);
  const session = countOf(sessionUse, 0xff);
  if (use === null || session === null) return null;
  // The topmost bit says that caps lock was on. Servers that keep it would refuse every later OTP of the key.
  return { useCounter: use & 0x7fff, sessionUse: session, timestamp: timestamp ?? null };
}

/** An entry from text, or the reason why it is none; never with what was in a field of secrets. */
export function entryFrom(raw: RawEntry): KeyEntry | string {
  const publicId = (raw.publicId ?? '').trim().toLowerCase();
  if (publicId === '') return 'it has no public id';
  const bytes = decodeModhex(publicId);
  if (!bytes || bytes.length > 16) return 'its public id is not 2 to 32 modhex characters';
  const aesText = (raw.aesKey ?? '').trim();
  const aesKey = aesText === '' ? null : hexOf(aesText, 16);
  if (aesText !== '' && !aesKey) return 'its AES key has not 32 hexadecimal digits';
  const privateText = (raw.privateId ?? '').trim();
  const privateId = privateText === '' ? null : hexOf(privateText, 6);
  if (privateText !== '' && !privateId) return 'its private id has not 12 hexadecimal digits';
  return {
    publicId,
    privateId,
    aesKey,
    serial: countOf(raw.serial, 0xffff_ffff) || null,
    state: raw.unseen ? 'written' : stateOf(raw.active?.trim().toLowerCase()),
    counters: countersOf(raw),
  };
}

/** Collects what is in a file, within its bounds. */
/** How the reason begins for a row that is not damaged but of another use of a key. */
export const NOT_OURS = 'it is no Yubico OTP';

export function collector(format: string) {
  const entries: KeyEntry[] = [];
  const leftOut: LeftOut[] = [];
  let leftOutCount = 0;
  const leave = (where: string, why: string) => {
    leftOutCount += 1;
    if (leftOut.length < MAX_TOLD) leftOut.push({ where, why });
  };
  return {
    leave,
    add: (where: string, raw: RawEntry) => {
      const entry = entryFrom(raw);
      if (typeof entry === 'string') leave(where, entry);
      else if (entries.length >= MAX_KEYS) leave(where, `there are more than ${MAX_KEYS} keys before it`);
      else entries.push(entry);
    },
    found: (): Found => ({ format, entries, leftOut, leftOutCount }),
  };
}

/** Columns of the tables that other servers keep, by name; an entry from a row of one of them. */
export function rawFromRow(row: Readonly<Record<string, string>>): RawEntry {
  if ('yk_publicname' in row) {
    const low = countOf(row['yk_low'], 0xffff);
    const high = countOf(row['yk_high'], 0xff);
    return {
      publicId: row['yk_publicname'],
      active: row['active'],
      useCounter: row['yk_counter'],
      sessionUse: row['yk_use'],
      timestamp: low === null || high === null ? undefined : (high << 16) | low,
    };
  }
  const shared = {
    publicId: row['publicname'],
    privateId: row['internalname'],
    aesKey: row['aeskey'],
    active: row['active'],
  };
  if (!('counter' in row)) return { ...shared, serial: row['serialnr'] };
  // yubiserver keeps both counters in one number.
  const counter = countOf(row['counter'], 0xff_ffff);
  if (counter === null || counter === 0) return shared;
  return { ...shared, useCounter: String(counter >> 8), sessionUse: String(counter & 0xff) };
}
