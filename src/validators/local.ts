import type { ServedKeys } from '../keys/served.ts';
import { spendOtp } from '../keys/spend.ts';
import type { Outcome, Validator } from './types.ts';

/** The store of this machine as a validator. Without a store every key is unknown. */
export function localValidator(store: ServedKeys | undefined, nowMs: () => number): Validator {
  const steps: Outcome['steps'] = [];
  return {
    name: 'local',
    local: true,
    spend: async ({ otp }) => {
      if (!store) return { kind: 'refused', why: 'unknown-key', steps };
      const verdict = await spendOtp(store, otp, nowMs());
      if (verdict.kind === 'accepted') return { kind: 'accepted', counters: verdict.fields, steps };
      return { kind: 'refused', why: verdict.kind === 'no-otp' ? 'bad' : verdict.kind, steps };
    },
  };
}
