/** Result of an SPF check (RFC 7208 §2.6, in the words of RFC 8601 §2.7.2). */
export type SpfResult = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror';

/** What became of one term: whether it matched, or what ended the evaluation at it. */
export type TermOutcome = 'match' | 'no-match' | 'not-reached' | 'temperror' | 'permerror';

/** One term of a record as it was evaluated. */
export type SpfTerm = {
  /** As published. */
  readonly term: string;
  readonly outcome: TermOutcome;
  /** Lookups that the term cost, those below it included (RFC 7208 §4.6.4). */
  readonly lookups: number;
  /** The name it asks about, macros expanded; null when it asks about none or was not reached. */
  readonly target: string | null;
  /** Addresses or names that the DNS gave for the target, the first {@link MAX_SHOWN} of them. */
  readonly found: readonly string[];
  /** Why the outcome is what it is, where that is not plain from the term. */
  readonly note: string | null;
  /** The record that an `include` or `redirect` led to. */
  readonly below: SpfTree | null;
};

/** One record as it was evaluated, with those it led to: the whole is bounded by the lookup limit. */
export type SpfTree = {
  readonly domain: string;
  /** The record; null when there is none, several, or no answer. Written by the domain's owner: untrusted text. */
  readonly record: string | null;
  readonly result: SpfResult;
  /** Why there is no more to say than the result: no record, a syntax error, a limit. */
  readonly reason: string | null;
  /** The first {@link MAX_TERMS}, and the one that decided. */
  readonly terms: readonly SpfTerm[];
  /** Terms that are left out. */
  readonly omitted: number;
};

/** Most terms of one record that are shown; real ones have some dozens. */
export const MAX_TERMS = 500;

/** Most addresses or names shown for one term. */
export const MAX_SHOWN = 10;
