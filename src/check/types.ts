import type { ArcSet } from '../arc/sets.ts';
import type { Canonicalization, Diagnosis, FailureCause, KeyRecord } from '../dkim/types.ts';
import type { DmarcVerdict } from '../dmarc/evaluate.ts';
import type { ListOutcome } from '../dnsbl/types.ts';
import type { MessagePath } from '../received/types.ts';
import type { Report } from '../report.ts';
import type { SpfTree } from '../spf/types.ts';
import type { Decision, DkimResult } from '../trust/facts.ts';
import type { Origin } from './envelope.ts';

/** SPF as it was asked, and by what. */
export type SpfSection = {
  readonly result:
    | 'pass'
    | 'fail'
    | 'softfail'
    | 'neutral'
    | 'none'
    | 'temperror'
    | 'permerror'
    | 'not-evaluated';
  /** Why there is no more to say than the result; null otherwise. */
  readonly reason: string | null;
  /** The domain that was judged; null when none was. */
  readonly domain: string | null;
  /** Whether MAIL FROM or the HELO name was judged; null when neither. */
  readonly identity: 'mailfrom' | 'helo' | null;
  readonly ip: string | null;
  readonly helo: string | null;
  /** `''` is the empty path; null is not known. */
  readonly mailFrom: string | null;
  /** Who told each of them. */
  readonly origin: { readonly ip: Origin; readonly helo: Origin; readonly mailFrom: Origin };
  readonly lookups: number;
  /** What the domain's owner says of a fail; untrusted text. */
  readonly explanation: string | null;
  readonly tree: SpfTree | null;
  /** Result for the HELO name beside that for MAIL FROM (RFC 7208 §2.3); null when not asked. */
  readonly heloResult: string | null;
  /** Why a failure may be the work of a forwarder; null when nothing says so. */
  readonly forwarding: string | null;
  /** The sender that an SRS return path names, unverified; null for other paths. */
  readonly sender: string | null;
};

/** One DKIM signature for the report. */
export type SignatureSection = {
  readonly domain: string | null;
  readonly selector: string | null;
  readonly algorithm: string | null;
  readonly result: DkimResult;
  readonly reason: string | null;
  readonly cause: FailureCause | null;
  readonly aligned: boolean;
  /** Every point of the qualification holds: it may make the message trusted. */
  readonly qualifies: boolean;
  /** Codes of the points that do not hold. */
  readonly disqualifiedBy: readonly string[];
  readonly warnings: readonly string[];
  readonly canonicalization: { readonly header: Canonicalization; readonly body: Canonicalization } | null;
  readonly headers: readonly string[];
  readonly bodyLength: number | null;
  readonly identity: string | null;
  /** ISO 8601. */
  readonly signedAt: string | null;
  readonly expiresAt: string | null;
  readonly keyBits: number | null;
  readonly key: KeyRecord | null;
  /** The change on the way that would explain a failure. */
  readonly diagnosis: Diagnosis | null;
};

/** The same where only signatures were asked for: nothing is known of the author's domain. */
export type LoneSignatureSection = Omit<SignatureSection, 'aligned' | 'qualifies'>;

export type ArcSection = {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'not-evaluated';
  readonly reason: string | null;
  readonly sets: readonly ArcSet[];
};

/** A result that an own server wrote into the message, beside ours. */
export type RecordedSection = {
  readonly authservId: string;
  readonly method: string;
  /** What it is about: the domain of a signature, of SPF or of the author; null where it does not say. */
  readonly domain: string | null;
  readonly recorded: string;
  /** Ours; null where we have none to compare. */
  readonly ours: string | null;
  readonly differs: boolean;
};

/** What the Mark Certificate of a record says of a logo, once it holds. Words of its subject are untrusted text. */
export type MarkSection = {
  readonly kind: 'vmc' | 'cmc';
  readonly markType: string | null;
  readonly organization: string | null;
  readonly country: string | null;
  readonly authority: string;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validUntil: string;
  /** Of the certificate, as of the logo below hexadecimal. */
  readonly sha256: string;
  readonly names: readonly string[];
  readonly timestamps: number;
  readonly revocation: 'good' | 'unknown';
  /** Made harmless: an SVG written anew as a data URI. */
  readonly logo: { readonly sha256: string; readonly dataUri: string };
};

/** A BIMI record, as published, and the logo that a certificate proves. */
export type BimiSection = {
  /** `fail`: there is a certificate, and it or its logo is refused. */
  readonly result: 'pass' | 'fail' | 'none' | 'skipped' | 'temperror' | 'permerror';
  readonly reason: string | null;
  readonly domain: string | null;
  readonly selector: string | null;
  readonly location: string | null;
  readonly authority: string | null;
  /** null: none was looked at, there is none, or it is refused. */
  readonly mark: MarkSection | null;
};

/** What one list says of one name or address. */
export type DnsblSection = {
  readonly list: string;
  readonly target: string;
  /** Whether it is bad or good to be on it. */
  readonly purpose: 'block' | 'allow';
  /** `error`, `timeout` and `broken` are neither a listing nor a clean bill. */
  readonly status: ListOutcome;
  /** What its answer means, or why there is none. */
  readonly meaning: string | null;
  /** The list's own words; untrusted text. */
  readonly text: string | null;
};

/** Everything about one message. */
export type MessageCheck = Report &
  Pick<Decision, 'verdict' | 'reasons' | 'authorDomain' | 'organization' | 'vouchers' | 'wouldTrust'> & {
    readonly undecidedBy: Decision['undecidedBy'];
    /** The time that judged expiry, ISO 8601. */
    readonly asOf: string;
    readonly spf: SpfSection;
    readonly dkim: { readonly signatures: readonly SignatureSection[] };
    readonly dmarc: Omit<DmarcVerdict, 'signaturesAligned' | 'spfAligned'>;
    readonly arc: ArcSection;
    readonly bimi: BimiSection | null;
    readonly dnsbl: readonly DnsblSection[];
    readonly recorded: readonly RecordedSection[];
    readonly path: Omit<MessagePath, 'target'>;
  };

/** A part of a check that can be asked for alone. */
export type Stage = 'spf' | 'dkim' | 'arc';

/** What was asked for of one message, without a verdict: null what was not. */
export type PartialCheck = Report & {
  readonly only: readonly Stage[];
  /** The time that judged expiry, ISO 8601; null where nothing had to be judged by one. */
  readonly asOf: string | null;
  readonly spf: SpfSection | null;
  readonly dkim: { readonly signatures: readonly LoneSignatureSection[] } | null;
  readonly arc: ArcSection | null;
};
