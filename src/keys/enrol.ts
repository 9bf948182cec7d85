import { createHmac, randomBytes } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';
import { hotp } from '../otp/hotp.ts';
import { encodeModhex, recoverModhex } from '../otp/modhex.ts';
import { decryptOtp, splitOtp } from '../otp/token.ts';
import { answerHmac } from '../yubikey/read.ts';
import { refusal } from '../yubikey/refusal.ts';
import { Config, encodeSlot, isCode, isSimpleCode, joinLongKey, NO_CODE } from '../yubikey/slot.ts';
import type { OpenKey } from '../yubikey/survey.ts';
import { type Codes, withCodes, writeSlot } from '../yubikey/write.ts';
import { isOurs } from './spend.ts';
import type { KeyStore, NewSlot, SlotRecord } from './store.ts';

// Enrolment in two phases. What will be written is on our disk before the key gets it, and counts only after the key
// was seen to use it. So nobody ever holds a key whose secret is lost, wherever the power fails:
//
//   pending   recorded; the key has it or not. Writing the same once more is always right.
//   written   the key said so. It remains to be seen to work.
//   current   an OTP of it was decrypted.

function mixedUp(): AppError {
  return new AppError('The slots are not as they should be after writing.', {
    code: 'E_MIXED_UP',
    exit: ExitCode.unavailable,
    hint: 'Another program was at work. Go on with "postern yubikey program --resume".',
  });
}

/** Write a recorded slot, trying one access code after the other, and record that the key took it. */
async function writeRecorded(
  { wire, status, info }: OpenKey,
  store: KeyStore,
  record: Pick<SlotRecord, 'id' | 'slot'>,
  codes: Codes,
  nowMs: number,
): Promise<void> {
  const content = store.contentOf(record);
  const change = await withCodes(codes, (code) => writeSlot(wire, record.slot, encodeSlot(content), code));
  if (change.kind === 'mixed up') throw mixedUp();
  if (change.kind !== 'done') {
    store.wasRefused(record.id, nowMs);
    throw refusal('write', {
      slot: record.slot,
      status,
      info,
      codeOffered: codes.some(isCode),
      simpleCode: isSimpleCode(content.accessCode),
    });
  }
  store.wasWritten(record.id, nowMs);
}

/**
 * The first phase: record, then write.
 *
 * @param codes  access codes that the slot may have now
 * @param recorded  what else has to have the record before the key gets it; when that fails, nothing is written
 * @returns the id of the record, now `written`
 * @throws AppError E_REFUSED (the record says so), E_MIXED_UP (the record is pending), or what the device throws
 */
export async function enrol(
  key: OpenKey,
  store: KeyStore,
  slot: NewSlot,
  codes: Codes,
  nowMs: number,
  recorded: () => Promise<void> = async () => undefined,
): Promise<string> {
  const id = store.begin(slot, nowMs);
  await recorded();
  await writeRecorded(key, store, { id, slot: slot.slot }, codes, nowMs);
  return id;
}

/**
 * Go on with a record that was interrupted before the key was known to have it. If the key has it already, it is
 * protected with the new code; if not, with the old one.
 */
export async function writeAgain(
  key: OpenKey,
  store: KeyStore,
  record: SlotRecord,
  nowMs: number,
): Promise<void> {
  const { accessCode } = store.contentOf(record);
  const codes: Codes = [accessCode, store.oldCodeOf(record), NO_CODE];
  await writeRecorded(key, store, record, codes, nowMs);
}

/** What came of looking whether a slot works. */
export type Confirmation =
  | { readonly kind: 'works' }
  /** It is not what should have been typed; `why` is a sentence. */
  | { readonly kind: 'differs'; readonly why: string };

function confirmOtp(store: KeyStore, record: SlotRecord, typed: string, nowMs: number): Confirmation {
  const split = splitOtp(typed);
  if (!split) return { kind: 'differs', why: 'What was typed is no OTP.' };
  const { uid, key, fixed } = store.contentOf(record);
  const publicId = encodeModhex(fixed);
  if (split.publicId !== publicId) {
    const why = `The OTP is of ${split.publicId || 'a key without id'}, not of ${publicId}: another key or slot was touched.`;
    return { kind: 'differs', why };
  }
  const fields = decryptOtp(split.ciphertext, key);
  if (!isOurs(fields, { privateId: uid, aesKey: key }))
    return {
      kind: 'differs',
      why: 'The OTP does not decrypt: the key has other secrets than those recorded.',
    };
  store.activate(record.id, nowMs, fields);
  return { kind: 'works' };
}

/** Codes that may have been typed before this one is looked at. */
const HOTP_WINDOW = 10;

function confirmHotp(store: KeyStore, record: SlotRecord, typed: string, nowMs: number): Confirmation {
  const content = store.contentOf(record);
  const digits = content.config & Config.short ? 8 : 6;
  const code = typed.trim().slice(-digits);
  const start = Buffer.from(content.uid).readUInt16BE(4) << 4;
  const secret = joinLongKey(content);
  const codes = Array.from({ length: HOTP_WINDOW }, (_, index) => hotp(secret, start + index, digits));
  if (!codes.includes(code))
    return { kind: 'differs', why: `What was typed is none of the first ${HOTP_WINDOW} codes.` };
  store.activate(record.id, nowMs);
  return { kind: 'works' };
}

/**
 * The second phase, for what is typed at a touch: see that the key uses the secrets on record.
 *
 * @param typed  by the touch
 */
export function confirmTyped(
  store: KeyStore,
  record: SlotRecord,
  typed: string,
  nowMs: number,
): Confirmation {
  if (record.kind === 'oath-hotp') return confirmHotp(store, record, typed, nowMs);
  return confirmOtp(store, record, recoverModhex(typed.trim())?.modhex ?? typed, nowMs);
}

/** The second phase of a challenge slot: ask it something, and compare. */
export async function confirmChallenge(
  { wire, status, info }: OpenKey,
  store: KeyStore,
  record: SlotRecord,
  nowMs: number,
): Promise<Confirmation> {
  const challenge = randomBytes(32);
  challenge[31] = 1; // No filling at its end.
  const expected = createHmac('sha1', joinLongKey(store.contentOf(record)))
    .update(challenge)
    .digest();
  const answer = await answerHmac(wire, record.slot, challenge);
  if (!answer) throw refusal('challenge', { slot: record.slot, status, info, codeOffered: false });
  if (!answer.equals(expected)) return { kind: 'differs', why: 'The key answers with another secret.' };
  store.activate(record.id, nowMs);
  return { kind: 'works' };
}
