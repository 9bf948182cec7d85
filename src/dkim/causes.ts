import type { DkimResult } from '../trust/facts.ts';
import type { RawVerdict } from './mailauth.ts';
import type { FailureCause, KeyRecord, SignatureTags } from './types.ts';

/** mailauth's words for why a signature does not verify, and what they come to. */
const CAUSES: ReadonlyMap<string, FailureCause> = new Map([
  ['body hash did not verify', 'body-hash'],
  ['bad signature', 'signature'],
  ['no key', 'no-key'],
  ['unknown key version', 'key'],
  ['unknown key type', 'key'],
  ['invalid public key', 'key'],
  ['inappropriate hash algorithm', 'key'],
  ['inappropriate key algorithm', 'key'],
  ['key not for email', 'key'],
  ['weak algorithm', 'sha1'],
  ['unknown algorithm', 'algorithm'],
  ['unknown canonicalization', 'syntax'],
  ['signature missing required tag', 'syntax'],
  ['signature syntax error', 'syntax'],
  ['incompatible version', 'syntax'],
  ['unsupported query method', 'syntax'],
  ['From field not signed', 'syntax'],
  ['invalid expiration', 'syntax'],
  ['domain mismatch', 'identity'],
  ['expired', 'expired'],
  ['not evaluated', 'bound'],
]);

/** Why a signature does not verify; null for a pass. */
export function causeOf(raw: RawVerdict): FailureCause | null {
  if (raw.result === 'pass') return null;
  if (raw.policy === 'weak-key') return 'weak-key';
  if (raw.result === 'temperror') return 'dns';
  // Anything else is what the cryptography said of the key.
  return CAUSES.get(raw.comment ?? '') ?? 'key';
}

/** The result word of a signature that was not given to mailauth, or that it did not look at. */
export const NOT_LOOKED_AT: DkimResult = 'neutral';

/** The cause as a sentence for an administrator. */
export function explainCause(cause: FailureCause, tags: SignatureTags, key: KeyRecord | null): string {
  const keyAt = key === null ? 'its key record' : `the key record ${key.name}`;
  switch (cause) {
    case 'body-hash':
      return 'The body is not the one that was signed.';
    case 'signature':
      return 'A signed header field is not what was signed.';
    case 'no-key':
      return `There is no key at ${key?.name ?? 'the name it gives'}.`;
    case 'key':
      if (key?.state === 'revoked') return `The key at ${key.name} was revoked: its p= is empty.`;
      return `It cannot be verified with ${keyAt}${key?.faults[0] ? `: ${key.faults[0]}` : ''}.`;
    case 'weak-key':
      return `The key has ${key?.bits ?? 'fewer than 1024'} bits; fewer than 1024 do not count (RFC 8301).`;
    case 'sha1':
      return 'It uses SHA-1, which does not count any more (RFC 8301).';
    case 'syntax':
      return `It is not well-formed${tags.faults[0] ? `: ${tags.faults[0]}` : ''}.`;
    case 'algorithm':
      return 'Its algorithm is not known.';
    case 'identity':
      return 'Its i= is not inside of d=.';
    case 'expired':
      return 'It had expired.';
    case 'dns':
      return `${key?.name ?? 'The key record'} could not be looked up.`;
    case 'body-unknown':
      return 'The body is not at hand, so it could not be compared with what was signed.';
    case 'bound':
      return 'It was not looked at: there are more signatures than are evaluated.';
  }
}
