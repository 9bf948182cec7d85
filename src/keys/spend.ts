import { timingSafeEqual } from 'node:crypto';
import type { Layout } from '../otp/modhex.ts';
import { decryptOtp, type OtpFields, splitOtp } from '../otp/token.ts';
import type { ServedKeys } from './served.ts';
import type { OtpSecret } from './store.ts';

/** What is told of a decrypted OTP: everything but the private id. */
export type ShownFields = Omit<OtpFields, 'privateId'>;

/** Verdict on an OTP. What was said to the outside should not depend on more than `accepted`. */
export type OtpVerdict =
  | {
      readonly kind: 'accepted';
      readonly publicId: string;
      readonly fields: ShownFields;
      readonly layout: Layout;
    }
  | { readonly kind: 'replayed'; readonly publicId: string; readonly fields: ShownFields }
  /** The key is lost, or was never seen to work. */
  | { readonly kind: 'disabled'; readonly publicId: string; readonly fields: ShownFields }
  | { readonly kind: 'wrong'; readonly publicId: string }
  | { readonly kind: 'unknown-key'; readonly publicId: string }
  | { readonly kind: 'no-otp' };

/** Secrets that no key has: what is unknown takes the same way, and the same time, as what is known. */
const DUMMY: OtpSecret = { privateId: new Uint8Array(6), aesKey: new Uint8Array(16) };

/** Fields as they may be shown. */
export function shownFields({ privateId: _, ...fields }: OtpFields): ShownFields {
  return fields;
}

/** Whether decrypted fields are those of a key: the checksum alone proves nothing, 48 bits of private id do. */
export function isOurs(fields: OtpFields, { privateId }: OtpSecret): boolean {
  const same = timingSafeEqual(Buffer.from(fields.privateId, 'hex'), privateId);
  return same && fields.crcOk;
}

/**
 * Check an OTP against the store and spend it. The verdict is on the disk before it is returned.
 *
 * @param typed  as a keyboard of any layout typed it
 */
export async function spendOtp(store: ServedKeys, typed: string, nowMs: number): Promise<OtpVerdict> {
  const split = splitOtp(typed);
  if (!split) return { kind: 'no-otp' };
  const { publicId, ciphertext, layout } = split;
  const known = await store.secretOf(publicId);
  const decrypted = decryptOtp(ciphertext, (known ?? DUMMY).aesKey);
  const ours = isOurs(decrypted, known ?? DUMMY);
  if (!known) return { kind: 'unknown-key', publicId };
  if (!ours) return { kind: 'wrong', publicId };
  const fields = shownFields(decrypted);
  const spent = await store.spend(publicId, decrypted, nowMs);
  if (spent.kind === 'used') return { kind: 'replayed', publicId, fields };
  if (spent.state !== 'active') return { kind: 'disabled', publicId, fields };
  return { kind: 'accepted', publicId, fields, layout };
}
