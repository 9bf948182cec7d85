import { AppError, ExitCode } from '../errors.ts';
import { type Ability, type SlotNumber, whyNot } from './commands.ts';
import type { DeviceInfo } from './device-info.ts';
import type { KeyStatus } from './status.ts';
import { atLeast, type Version } from './version.ts';

/** What was asked of a key. */
export type Action = 'write' | 'update' | 'delete' | 'swap' | 'challenge' | 'ndef';

/** What is known when a key has refused, from which the cause is told. */
export type Circumstances = {
  readonly slot: SlotNumber | null;
  readonly status: KeyStatus;
  readonly info: DeviceInfo | null;
  /** Whether an access code was offered. */
  readonly codeOffered: boolean;
  /** Whether a new access code of one repeated byte was to be set. */
  readonly simpleCode?: boolean;
  /** Whether our records say that the slot allows updates; undefined without a record. */
  readonly allowsUpdate?: boolean | undefined;
};

type Cause = { readonly message: string; readonly fix: string };

const WRONG_CODE: Cause = {
  message: 'the access code is not the one of this slot',
  fix: 'Give the right one with --access-code-file. YubiKeys count no wrong ones. Lost, it cannot be found out or reset: the slot goes on typing OTPs and can never be changed.',
};

const NEEDS_CODE: Cause = {
  message: 'the slot is protected with an access code',
  fix: 'Give it with --access-code-file. The old personalisation program used the serial number as code: six bytes, in decimal digits with zeros before it.',
};

const PROTECTED_SWAP: Cause = {
  message: 'one of its slots is protected with an access code',
  fix: 'Take the code away first: "postern yubikey access-code remove".',
};

const PROTECTED_NDEF: Cause = {
  message:
    'the slot is protected with an access code, and then no key takes an NDEF record, not even with the code',
  fix: 'Take the code away first, and set it again afterwards: "postern yubikey access-code".',
};

const OTHER_PROGRAM: Cause = {
  message:
    'another program spoke to the key at the same time, or a smart card or FIDO request has just been using it',
  fix: 'End it, wait three seconds and try again.',
};

function codeCause(action: Action, codeOffered: boolean): Cause {
  if (action === 'swap') return PROTECTED_SWAP;
  if (action === 'ndef') return PROTECTED_NDEF;
  return codeOffered ? WRONG_CODE : NEEDS_CODE;
}

function causesOf(action: Action, circumstances: Circumstances): Cause[] {
  const { slot, status, info, codeOffered, simpleCode, allowsUpdate } = circumstances;
  const programmed = slot === null || status.slots[slot] !== 'empty';
  const code = codeCause(action, codeOffered);
  const causes: Cause[] = [];
  if (simpleCode && info?.codeComplexity)
    causes.push({
      message: 'the key takes no access code of one repeated byte',
      fix: 'Choose another one.',
    });
  if (action === 'challenge') {
    causes.push({
      message: 'the slot holds no challenge of this kind',
      fix: `Write one with "postern yubikey program --slot ${slot ?? 2} --kind hmac-sha1".`,
    });
    return causes;
  }
  if (action === 'update' && allowsUpdate !== true)
    causes.push({
      message: 'the slot was written without "allow update"',
      fix: 'Write it anew with "postern yubikey program".',
    });
  if (programmed) causes.push(code);
  if (action === 'write' && slot === 2)
    causes.push({
      message: 'slot 1 was written with "protect slot 2"',
      fix: 'Write slot 1 without it first.',
    });
  if (info?.fips) causes.push({ message: 'the key is in FIPS mode', fix: 'Both slots need access codes.' });
  return [...causes, OTHER_PROGRAM];
}

/** What a key that refuses does not do. */
const VERBS: Readonly<Record<Action, string>> = {
  write: 'refuses to write',
  update: 'refuses to update',
  delete: 'refuses to delete',
  swap: 'refuses to swap',
  challenge: 'does not answer',
  ndef: 'takes no NDEF record',
};

/**
 * Why a key has refused, the most probable cause first. The key itself gives no reason.
 *
 * @returns AppError E_REFUSED: exit 77 where a code is to blame, else 69
 */
export function refusal(action: Action, circumstances: Circumstances): AppError {
  const [first = OTHER_PROGRAM, ...others] = causesOf(action, circumstances);
  const where = circumstances.slot === null ? 'The key' : `Slot ${circumstances.slot}`;
  const verb = VERBS[action];
  const more = others.map(({ message }) => message).join('; or ');
  return new AppError(`${where} ${verb}: most likely ${first.message}.`, {
    code: 'E_REFUSED',
    exit: [WRONG_CODE, NEEDS_CODE, PROTECTED_SWAP, PROTECTED_NDEF].includes(first)
      ? ExitCode.noPermission
      : ExitCode.unavailable,
    hint: `${first.fix}${more === '' ? '' : ` It may also be that ${more}.`}`,
  });
}

/** @throws AppError E_FIRMWARE (exit 69), with the number that is needed, when a firmware cannot do something */
export function requireAbility(version: Version, ability: Ability): void {
  const why = whyNot(version, ability);
  if (why !== null)
    throw new AppError(why, {
      code: 'E_FIRMWARE',
      exit: ExitCode.unavailable,
      hint: 'Use a newer key.',
    });
}

/** @throws AppError E_SLOT_EMPTY (exit 69) */
export function requireProgrammed({ slots }: KeyStatus, slot: SlotNumber): void {
  if (slots[slot] !== 'empty') return;
  throw new AppError(`Slot ${slot} is empty.`, {
    code: 'E_SLOT_EMPTY',
    exit: ExitCode.unavailable,
    hint: '"postern yubikey info" shows what the key says about its slots.',
  });
}

/**
 * Some firmware takes a new access code in an update and keeps the old one.
 *
 * @throws AppError E_FIRMWARE (exit 69) for 4.3.2 to 4.3.5
 */
export function requireCodeUpdate(version: Version): void {
  if (!atLeast(version, [4, 3, 2]) || atLeast(version, [4, 3, 6])) return;
  throw new AppError('Firmware 4.3.2 to 4.3.5 cannot change the access code of a slot.', {
    code: 'E_FIRMWARE',
    exit: ExitCode.unavailable,
    hint: 'Delete the slot with its code, and write it anew: "postern yubikey delete", then "postern yubikey program".',
  });
}
