import { createHash, randomBytes } from 'node:crypto';
import { contains, parseNetwork } from '../net/network.ts';
import type { SessionPassword } from './types.ts';

/** Letters and digits that are not mistaken for each other. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 5;
const GROUP_CHARS = 5;

/** How long a session password counts from its first use unless it is told otherwise: an hour. */
export const SESSION_MS = 3_600_000;

/** How long it waits for its first use: a day. */
export const UNUSED_MS = 86_400_000;

/** A new one, of 123 bits; the hyphens keep it from ever looking like an OTP. */
export function newSessionPassword(): string {
  const chars: string[] = [];
  while (chars.length < GROUPS * GROUP_CHARS) {
    const [byte = 0] = randomBytes(1);
    if (byte < 248) chars.push(ALPHABET[byte % ALPHABET.length] ?? '');
  }
  return Array.from({ length: GROUPS }, (_, group) =>
    chars.slice(group * GROUP_CHARS, (group + 1) * GROUP_CHARS).join(''),
  ).join('-');
}

/** What is kept of one: nothing slow is needed for 123 bits of chance. */
export function digestOf(password: string): Uint8Array {
  return createHash('sha256').update(password.trim()).digest();
}

/** When one stops to count, in milliseconds since the epoch. */
export function endOf({ firstMs, createdMs, lengthMs }: SessionPassword): number {
  return firstMs === null ? createdMs + UNUSED_MS : firstMs + lengthMs;
}

/** Where and when a session password is used. */
type Use = { readonly service: string; readonly address: string; readonly nowMs: number };

/** Whether one counts, and why not. */
export function judgeSession(
  session: SessionPassword,
  { service, address, nowMs }: Use,
): 'good' | 'expired' | 'service' | 'network' {
  if (nowMs >= endOf(session)) return 'expired';
  if (session.service !== service) return 'service';
  const network = session.network === null ? null : parseNetwork(session.network);
  if (session.network === null) return 'good';
  return network && contains(network, address) ? 'good' : 'network';
}
