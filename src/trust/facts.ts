import type { Mailbox } from '../message/mailboxes.ts';
import type { Organization, Reason, Verdict, Voucher } from '../schema/trust.ts';

/**
 * What the verdict on a sender is made of, and what it looks like. Whoever examines a message fills
 * {@link Facts}; `decide` (decide.ts) turns them into a {@link Decision} and asks nobody.
 *
 * A reason's severity says how much it weighs: `warn` and `crit` are to be read by people, `info` explains.
 *
 * Rules for whoever fills them: domains are A-labels in lower case without the final dot; a check that
 * could not be made says so (`not-evaluated`, `temperror`) and is never given as `fail`.
 */

export type { Organization, Reason, Verdict, Voucher };

/** Results in the words of RFC 8601 §2.7.1. */
export type DkimResult = 'none' | 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror';

/** One DKIM signature, judged by every point that decides whether it may make a message trusted. */
export type SignatureFacts = {
  /** `d=`, lower-case A-labels. */
  readonly domain: string;
  /** `s=` */
  readonly selector: string;
  readonly result: DkimResult;
  /** `d=` is aligned with the author's domain (RFC 9989 §4.10), strictly where the record demands it. */
  readonly aligned: boolean;
  /**
   * It does not verify because body or signed header are not what was signed; false when the key is missing,
   * the signature expired or malformed, or the body is not known.
   */
  readonly altered: boolean;
  /** The header's hash verifies and the body could not be looked at (a pasted header block). */
  readonly bodyUnknown: boolean;
  /** `t=`, milliseconds since the epoch; null when not given. */
  readonly signedAtMs: number | null;
  /** Every point that keeps it from making a message trusted (`dkim.*`), its failure to verify included. */
  readonly disqualifiedBy: readonly Reason[];
  /** Worth knowing, without keeping it from anything (a key of 1024 bits). */
  readonly warnings: readonly Reason[];
};

/** What DMARC says (RFC 9989). */
export type DmarcFacts = {
  /** `not-evaluated`: no single author domain, or neither SPF nor DKIM could be asked. */
  readonly result: 'pass' | 'fail' | 'none' | 'temperror' | 'permerror' | 'not-evaluated';
  /** The policy that applies to this author domain (`sp`, `np` and `t=y` applied); null without a record. */
  readonly policy: 'none' | 'quarantine' | 'reject' | null;
  /** SPF passed for an aligned domain. */
  readonly alignedSpf: boolean;
  /** A DKIM signature passed for an aligned domain, whether or not it qualifies. */
  readonly alignedDkim: boolean;
};

/** What SPF says (RFC 7208). */
export type SpfFacts = {
  readonly result:
    | 'none'
    | 'neutral'
    | 'pass'
    | 'fail'
    | 'softfail'
    | 'temperror'
    | 'permerror'
    | 'not-evaluated';
  /** The domain that was judged; null when none was. */
  readonly domain: string | null;
};

/** What the newest ARC set claims (RFC 8617); it counts only when its sealer is on the reader's own list. */
export type ArcFacts = {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror';
  /** `d=` of the newest seal; null without one. */
  readonly sealer: string | null;
  /** Author domain for which the newest set reports `dmarc=pass`; null when it reports none. */
  readonly dmarcPassFor: string | null;
};

/** A DNS lookup that failed for now, so that a check has no answer. */
export type TemporaryError = {
  readonly check: 'spf' | 'dkim' | 'dmarc' | 'arc';
  /** The name asked for. */
  readonly dns: string;
  /** Why: an rcode, or what happened on the way, such as `TIMEOUT` or `OFFLINE`; null when that is not known. */
  readonly rcode: string | null;
  /**
   * The check could have authenticated the author's domain, had there been an answer: an aligned signature's
   * key, SPF of an aligned domain, the DMARC record. A dead name that is not aligned decides nothing.
   */
  readonly decisive: boolean;
};

/** Who claims to have written the message, and what is wrong with the way it is claimed. */
export type AuthorFacts = {
  /** The one author domain; null when there is none or there are several. */
  readonly domain: string | null;
  /** Every mailbox of the From field. */
  readonly mailboxes: readonly Mailbox[];
  readonly replyTo: readonly Mailbox[];
  /** Index of the From field; null when there is none. */
  readonly field: number | null;
  /** Faults in the structure (`structure.*`): each alone makes the message suspicious. */
  readonly faults: readonly Reason[];
};

/** To whom the message was delivered, which may show that a signed message was sent again to others. */
export type DeliveryFacts = {
  /** From the command line, a Delivered-To above the border or the border's for clause; null if unknown. */
  readonly recipient: string | null;
  /** Addresses of To and Cc. */
  readonly addressed: readonly string[];
};

/** Everything that the verdict is made of, apart from lists, clock and policy. */
export type Facts = {
  readonly author: AuthorFacts;
  readonly signatures: readonly SignatureFacts[];
  readonly spf: SpfFacts;
  readonly dmarc: DmarcFacts;
  readonly arc: ArcFacts;
  readonly temporaryErrors: readonly TemporaryError[];
  /** Only a header was given: nothing that needs the body is known, and nothing can be trusted. */
  readonly headerOnly: boolean;
  readonly delivery: DeliveryFacts;
  /** Findings of others that are told and decide nothing (a block list, an exceeded bound). */
  readonly remarks: readonly Reason[];
};

/** The verdict with everything that led to it. */
export type Decision = {
  readonly verdict: Verdict;
  /** The row of the decision table that matched, from 1. */
  readonly row: number;
  /** Every reason, the decisive ones first. */
  readonly reasons: readonly Reason[];
  readonly authorDomain: string | null;
  /** Only when trusted. */
  readonly organization: Organization | null;
  readonly vouchers: readonly Voucher[];
  /** What would make this trusted, as one sentence; null when it is. */
  readonly wouldTrust: string | null;
  /** What keeps us from knowing: an answer of the DNS, or the body. Null when the verdict is final. */
  readonly undecidedBy: 'dns' | 'body' | null;
};

/** Whether a signature may make a message trusted: it verifies, is aligned and no point speaks against it. */
export function qualifies(signature: SignatureFacts): boolean {
  return signature.result === 'pass' && signature.aligned && signature.disqualifiedBy.length === 0;
}
