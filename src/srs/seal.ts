import { createHmac, timingSafeEqual } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const DAY_MS = 86_400_000;
/** Days until the same stamp comes again. */
const CYCLE = 1024;

/** @returns the two characters of a day, of which there are 1024 */
export function dayStamp(nowMs: number): string {
  const day = Math.floor(nowMs / DAY_MS) % CYCLE;
  return `${BASE32[day >> 5]}${BASE32[day & 31]}`;
}

/**
 * How old a stamp is.
 *
 * @param stamp  two characters of base 32, in any case
 * @returns days from 0 to 1023; a stamp of tomorrow is 1023 days old, as the days come round
 */
export function ageDays(stamp: string, nowMs: number): number {
  const [high, low] = [...stamp.toUpperCase()].map((char) => BASE32.indexOf(char));
  const day = (high ?? 0) * 32 + (low ?? 0);
  return (Math.floor(nowMs / DAY_MS) - day + CYCLE * 1e6) % CYCLE;
}

/** @returns the start of the base64 of HMAC-SHA1 over the parts in lower case, as all implementations have it */
export function sealOf(secret: string, parts: readonly string[], length: number): string {
  const hmac = createHmac('sha1', secret);
  // Letters of ASCII only, as the domain is in A-labels and the mailbox cannot be anything else.
  for (const part of parts) hmac.update(part.toLowerCase(), 'latin1');
  return hmac.digest('base64').slice(0, length);
}

/** How a hash fits: exactly, or only when case is passed over, as after a mail system that changed it. */
export type Fit = { readonly secret: number; readonly exact: boolean };

/**
 * Find the secret that a hash was made with. All are tried, exact ones first, in the same time whatever the hash.
 *
 * @returns the number of the secret, 0 for the first; null when none fits
 */
export function findSecret(secrets: readonly string[], hash: string, parts: readonly string[]): Fit | null {
  const made = secrets.map((secret) => sealOf(secret, parts, hash.length));
  const exact = lastMatch(made, hash);
  const loose = lastMatch(
    made.map((each) => each.toLowerCase()),
    hash.toLowerCase(),
  );
  if (exact !== -1) return { secret: exact, exact: true };
  return loose === -1 ? null : { secret: loose, exact: false };
}

function lastMatch(made: readonly string[], hash: string): number {
  return made.reduce((found, each, index) => (sameText(each, hash) ? index : found), -1);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
