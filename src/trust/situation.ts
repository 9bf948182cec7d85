import { findDeceptions } from './deception.ts';
import { type Facts, qualifies, type Reason, type SignatureFacts } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import type { OpenSignupMatch } from './open-signup.ts';
import { reaches } from './overrides.ts';
import { type Vouch, type Vouching, vouchingFor } from './vouching.ts';

/** What the caller chose. */
export type Policy = {
  /** A local decision that names an open-signup domain may make its mail trusted (`--force`). */
  readonly force?: boolean;
  /** A message that may have been sent again to others is not trusted (`--strict-replay`). */
  readonly strictReplay?: boolean;
};

/** Everything that the table asks, told apart once. */
export type Situation = {
  readonly facts: Facts;
  readonly knowledge: Knowledge;
  readonly domain: string | null;
  /** Signatures that may make it trusted, whoever vouches. */
  readonly qualifying: readonly SignatureFacts[];
  readonly vouching: Vouching;
  /** Parties that vouch and whose company signs like this. */
  readonly vouches: readonly Vouch[];
  readonly open: OpenSignupMatch | null;
  /** The administrator named the open-signup domain and insists. */
  readonly forced: boolean;
  /** The administrator took the domain from the list of open-signup domains. */
  readonly removed: boolean;
  readonly blocked: readonly Reason[];
  readonly structure: readonly Reason[];
  readonly deceptions: readonly Reason[];
  readonly replayed: boolean;
  readonly strictReplay: boolean;
};

const NOBODY: Vouching = { active: [], withdrawn: false, openSignupSaidBy: null, reasons: [] };

/** Tell apart what the table asks about. */
export function lookAt(facts: Facts, knowledge: Knowledge, nowMs: number, policy: Policy): Situation {
  const { domain } = facts.author;
  const vouching = domain === null ? NOBODY : vouchingFor(domain, knowledge, nowMs);
  const qualifying = facts.headerOnly ? [] : facts.signatures.filter(qualifies);
  const { add, remove } = knowledge.overrides.openSignup;
  const listed = domain === null ? null : openMatch(domain, knowledge, vouching);
  const named = domain !== null && knowledge.overrides.trust.some((each) => each.domain === domain);
  const removed = listed !== null && remove.includes(listed.domain) && !add.includes(listed.domain);
  return {
    facts,
    knowledge,
    domain,
    qualifying,
    vouching,
    vouches: vouching.active.filter(({ accepts }) => qualifying.some(accepts)),
    open: listed,
    forced: listed !== null && policy.force === true && (named || removed),
    removed,
    blocked: blocks(facts, knowledge),
    structure: structureOf(facts),
    deceptions: domain === null ? [] : findDeceptions(facts.author, knowledge.names()),
    replayed: mayBeReplayed(facts, qualifying, nowMs),
    strictReplay: policy.strictReplay === true,
  };
}

function openMatch(
  domain: string,
  { openSignup }: Knowledge,
  { openSignupSaidBy }: Vouching,
): OpenSignupMatch | null {
  const match = openSignup.find(domain);
  if (match !== null || openSignupSaidBy === null) return match;
  return { domain, kind: 'free-mail', source: openSignupSaidBy, date: null };
}

/** No author domain is a fault of structure even when nobody found the fault. */
function structureOf({ author }: Facts): readonly Reason[] {
  if (author.domain !== null || author.faults.length > 0) return author.faults;
  const text = 'The message names no author, or several of different domains.';
  return [{ code: 'structure.no-author', severity: 'crit', text, evidence: null }];
}

function blocks({ author, signatures }: Facts, { overrides }: Knowledge): readonly Reason[] {
  const domains = new Set([
    ...(author.domain === null ? [] : [author.domain]),
    ...signatures.map((each) => each.domain),
  ]);
  const blocked = [...domains].filter((domain) =>
    overrides.block.some((each) => each.from === 'all' && reaches(each, domain)),
  );
  return blocked.map((domain) => ({
    code: 'local.block',
    severity: 'crit' as const,
    text: `${domain} is blocked by the local list.`,
    evidence: { source: 'local' },
  }));
}

/** Q or DP of the table: the author's domain is proved, by a qualifying signature or by DMARC. */
export function isAuthentic({ qualifying, facts }: Situation): boolean {
  return qualifying.length > 0 || facts.dmarc.result === 'pass';
}

/** Anybody can get an address of the author's domain, and the administrator did not say otherwise. */
export function isOpen({ open, forced, removed }: Situation): boolean {
  return open !== null && !forced && !removed;
}

/** A sign of deception that is strong enough to judge by. */
export function isDeceptive({ deceptions }: Situation): boolean {
  return deceptions.some(({ severity }) => severity === 'crit');
}

/** Row 5: somebody vouches for the signer, nobody withdrew it, and it is no open-signup domain. */
export function isTrusted(s: Situation): boolean {
  if (s.vouching.withdrawn || (s.open !== null && !s.forced)) return false;
  if (s.strictReplay && s.replayed) return false;
  return s.vouches.length > 0;
}

/** What keeps us from row 5 or 7: an answer of the DNS, or the body that a header block does not have. */
export function undecidedBy({ facts }: Situation): 'dns' | 'body' | null {
  const late = facts.signatures.some((each) => each.aligned && each.result === 'temperror');
  if (late || facts.temporaryErrors.some(({ decisive }) => decisive)) return 'dns';
  return facts.signatures.some((each) => each.aligned && each.bodyUnknown) ? 'body' : null;
}

/** DMARC fails, and the author's domain wants such mail refused or set apart. */
export function failsPolicy({ facts: { dmarc } }: Situation): boolean {
  return dmarc.result === 'fail' && (dmarc.policy === 'quarantine' || dmarc.policy === 'reject');
}

/** A listed company signs all its mail: what comes without is not from it. */
export function isVouchedAndUnsigned(s: Situation): boolean {
  return s.vouching.active.length > 0 && !isAuthentic(s);
}

/** The author's own signature does not fit what arrived. */
export function isAltered({ facts, qualifying }: Situation): boolean {
  return (
    qualifying.length === 0 &&
    !facts.headerOnly &&
    facts.signatures.some((each) => each.aligned && each.altered)
  );
}

/** RFC 8617 §9: a seal says what its sealer saw, so only a sealer that the reader chose is heard. */
export function isSealed({ facts: { arc, author }, knowledge }: Situation): boolean {
  const { sealer } = arc;
  if (arc.result !== 'pass' || sealer === null || author.domain === null) return false;
  return arc.dmarcPassFor === author.domain && knowledge.overrides.sealers.includes(sealer);
}

const REPLAY_AGE_MS = 86_400_000;

/** TV-7: signed more than a day ago, for somebody else, and SPF does not speak for the author either. */
function mayBeReplayed(
  { delivery: { recipient, addressed }, dmarc }: Facts,
  qualifying: readonly SignatureFacts[],
  nowMs: number,
): boolean {
  if (recipient === null || dmarc.alignedSpf) return false;
  if (addressed.some((each) => each.toLowerCase() === recipient.toLowerCase())) return false;
  const times = qualifying.flatMap(({ signedAtMs }) => (signedAtMs === null ? [] : [signedAtMs]));
  return times.length > 0 && nowMs - Math.max(...times) > REPLAY_AGE_MS;
}
