import { AppError, ExitCode } from '../errors.ts';
import { CRC_RESIDUE, crc16 } from '../otp/crc.ts';
import type { HidDevice, Timing } from './device.ts';
import { Flag, RESET_REPORT, reportsOf, SEQUENCE_MASK } from './frame.ts';
import { type KeyStatus, parseStatus } from './status.ts';

/** A key that is spoken to, the clock for it, and what ends the conversation. */
export type Wire = {
  readonly device: HidDevice;
  readonly timing: Timing;
  readonly signal: AbortSignal;
  /** How long the key may take for one step, in milliseconds; swapping takes up to 920. */
  readonly answerMs: number;
  /** How long somebody may take to touch it, in milliseconds. */
  readonly touchMs: number;
  /** Told each time that the key says it waits for a touch, with the seconds that it will. */
  readonly onTouch?: (secondsLeft: number) => void;
};

/** What became of a command. */
export type Outcome =
  /** Parts of 7 bytes put together; what lies behind the CRC is filling. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'status'; readonly status: KeyStatus; readonly touchAsked: boolean };

/** Pauses between two looks, in milliseconds: short at first, as most answers come at once. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;
const TOUCH_PAUSE_MS = 100;

/** Times that a report which broke off on the bus is asked for again. */
const STALLS = 3;

function stuck(what: string): AppError {
  return new AppError(`The key does not answer: ${what}.`, {
    code: 'E_DEVICE_STUCK',
    exit: ExitCode.unavailable,
    hint: 'End other programs that use it (ykman, a browser asking for a passkey), or unplug it and plug it in again.',
  });
}

function corrupt(): AppError {
  return new AppError('The answer of the key was damaged on the way.', {
    code: 'E_DEVICE_CORRUPT',
    exit: ExitCode.unavailable,
    hint: 'Try again, in another USB port or without the hub.',
  });
}

function lastByte(report: Uint8Array): number {
  return report[7] ?? 0;
}

/** A report; one that broke off on the bus is asked for again, as reading it changes nothing. */
async function look({ device, timing }: Wire): Promise<Uint8Array> {
  for (let stalls = 0; ; stalls += 1) {
    try {
      return await device.receive();
    } catch (error) {
      if (!(error instanceof StallError)) throw error;
      if (stalls >= STALLS) throw stuck('the USB transfers stall');
      await timing.sleep(LONGEST_PAUSE_MS);
    }
  }
}

/** A transfer broke off on the bus; another try may succeed. */
export class StallError extends Error {}

/** Send a report. One that broke off may have arrived, so it is not sent again; a key that is gone is told as gone. */
async function send(wire: Wire, report: Uint8Array): Promise<void> {
  try {
    await wire.device.send(report);
  } catch (error) {
    if (!(error instanceof StallError)) throw error;
    await look(wire);
    throw stuck('the USB transfers stall');
  }
}

/** Make the key drop what it has read and what it wants to answer. Never fails: there is nothing left to try. */
async function reset({ device }: Wire): Promise<void> {
  await device.send(RESET_REPORT).catch(() => undefined);
}

/** Look until a condition holds, with growing pauses. */
async function lookUntil(
  wire: Wire,
  done: (flags: number) => boolean,
  limitMs: number,
  what: string,
): Promise<Uint8Array> {
  const end = wire.timing.nowMs() + limitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const report = await look(wire);
    if (done(lastByte(report))) return report;
    if (wire.timing.nowMs() >= end) throw stuck(what);
    await wire.timing.sleep(pause);
  }
}

const isFree = (flags: number) => (flags & Flag.write) === 0;

/**
 * Status of an idle key. A key that somebody left in the middle of an answer, or waiting for a touch, is reset.
 *
 * @throws AppError E_DEVICE_STUCK (exit 69) for a key that stays busy
 */
export async function readStatus(wire: Wire): Promise<KeyStatus> {
  wire.signal.throwIfAborted();
  const report = await lookUntil(wire, isFree, wire.answerMs, 'it stays busy');
  if (lastByte(report) === 0) return parseStatus(report);
  await reset(wire);
  return parseStatus(await lookUntil(wire, (flags) => flags === 0, wire.answerMs, 'it cannot be reset'));
}

/** Write the reports of a command; from the first to the last nothing interrupts it. */
async function write(wire: Wire, command: number, payload: Uint8Array): Promise<void> {
  for (const report of reportsOf(command, payload)) {
    await lookUntil(wire, isFree, wire.answerMs, 'it does not take the command');
    await send(wire, report);
    // Looking at once can make old keys hang (python-yubico, issue 18).
    await wire.timing.sleep(FIRST_PAUSE_MS);
  }
}

/** Collect the answer; a part with a number that is not due is looked at again. */
async function collect(wire: Wire): Promise<Outcome> {
  const parts: Uint8Array[] = [];
  let touchAsked = false;
  let end = wire.timing.nowMs() + wire.answerMs;
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const report = await look(wire);
    const flags = lastByte(report);
    const number = flags & SEQUENCE_MASK;
    if ((flags & Flag.write) !== 0) pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    else if ((flags & Flag.response) !== 0) {
      if (number === 0 && parts.length > 0) return { kind: 'data', bytes: Buffer.concat(parts) };
      if (number === parts.length) {
        parts.push(report.subarray(0, 7));
        end = wire.timing.nowMs() + wire.answerMs;
        pause = 0;
      } else pause = LONGEST_PAUSE_MS;
    } else if ((flags & Flag.touch) !== 0) {
      if (!touchAsked) end = wire.timing.nowMs() + wire.touchMs;
      touchAsked = true;
      wire.onTouch?.(number);
      wire.signal.throwIfAborted();
      pause = TOUCH_PAUSE_MS;
    } else return { kind: 'status', status: parseStatus(report), touchAsked };
    if (wire.timing.nowMs() >= end) throw stuck(touchAsked ? 'nobody touched it' : 'no answer came in time');
    if (pause > 0) await wire.timing.sleep(pause);
  }
}

/**
 * Send one command and wait for what becomes of it. The key is reset on every way out, so that the next one finds
 * it idle.
 *
 * @throws AppError E_DEVICE_STUCK (exit 69); whatever the device throws when it is unplugged; the signal's reason
 */
export async function exchange(wire: Wire, command: number, payload: Uint8Array): Promise<Outcome> {
  wire.signal.throwIfAborted();
  let clean = false;
  try {
    await write(wire, command, payload);
    const outcome = await collect(wire);
    clean = outcome.kind === 'status';
    return outcome;
  } finally {
    if (!clean) await reset(wire);
  }
}

/**
 * Ask for data; what is damaged on the way, or did not arrive whole, is asked for again: asking changes nothing.
 *
 * @param length  bytes that the answer has, told from the answer itself where it is not fixed
 * @returns the data without its CRC; undefined when the key refuses, which it does without a reason
 * @throws AppError E_DEVICE_CORRUPT (exit 69) when every answer was damaged, E_DEVICE_STUCK (exit 69)
 */
export async function request(
  wire: Wire,
  command: number,
  payload: Uint8Array,
  length: (bytes: Buffer) => number,
): Promise<Buffer | undefined> {
  let damaged = false;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const outcome = await exchange(wire, command, payload);
    if (outcome.kind === 'status') {
      if (outcome.touchAsked) return undefined;
      continue;
    }
    const wanted = length(outcome.bytes);
    const answer = outcome.bytes.subarray(0, wanted + 2);
    if (answer.length === wanted + 2 && crc16(answer) === CRC_RESIDUE) return answer.subarray(0, wanted);
    damaged = true;
  }
  if (damaged) throw corrupt();
  return undefined;
}
