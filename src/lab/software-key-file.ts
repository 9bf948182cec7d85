import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';
import { CONFIG_SIZE, Extended, encodeSlot, NO_CODE, Ticket } from '../yubikey/slot.ts';
import type { Version } from '../yubikey/version.ts';
import {
  blankKey,
  createSoftwareKey,
  type SoftwareKey,
  type SoftwareKeyState,
  type SoftwareSlot,
} from './software-key.ts';

const FORMAT = 'postern-software-key/1';

/** Looks after which a challenge that needs a touch gets one: somebody is at hand. */
const TOUCH_AFTER_LOOKS = 2;

function noKey(file: string, what: string): AppError {
  return new AppError(`'${file}' is no software key: ${what}.`, {
    code: 'E_SOFTWARE_KEY',
    exit: ExitCode.input,
    hint: 'Make one with "postern otp generate --new --software-key FILE".',
  });
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown, least = 0): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= 0xffff_ffff;

function slotFrom(value: unknown): SoftwareSlot | null | undefined {
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  const { config, useCounter, sessionUse, movingFactor } = value;
  const isConfig =
    typeof config === 'string' && /^[0-9a-f]*$/.test(config) && config.length === CONFIG_SIZE * 2;
  if (!isConfig || !isCount(useCounter) || !isCount(sessionUse, -1) || !isCount(movingFactor))
    return undefined;
  return { config, useCounter, sessionUse, movingFactor };
}

/** A file from before the clock was kept has none. */
function poweredFrom(value: unknown): SoftwareKeyState['powered'] | undefined {
  if (value === null || value === undefined) return null;
  if (!isObject(value)) return undefined;
  const { sinceMs, firstTick } = value;
  if (!Number.isSafeInteger(sinceMs) || !isCount(firstTick)) return undefined;
  return { sinceMs: sinceMs as number, firstTick: firstTick & 0xff_ffff };
}

function versionFrom(value: unknown): Version | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [major, minor, build] = value as unknown[];
  const isByte = (part: unknown): part is number => isCount(part) && part < 256;
  return isByte(major) && isByte(minor) && isByte(build) ? [major, minor, build] : undefined;
}

/**
 * A key in software from the text of its file.
 *
 * @param file  its name, for the error
 * @throws AppError E_SOFTWARE_KEY (exit 65)
 */
export function parseSoftwareKey(text: string, file: string): SoftwareKeyState {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw noKey(file, 'it is not JSON');
  }
  if (!isObject(content) || content['format'] !== FORMAT)
    throw noKey(file, `it has not the format ${FORMAT}`);
  const { productId, serial, sequence, slots } = content;
  const version = versionFrom(content['version']);
  const one = isObject(slots) ? slotFrom(slots['1']) : undefined;
  const two = isObject(slots) ? slotFrom(slots['2']) : undefined;
  if (!version || !isCount(productId) || !isCount(serial) || !isCount(sequence))
    throw noKey(file, 'version, productId, serial or sequence is not as it should be');
  const powered = poweredFrom(content['powered']);
  if (powered === undefined) throw noKey(file, 'its clock is not as it should be');
  if (one === undefined || two === undefined) throw noKey(file, 'its slots are not as they should be');
  return { version, productId, serial, sequence: sequence & 0xff, slots: { 1: one, 2: two }, powered };
}

/** Replace the file of a key; a reader sees the old one or the new one. It holds secrets: ours alone. */
export function writeSoftwareKey(file: string, state: SoftwareKeyState): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify({ format: FORMAT, ...state }, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** A key in software that remembers in a file. */
export function softwareKeyIn(file: string, text: string, nowMs: () => number): SoftwareKey {
  return createSoftwareKey(parseSoftwareKey(text, file), {
    nowMs,
    touchAfterLooks: TOUCH_AFTER_LOOKS,
    onChange: (state) => writeSoftwareKey(file, state),
  });
}

/** A new key: a Yubico OTP with random secrets in slot 1, as from the factory. */
export function newSoftwareKey(): SoftwareKeyState {
  const serial = randomBytes(3).readUIntBE(0, 3) + 1;
  const blank = blankKey(serial);
  const config = encodeSlot({
    fixed: Buffer.concat([Buffer.alloc(2), randomBytes(4)]),
    uid: randomBytes(6),
    key: randomBytes(16),
    accessCode: NO_CODE,
    ticket: Ticket.enter,
    config: 0,
    extended: Extended.serialByApi | Extended.allowUpdate,
  });
  const slot = { config: config.toString('hex'), useCounter: 0, sessionUse: -1, movingFactor: 0 };
  return { ...blank, sequence: 1, slots: { 1: slot, 2: null } };
}
