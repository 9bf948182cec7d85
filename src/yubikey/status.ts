import type { SlotNumber } from './commands.ts';
import { atLeast, type Version } from './version.ts';

/** What a key says about a slot; what is in it, it never says. */
export type SlotState = 'programmed' | 'empty' | 'unknown';

/** The status record of the OTP application. */
export type KeyStatus = {
  readonly version: Version;
  /** Advances with every change of a slot and starts again at power-up. */
  readonly sequence: number;
  readonly slots: Readonly<Record<SlotNumber, SlotState>>;
  /** Whether a slot needs a touch; null where the firmware does not tell (below 3.0). */
  readonly touch: Readonly<Record<SlotNumber, boolean | null>>;
  readonly ledInverted: boolean;
};

/**
 * Read the status record of an idle report (ykdef.h, status_st).
 *
 * @param report  8 bytes; the first is not used, the last is the flags
 */
export function parseStatus(report: Uint8Array): KeyStatus {
  const [, major = 0, minor = 0, build = 0, sequence = 0, level = 0] = report;
  const version: Version = [major, minor, build];
  const tellsSlots = atLeast(version, [2, 1, 0]);
  const tellsTouch = atLeast(version, [3, 0, 0]);
  const slot = (bit: number): SlotState => {
    if (!tellsSlots) return 'unknown';
    return level & bit ? 'programmed' : 'empty';
  };
  const touch = (bit: number) => (tellsTouch ? (level & bit) !== 0 : null);
  return {
    version,
    sequence,
    slots: { 1: slot(0x01), 2: slot(0x02) },
    touch: { 1: touch(0x04), 2: touch(0x08) },
    ledInverted: (level & 0x10) !== 0,
  };
}

/**
 * Whether the sequence tells that a change was made: it went on by one, with the turn of an 8-bit number, or fell to
 * nothing because no slot is programmed any more.
 */
export function sequenceMoved(before: KeyStatus, after: KeyStatus): boolean {
  if (after.sequence === ((before.sequence + 1) & 0xff)) return true;
  if (before.sequence === 0xff && after.sequence === 1) return true;
  const none = after.slots[1] !== 'programmed' && after.slots[2] !== 'programmed';
  return before.sequence > 0 && after.sequence === 0 && none;
}
