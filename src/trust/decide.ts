import type { Decision, Facts, Reason, Verdict } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import { reasonsOf } from './reasons.ts';
import {
  failsPolicy,
  isAltered,
  isAuthentic,
  isDeceptive,
  isOpen,
  isSealed,
  isTrusted,
  isVouchedAndUnsigned,
  lookAt,
  type Policy,
  type Situation,
  undecidedBy,
} from './situation.ts';
import { whatWouldTrust } from './would-trust.ts';

export type { Policy };

/** A row of the decision table. `first` says which reasons decided. */
type Row = {
  readonly row: number;
  readonly when: (s: Situation) => boolean;
  readonly verdict: Verdict;
  readonly first: RegExp;
};

const isRefused = (s: Situation) => failsPolicy(s) || isVouchedAndUnsigned(s) || isAltered(s);

/** The decision table (TV-4): the first row that matches decides. */
const TABLE: readonly Row[] = [
  { row: 1, when: (s) => s.structure.length > 0, verdict: 'suspicious', first: /^structure\./ },
  { row: 2, when: (s) => s.blocked.length > 0, verdict: 'suspicious', first: /^local\.block/ },
  {
    row: 3,
    when: (s) => isOpen(s) && isAuthentic(s) && isDeceptive(s),
    verdict: 'suspicious',
    first: /^(open-signup|deception)\./,
  },
  { row: 4, when: (s) => isOpen(s) && isAuthentic(s), verdict: 'open-signup', first: /^open-signup\./ },
  {
    row: 5,
    when: isTrusted,
    verdict: 'trusted',
    first: /^(registry\.active|dkim\.pass|open-signup\.forced)/,
  },
  { row: 6, when: (s) => isAuthentic(s) && isDeceptive(s), verdict: 'suspicious', first: /^deception\./ },
  {
    row: 7,
    when: isAuthentic,
    verdict: 'authenticated',
    first: /^(registry|vouch|dkim|replay|open-signup)\./,
  },
  {
    row: 8,
    when: (s) => undecidedBy(s) !== null,
    verdict: 'unauthenticated',
    first: /^(temperror|message)\./,
  },
  { row: 9, when: (s) => isRefused(s) && isSealed(s), verdict: 'authenticated', first: /^arc\.override/ },
  {
    row: 9,
    when: isRefused,
    verdict: 'suspicious',
    first: /^(dmarc\.fail|vouched\.unsigned|dkim\.altered)/,
  },
  { row: 10, when: isSealed, verdict: 'authenticated', first: /^arc\.override/ },
];

/** Where nothing matches: everything that was missing. */
const REST: Omit<Row, 'when'> = { row: 11, verdict: 'unauthenticated', first: /^(dkim|spf|dmarc)\./ };

/**
 * Decide who sent a message and whether that can be trusted: pure, so that every combination can be tried.
 *
 * A listed company's domain in a valid signature is not enough to be trusted. The signature has to qualify by
 * every point of TV-1, the author's domain has to be the listed one, nobody may have withdrawn the entry, and
 * neither SPF nor ARC alone ever does it (TV-6). A domain where anybody can sign up is never trusted (TV-5).
 *
 * @param facts      what was found out about the message
 * @param knowledge  lists and local decisions
 * @param nowMs      the time that judges lists and entries, milliseconds since the epoch
 */
export function decide(facts: Facts, knowledge: Knowledge, nowMs: number, policy: Policy = {}): Decision {
  const situation = lookAt(facts, knowledge, nowMs, policy);
  const { row, verdict, first } = TABLE.find(({ when }) => when(situation)) ?? REST;
  const trusted = verdict === 'trusted';
  return {
    verdict,
    row,
    reasons: inOrder(reasonsOf(situation), first),
    authorDomain: situation.domain,
    organization: trusted ? (situation.vouches[0]?.organization ?? null) : null,
    vouchers: trusted ? situation.vouches.map(({ voucher }) => voucher) : [],
    wouldTrust: trusted ? null : whatWouldTrust(situation),
    undecidedBy: row === 8 ? undecidedBy(situation) : null,
  };
}

const WEIGHT = { crit: 0, warn: 1, info: 2 } as const;

/** Decisive reasons first, then by weight; each once. */
function inOrder(reasons: readonly Reason[], first: RegExp): readonly Reason[] {
  const seen = new Set<string>();
  const unique = reasons.filter(({ code, text }) => {
    const key = `${code} ${text}`;
    return !seen.has(key) && seen.add(key);
  });
  const rank = ({ code, severity }: Reason) => (first.test(code) ? 0 : 10) + WEIGHT[severity];
  return unique.toSorted((a, b) => rank(a) - rank(b));
}
