import type { Check } from '../report.ts';
import type { OtpVerifyResult } from '../schema/otp.ts';
import { notAnOtp } from './decode.ts';
import type { ServedKeys } from './served.ts';
import { type OtpVerdict, spendOtp } from './spend.ts';
import type { KeyRecord } from './store.ts';

/** A sentence for each way in which an OTP is refused, and what to do. */
const REFUSALS: Readonly<
  Record<
    Exclude<OtpVerdict['kind'], 'accepted' | 'no-otp'>,
    { readonly message: string; readonly fix: string }
  >
> = {
  replayed: {
    message: 'The OTP was used before, or a later one was.',
    fix: 'Touch the key again. If nobody has used it, somebody may have copied it on its way.',
  },
  disabled: {
    message: 'The key is disabled: it is lost, was replaced, or was never seen to work.',
    fix: 'Look at it with "postern yubikey inventory".',
  },
  wrong: {
    message: 'The OTP does not decrypt with the key of its public id.',
    fix: 'Look whether it was typed whole, and whether the key was reprogrammed by another program.',
  },
  'unknown-key': {
    message: 'The public id is not known here.',
    fix: 'Program the key with "postern yubikey program", or ask the machine where that was done.',
  },
};

const pair = ({ useCounter, sessionUse }: { readonly useCounter: number; readonly sessionUse: number }) =>
  `${useCounter}.${sessionUse}`;

/** Each step that was taken, as sentences; the secrets stay out. */
function stepsOf(verdict: Exclude<OtpVerdict, { kind: 'no-otp' }>, before: KeyRecord | undefined): string[] {
  const steps = [
    `The public id is ${verdict.publicId || 'empty'}: ${before ? `key ${before.serial ?? 'unknown'}, ${before.state}` : 'not known'}.`,
  ];
  if (verdict.kind === 'unknown-key') return steps;
  if (verdict.kind === 'wrong') return [...steps, 'It does not decrypt: checksum or private id do not fit.'];
  steps.push('It decrypts: checksum and private id fit.');
  const seen = before && before.counters.useCounter >= 0 ? pair(before.counters) : 'none';
  steps.push(`Its counters are ${pair(verdict.fields)}; the last ones seen were ${seen}.`);
  if (verdict.kind === 'replayed') return steps;
  return [...steps, 'They are later, and were written to the disk before this answer.'];
}

/**
 * Check an OTP against the store and spend it.
 *
 * @throws AppError E_NOT_AN_OTP (exit 65) for what cannot be one
 */
export async function verifyOtp(
  store: ServedKeys | undefined,
  typed: string,
  nowMs: number,
): Promise<OtpVerifyResult> {
  const asked = typed.trim().slice(0, -32);
  const before = await store?.key(asked.toLowerCase());
  const verdict: OtpVerdict = store
    ? await spendOtp(store, typed, nowMs)
    : { kind: 'unknown-key', publicId: asked };
  if (verdict.kind === 'no-otp') throw notAnOtp();
  const { publicId } = verdict;
  const refused = verdict.kind === 'accepted' ? undefined : REFUSALS[verdict.kind];
  const check: Check = refused
    ? { id: 'otp.accepted', status: 'crit', ...refused }
    : { id: 'otp.accepted', status: 'ok', message: `The OTP of ${publicId} is accepted, and used up.` };
  return {
    target: publicId,
    status: check.status,
    summary: check.message,
    checks: [check],
    publicId,
    validator: 'local',
    verdict: verdict.kind,
    counters:
      verdict.kind === 'accepted'
        ? { useCounter: verdict.fields.useCounter, sessionUse: verdict.fields.sessionUse }
        : null,
    fields: 'fields' in verdict ? verdict.fields : null,
    steps: stepsOf(verdict, before),
  };
}
