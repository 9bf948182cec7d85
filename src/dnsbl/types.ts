/** What a list can be asked about. */
export type SubjectKind = 'ipv4' | 'ipv6' | 'domain';

/** An address or a domain in its one spelling. */
export type Subject = { readonly kind: SubjectKind; readonly text: string };

/** How the addresses that a list answers with are to be read. */
export type Codes =
  /** Each address has a meaning. */
  | {
      readonly kind: 'table';
      readonly listed: Readonly<Record<string, string>>;
      readonly errors: Readonly<Record<string, string>>;
    }
  /** The last octet is a set of bits. */
  | { readonly kind: 'bits'; readonly bits: Readonly<Record<number, string>> }
  /** The third octet is a category, the fourth how far to trust. */
  | { readonly kind: 'dnswl' }
  /** Nothing is known of the list: whatever it answers is a listing (RFC 5782 §2.1). */
  | { readonly kind: 'any' };

/** A list in the DNS (RFC 5782). */
export type DnsList = {
  readonly zone: string;
  readonly title: string;
  /** Whether it is bad or good to be on it. */
  readonly purpose: 'block' | 'allow';
  /** Asked when nobody names lists. */
  readonly standard: boolean;
  readonly takes: readonly SubjectKind[];
  /** It knows domains as they were registered, not the names below them. */
  readonly registered?: boolean;
  /** Where the same list answers to who has a key, which is put in front. */
  readonly keyedZone?: string;
  /** Domains that are always on it, beside `test` (RFC 5782 §5). */
  readonly testNames?: readonly string[];
  /** Where to look a listing up and have it removed. */
  readonly removal: string | null;
  readonly codes: Codes;
};

/**
 * What a list says.
 *
 * - `error`: it answered something that is no statement about the subject, or could not be asked; never a listing
 *   and never a clean bill
 * - `broken`: it failed its test: everything is on it, or nothing is
 */
export type ListOutcome = 'listed' | 'not-listed' | 'error' | 'timeout' | 'broken';

export type ListAnswer = {
  readonly outcome: ListOutcome;
  /** The addresses with their meaning. */
  readonly codes: readonly { readonly address: string; readonly meaning: string }[];
  /** The list's own words: untrusted text. */
  readonly text: string | null;
  /** Why it is `error`, `timeout` or `broken`. */
  readonly reason: string | null;
};

export type ListResult = ListAnswer & Pick<DnsList, 'zone' | 'title' | 'purpose' | 'removal'>;
