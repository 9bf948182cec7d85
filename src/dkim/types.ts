import type { DkimResult, Reason } from '../trust/facts.ts';

export type Canonicalization = 'simple' | 'relaxed';

/** Why a signature does not verify; null when it does. */
export type FailureCause =
  | 'body-hash' // the body is not what was signed
  | 'signature' // a signed header field is not what was signed
  | 'no-key'
  | 'key' // there is a record, and it is no key for this signature
  | 'weak-key'
  | 'sha1'
  | 'syntax'
  | 'algorithm'
  | 'identity'
  | 'expired'
  | 'dns' // no answer for now
  | 'body-unknown' // only a header block was given
  | 'bound'; // not evaluated: there are too many

/** The key record of a signature (RFC 6376 §3.6.1). */
export type KeyRecord = {
  /** The name it stands at. */
  readonly name: string;
  /** As published, its character strings joined; null when there is none or no answer. */
  readonly text: string | null;
  readonly state: 'found' | 'missing' | 'revoked' | 'invalid' | 'unavailable';
  readonly type: 'rsa' | 'ed25519' | null;
  /** Size of an RSA key, or 256 for Ed25519; null when it cannot be told. */
  readonly bits: number | null;
  /** `t=y`: the domain is testing DKIM, and failures are to be treated as unsigned. */
  readonly testing: boolean;
  /** `t=s`: the domain of `i=` must be that of `d=`. */
  readonly strictIdentity: boolean;
  /** What is wrong with it; empty when nothing is. */
  readonly faults: readonly string[];
};

/** What a signature says of itself; null where it does not, or where the value is none. */
export type SignatureTags = {
  /** `d=`, A-labels, lower case. */
  readonly domain: string | null;
  /** `s=` */
  readonly selector: string | null;
  /** `a=`, lower case. */
  readonly algorithm: string | null;
  readonly canonicalization: { readonly header: Canonicalization; readonly body: Canonicalization } | null;
  /** `h=`, lower case, in order; a name may stand more than once. */
  readonly headers: readonly string[];
  /** `l=` in octets. */
  readonly bodyLength: number | null;
  /** `i=`, else `@` and the domain. */
  readonly identity: string | null;
  /** `t=`, milliseconds since the epoch. */
  readonly signedAtMs: number | null;
  /** `x=`, milliseconds since the epoch. */
  readonly expiresAtMs: number | null;
  /** `bh=`, base64 without white space. */
  readonly bodyHash: string | null;
  /** `b=`, base64 without white space. */
  readonly signature: string | null;
  /** Control bytes, quotes, brackets, blanks or `@` in `d=` or `s=`: such a name never counts. */
  readonly badName: boolean;
  /** Faults of the grammar, in words. */
  readonly faults: readonly string[];
};

/** A change on the way that explains why a signature fails: undoing it makes it verify. */
export type Diagnosis = {
  /** Stable identifier, such as `footer` or `subject-tag`. */
  readonly change: string;
  /** What somebody did to the message, as a sentence. */
  readonly text: string;
};

/** One signature, verified and judged. */
export type SignatureVerdict = SignatureTags & {
  /** Place among the DKIM-Signature fields, from 0 at the top. */
  readonly index: number;
  readonly result: DkimResult;
  readonly cause: FailureCause | null;
  /** Why, as a sentence; null for a pass. */
  readonly reason: string | null;
  readonly key: KeyRecord | null;
  /** Octets of the canonical body, and how many of them the signature covers; null when unknown. */
  readonly bodyOctets: number | null;
  readonly signedOctets: number | null;
  /** The hash of the header verifies while the body could not be looked at. */
  readonly headerVerifies: boolean;
  readonly diagnosis: Diagnosis | null;
};

/** What the points of the qualification (trust) say about a signature. */
export type Qualification = {
  readonly qualifies: boolean;
  readonly disqualifiedBy: readonly Reason[];
  readonly warnings: readonly Reason[];
};
