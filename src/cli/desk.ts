import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { softwareKeyIn } from '../lab/software-key-file.ts';
import type { SlotNumber } from '../yubikey/commands.ts';
import type { Desk } from '../yubikey/device.ts';
import { readDesk } from '../yubikey/hid.ts';
import { ACCESS_CODE_SIZE } from '../yubikey/slot.ts';
import { type OpenKey, type Speaking, withKey } from '../yubikey/survey.ts';
import { duration, withEnvironment } from './flags.ts';
import { ask } from './prompt.ts';
import { readSecretFile } from './secrets.ts';

/** Flags of everything that speaks to keys. */
export const deskFlags = withEnvironment({
  'timeout-answer': duration({
    summary: 'Wait for the key to answer.',
    default: 2000,
    helpGroup: 'TIME-OUT',
  }),
  'timeout-touch': duration({
    summary: 'Wait for a touch that the key asks for.',
    default: 20_000,
    helpGroup: 'TIME-OUT',
  }),
  'software-key': Flags.string({
    summary: 'Use the key in software in this file instead of those that are plugged in.',
    helpValue: 'FILE',
    helpGroup: 'LABORATORY',
  }),
});

/** Flags of everything that speaks to one key. */
export const oneKeyFlags = withEnvironment({
  ...deskFlags,
  serial: Flags.integer({
    summary:
      'Serial number of the key that is meant; 0 for one that shows none, or the negative number that our records gave it.',
    helpValue: 'N',
  }),
});

/** Which slot. */
export const slotFlag = withEnvironment({
  slot: Flags.integer({
    summary: 'Slot: 1 is a short touch, 2 a long one.',
    min: 1,
    max: 2,
    required: true,
    helpValue: '1|2',
  }),
});

/** Flags of everything that changes a key. */
export const changeFlags = withEnvironment({
  ...oneKeyFlags,
  'access-code-file': Flags.string({
    summary: 'Read the access code that the slot has now from this file: 12 hexadecimal digits.',
    helpValue: 'FILE',
  }),
  'dry-run': Flags.boolean({ summary: 'Tell what would be done, and do nothing.' }),
  yes: Flags.boolean({ summary: 'Do not ask; takes --serial, so that it is clear which key is meant.' }),
});

type DeskFlags = Interfaces.InferredFlags<typeof deskFlags>;
type OneKeyFlags = Interfaces.InferredFlags<typeof oneKeyFlags>;

/** The slot as a type. */
export function slotOf({ slot }: { readonly slot: number }): SlotNumber {
  return slot === 1 ? 1 : 2;
}

/** The clock, the limits and the end of a conversation with keys. */
export function speakingOf(
  flags: Pick<DeskFlags, 'timeout-answer' | 'timeout-touch'>,
  signal: AbortSignal,
  onTouch?: (secondsLeft: number) => void,
): Speaking {
  return {
    timing: {
      nowMs: () => performance.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    signal,
    answerMs: flags['timeout-answer'],
    touchMs: flags['timeout-touch'],
    os: process.platform,
    ...(onTouch && { onTouch }),
  };
}

/** Keys that are plugged in, or the one in software. */
export async function openDesk({ 'software-key': file }: DeskFlags): Promise<Desk> {
  if (file === undefined) return readDesk({ os: process.platform, sysfs: '/sys' });
  const read = () => softwareKeyIn(file, readSecretFile(file), Date.now);
  const { productId, version } = read().state();
  const [major, minor, build] = version;
  const release = (major << 8) | (minor << 4) | build;
  return { strangers: [], places: [{ node: file, productId, release, open: async () => read().device }] };
}

/** Work with the key that the flags name; see {@link withKey}. */
export async function withKeyOf<T>(
  flags: OneKeyFlags,
  signal: AbortSignal,
  work: (key: OpenKey) => Promise<T>,
  onTouch?: (secondsLeft: number) => void,
): Promise<T> {
  return withKey(await openDesk(flags), flags.serial, speakingOf(flags, signal, onTouch), work);
}

/** An access code from a file; undefined without one. */
export function readAccessCode(file: string | undefined, flag: string): Uint8Array | undefined {
  if (file === undefined) return undefined;
  return readHexFile(file, flag, [ACCESS_CODE_SIZE], 'an access code has 12 hexadecimal digits');
}

/**
 * Bytes from a file that holds hexadecimal digits alone.
 *
 * @param sizes  numbers of bytes that are fine
 * @throws AppError E_SECRET (exit 64), which does not repeat what is in the file
 */
export function readHexFile(file: string, flag: string, sizes: readonly number[], rule: string): Uint8Array {
  const text = readSecretFile(file).replaceAll(/[\s:-]/g, '');
  const bytes = Buffer.from(text, 'hex');
  if (bytes.length * 2 === text.length && sizes.includes(bytes.length)) return bytes;
  throw new AppError(`--${flag}: what is in '${file}' does not fit: ${rule}.`, {
    code: 'E_SECRET',
    exit: ExitCode.usage,
    hint: 'Write it into the file alone, without quotes.',
  });
}

/**
 * Have somebody confirm that this key is to be changed: by typing its serial number, or with --yes --serial N.
 *
 * @throws AppError E_NOT_CONFIRMED (exit 64), E_NO_INPUT (exit 64) without a terminal
 */
export async function confirmKey(
  { view: { serial } }: OpenKey,
  flags: Pick<OneKeyFlags, 'serial'> & { readonly yes: boolean },
  mayAsk: boolean,
): Promise<void> {
  const wanted = String(serial ?? Math.min(flags.serial ?? 0, 0));
  if (flags.yes) {
    if (flags.serial !== undefined) return;
    throw new AppError('--yes takes --serial.', {
      code: 'E_NOT_CONFIRMED',
      exit: ExitCode.usage,
      hint: `Add --serial ${wanted}, if that is the key you mean.`,
    });
  }
  const answer = await ask(
    {
      message: `Type the serial number of the key to go on (${wanted}):`,
      flag: 'yes',
      validate: (typed) => typed.trim() === wanted || `That is not ${wanted}. Ctrl-C leaves all as it is.`,
    },
    mayAsk,
  );
  if (answer.trim() === wanted) return;
  throw new AppError('Nothing was changed.', { code: 'E_NOT_CONFIRMED', exit: ExitCode.usage });
}
