import { notAnOtp } from '../keys/decode.ts';
import { splitOtp } from '../otp/token.ts';
import type { Check } from '../report.ts';
import type { OtpVerifyResult } from '../schema/otp.ts';
import type { Outcome, Refusal, Validator } from './types.ts';

type Told = Pick<Check, 'message' | 'fix'>;

const AGAIN = 'Touch the key again. If nobody has used it, somebody may have copied it on its way.';

const REFUSED: Readonly<Record<Refusal, Told>> = {
  replayed: { message: 'The OTP was used before, or a later one was.', fix: AGAIN },
  delayed: { message: 'The OTP was held back between the touch and now.', fix: AGAIN },
  bad: {
    message: 'The validation service does not take the OTP.',
    fix: 'Look whether it was typed whole, and whether its key is known there and in use.',
  },
  disabled: { message: 'The key is disabled.', fix: 'Look at it with "postern yubikey inventory".' },
  wrong: { message: 'The OTP does not decrypt.', fix: 'Look whether it was typed whole.' },
  'unknown-key': { message: 'The public id is not known.', fix: 'Look where the key was programmed.' },
};

function checkOf(outcome: Outcome, publicId: string): Check {
  switch (outcome.kind) {
    case 'accepted':
      return {
        id: 'otp.accepted',
        status: 'ok',
        message: `The OTP of ${publicId} is accepted, and used up.`,
      };
    case 'refused':
      return { id: 'otp.accepted', status: 'crit', ...REFUSED[outcome.why] };
    case 'unavailable':
      return {
        id: 'otp.validator',
        status: 'unknown',
        message: `The validation service could not tell: ${outcome.why}.`,
        fix: 'Look whether it can be reached from here; touch the key anew then, as this OTP may be used up.',
      };
  }
}

/**
 * Have an OTP spent by a validation service.
 *
 * @throws AppError E_NOT_AN_OTP (exit 65) for what cannot be one
 */
export async function verifyWith(
  validator: Validator,
  typed: string,
  signal: AbortSignal,
): Promise<OtpVerifyResult> {
  const split = splitOtp(typed);
  if (!split) throw notAnOtp();
  const { publicId } = split;
  const outcome = await validator.spend(split, signal);
  const check = checkOf(outcome, publicId);
  return {
    target: publicId,
    status: check.status,
    summary: check.message,
    checks: [check],
    publicId,
    validator: validator.name,
    verdict: outcome.kind === 'refused' ? outcome.why : outcome.kind,
    counters:
      outcome.kind === 'accepted' && outcome.counters
        ? { useCounter: outcome.counters.useCounter, sessionUse: outcome.counters.sessionUse }
        : null,
    fields: null,
    steps: [`The public id is ${publicId || 'empty'}.`, ...outcome.steps],
  };
}
