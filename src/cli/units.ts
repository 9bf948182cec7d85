import { AppError, ExitCode } from '../errors.ts';

const DAY_MS = 86_400_000;

/** Longest duration that a timer can hold: beyond 2^31-1 ms it would fire at once. */
const LONGEST_MS = 24 * DAY_MS;

const UNITS_MS = new Map([
  ['ms', 1],
  ['', 1000],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', DAY_MS],
]);

/**
 * Milliseconds from a duration as people write it: `500ms`, `10s`, `10m`, `24h`, `1.5h`; a bare number is
 * seconds.
 *
 * @throws AppError E_DURATION (exit 64) for anything else, for zero, and for more than 24 days
 */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|)$/.exec(text.trim());
  const ms = match ? Math.round(Number(match[1]) * (UNITS_MS.get(match[2] ?? '') ?? 0)) : 0;
  if (ms < 1 || ms > LONGEST_MS) {
    throw new AppError(`'${text}' is not a duration.`, {
      code: 'E_DURATION',
      exit: ExitCode.usage,
      hint: 'Write 500ms, 10s, 5m or 24h, at most 24d; a bare number is seconds.',
    });
  }
  return ms;
}

/** A duration as it is echoed: the largest unit that gives a whole number, such as `90s`, `10m`, `24h`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const unit = units.find(([, size]) => ms % size === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}

/**
 * Milliseconds since the epoch from a time as ISO 8601 has it.
 *
 * @param flag  that it was given with, for the error
 * @throws AppError E_TIME (exit 64) for anything else
 */
export function parseTime(text: string, flag: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new AppError(`--${flag}: '${text}' is not a time.`, {
      code: 'E_TIME',
      exit: ExitCode.usage,
      hint: 'Write it as 2026-11-24 or 2026-11-24T12:00:00Z.',
    });
  }
  return ms;
}
