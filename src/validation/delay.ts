import type { OtpFields } from '../otp/token.ts';
import type { Earlier } from './types.ts';

/** What is done with an OTP that was typed long before it came. */
export type DelayPolicy = 'off' | 'log' | 'reject';

/** The clock of a key: about 8 Hz, 24 bits. */
const HERTZ = 8;
const RANGE = 2 ** 24;
/** As yubikey-val has it: seconds, and share of the time that went by. */
const ABSOLUTE_S = 20;
const RELATIVE = 0.3;

/**
 * Compare the key's clock with ours between two OTPs of one session. Somebody who collects an OTP and uses it later
 * makes more time go by here than in the key.
 *
 * @returns `backwards` when the key's clock went back, which no key's does
 */
export function judgeDelay(
  { useCounter, timestamp }: Pick<OtpFields, 'useCounter' | 'timestamp'>,
  earlier: Earlier,
  nowMs: number,
): 'in-time' | 'delayed' | 'backwards' | 'unknown' {
  if (earlier.useCounter !== useCounter || earlier.timestamp === null || earlier.seenMs === null)
    return 'unknown';
  const ticks = (timestamp - earlier.timestamp + RANGE) % RANGE;
  if (ticks > RANGE / 2) return 'backwards';
  const inKey = ticks / HERTZ;
  const here = (nowMs - earlier.seenMs) / 1000;
  const late = here - inKey;
  return late > ABSOLUTE_S && late > RELATIVE * here ? 'delayed' : 'in-time';
}
