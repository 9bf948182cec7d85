import { AppError, ExitCode } from '../errors.ts';
import { decryptOtp, splitOtp } from '../otp/token.ts';
import { type Check, worst } from '../report.ts';
import type { OtpDecodeResult } from '../schema/otp.ts';
import type { ServedKeys } from './served.ts';
import { isOurs, shownFields } from './spend.ts';

/** Where the secrets for an OTP come from. */
export type DecodeSource = {
  /** AES key that was given, 16 bytes. */
  readonly aesKey?: Uint8Array | undefined;
  readonly store?: Pick<ServedKeys, 'secretOf'> | undefined;
};

type Judged = Pick<OtpDecodeResult, 'fields' | 'privateId'> & { readonly checks: readonly Check[] };

async function judge(
  publicId: string,
  ciphertext: Uint8Array,
  { aesKey, store }: DecodeSource,
): Promise<Judged> {
  const known = await store?.secretOf(publicId);
  const key = aesKey ?? known?.aesKey;
  if (!key) {
    const check: Check = {
      id: 'otp.key-known',
      status: 'unknown',
      message: `The key of ${publicId || 'an OTP without public id'} is not known here.`,
      fix: 'Give its AES key with --key-file, or run this where the key was programmed.',
    };
    return { fields: null, privateId: 'unknown', checks: [check] };
  }
  const decrypted = decryptOtp(ciphertext, key);
  const ours = known ? isOurs(decrypted, known) : decrypted.crcOk;
  const check: Check = ours
    ? { id: 'otp.decrypts', status: 'ok', message: 'The OTP decrypts with the key.' }
    : {
        id: 'otp.decrypts',
        status: 'crit',
        message: decrypted.crcOk
          ? 'The OTP decrypts, but its private id is not that of the key.'
          : 'The OTP does not decrypt with the key: its checksum does not fit.',
        fix: 'Look whether it was typed whole, and whether the key was reprogrammed.',
      };
  const privateId = known ? (ours ? 'match' : 'mismatch') : 'unknown';
  return { fields: shownFields(decrypted), privateId, checks: [check] };
}

/** What is told of a text that cannot be an OTP. */
export function notAnOtp(): AppError {
  return new AppError('That is no OTP.', {
    code: 'E_NOT_AN_OTP',
    exit: ExitCode.input,
    hint: 'It has 32 to 64 characters of cbdefghijklnrtuv; most have 44.',
  });
}

/** @throws AppError E_NOT_AN_OTP (exit 65) for what cannot be one */
export async function decodeOtp(typed: string, source: DecodeSource): Promise<OtpDecodeResult> {
  const split = splitOtp(typed);
  if (!split) throw notAnOtp();
  const { publicId, otp, layout, ciphertext } = split;
  const { fields, privateId, checks } = await judge(publicId, ciphertext, source);
  const [check] = checks;
  return {
    target: publicId,
    status: worst(checks.map(({ status }) => status)),
    summary:
      fields && check?.status === 'ok'
        ? `OTP ${fields.useCounter}.${fields.sessionUse} of ${publicId || 'a key without public id'}.`
        : (check?.message ?? ''),
    checks,
    otp,
    publicId,
    layout,
    fields,
    privateId,
  };
}
