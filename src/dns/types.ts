/** Record types that the toolkit asks for. */
export type RecordType =
  | 'A'
  | 'AAAA'
  | 'CNAME'
  | 'MX'
  | 'NS'
  | 'PTR'
  | 'SOA'
  | 'SRV'
  | 'TLSA'
  | 'TXT'
  | 'CAA'
  | 'DS'
  | 'DNSKEY';

export type MxRecord = { readonly preference: number; readonly exchange: string };

/** RFC 2782; the target `.` says that the service is not there. */
export type SrvRecord = {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
};

/** RFC 6698 §2.1; `data` is lower-case hexadecimal. */
export type TlsaRecord = {
  readonly certUsage: number;
  readonly selector: number;
  readonly match: number;
  readonly data: string;
};

/** What one record of each type looks like. Names are lower case without the final dot; the root is `.`. */
export type RecordData = {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly MX: MxRecord;
  readonly NS: string;
  readonly PTR: string;
  readonly SOA: {
    readonly mname: string;
    readonly rname: string;
    readonly serial: number;
    readonly refresh: number;
    readonly retry: number;
    readonly expire: number;
    readonly minimum: number;
  };
  readonly SRV: SrvRecord;
  readonly TLSA: TlsaRecord;
  /** The character strings of one record, not joined; bytes as latin1 text. */
  readonly TXT: readonly string[];
  readonly CAA: { readonly flags: number; readonly tag: string; readonly value: string };
  readonly DS: {
    readonly keyTag: number;
    readonly algorithm: number;
    readonly digestType: number;
    readonly digest: string;
  };
  readonly DNSKEY: { readonly flags: number; readonly algorithm: number; readonly key: string };
};

/**
 * What is known of the DNSSEC state of an answer.
 *
 * - `secure`: the resolver set AD and the way to it can be believed
 * - `insecure`: the way can be believed and AD was not set
 * - `bogus`: validation failed (EDE 6 to 10, or an answer only with checking disabled)
 * - `indeterminate`: there is no answer to judge (time-out, refusal)
 * - `untrusted`: it cannot be told from here, as the way to the resolver is not to be believed
 */
export type Dnssec = 'secure' | 'insecure' | 'bogus' | 'indeterminate' | 'untrusted';

/** RFC 8914 extended DNS error. */
export type ExtendedError = { readonly code: number; readonly name: string; readonly text: string };

/** Why a lookup failed: an rcode in the registry's spelling, or what happened on the way. */
export type FailureCode =
  | 'SERVFAIL'
  | 'REFUSED'
  | 'FORMERR'
  | 'NOTIMP'
  | 'TIMEOUT'
  | 'BOGUS'
  | 'NETWORK'
  | 'MALFORMED'
  | 'LOOP'
  | 'REFERRAL'
  | 'BUDGET'
  | 'OFFLINE'
  | (string & {});

type AnswerMeta = {
  /** The name asked for, lower case, without the final dot. */
  readonly name: string;
  readonly type: RecordType;
  readonly dnssec: Dnssec;
  /** Names left behind on the way, the one asked for first; empty without CNAME. */
  readonly cnames: readonly string[];
  readonly ede: readonly ExtendedError[];
  /** Seconds the answer may be kept; null when not told. */
  readonly ttl: number | null;
  /** Which server answered, as `address:port` or `cache`. */
  readonly server: string;
};

/** Where CNAMEs led before there was no answer; left out without CNAMEs. */
type Ending = { readonly owner?: string };

/** Four outcomes that are never mixed up (RFC 2308, RFC 7672 §2.1.3: a lookup error is not absence). */
export type Answer<T> =
  | (AnswerMeta & { readonly kind: 'found'; readonly records: readonly T[]; readonly owner: string })
  | (AnswerMeta & Ending & { readonly kind: 'empty' }) // NODATA: the name exists, the type does not
  | (AnswerMeta & Ending & { readonly kind: 'absent' }) // NXDOMAIN
  | (AnswerMeta &
      Ending & {
        readonly kind: 'failed';
        readonly rcode: FailureCode;
        /** Why, as a clause that goes into a sentence: no capital, no full stop. */
        readonly message: string;
      });

/**
 * Asks the DNS. Never throws for what the DNS says or fails to say: that is the `Answer`.
 * `name` may be in any case and end in a dot; IDN must be A-labels already.
 */
export interface Resolver {
  resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>>;
}
