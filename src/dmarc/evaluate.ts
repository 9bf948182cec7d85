import type { Resolver } from '../dns/types.ts';
import { isAtOrBelow, organizationalDomain as listedOrganization } from '../trust/organization.ts';
import {
  type DmarcLookups,
  discoverPolicy,
  dmarcLookups,
  organizationalDomain,
  type PolicyDiscovery,
  walkTree,
} from './discover.ts';
import { type AlignmentMode, type DmarcRecord, type Policy, policiesOf } from './record.ts';

/** A domain that some mechanism answers for. */
export type Identifier = {
  readonly domain: string;
  /** The mechanism passed; others are only asked for their alignment. */
  readonly passed: boolean;
};

export type DmarcInput = {
  /** The one author domain, A-labels, lower case; null when there is none or there are several. */
  readonly authorDomain: string | null;
  /** What SPF judged; null when it was not evaluated or there is no domain. */
  readonly spf: Identifier | null;
  /** Each signature in order; null where it names no domain. */
  readonly signatures: readonly (Identifier | null)[];
};

/** What RFC 7489 with the Public Suffix List makes of it, which most receivers still apply. */
export type LegacyDmarc = {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror';
  readonly policy: Policy | null;
  readonly policyDomain: string | null;
  readonly orgDomain: string;
  readonly aligned: { readonly spf: boolean; readonly dkim: boolean };
  /** It comes to another result or another policy than RFC 9989. */
  readonly differs: boolean;
};

export type DmarcVerdict = {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror' | 'not-evaluated';
  /** Why, as a sentence; null for a pass. */
  readonly reason: string | null;
  /** The policy that applies to this domain, after sp, np and t; null without a record. */
  readonly policy: Policy | null;
  /** Where the record stands, without `_dmarc.`. */
  readonly policyDomain: string | null;
  /** Null when it could not be found out. */
  readonly orgDomain: string | null;
  readonly record: string | null;
  readonly testing: boolean;
  /** What passed for an aligned domain. */
  readonly aligned: { readonly spf: boolean; readonly dkim: boolean };
  /** For each signature of the input whether its domain is aligned, whatever became of it. */
  readonly signaturesAligned: readonly boolean[];
  /** The domain that SPF judged is aligned, whatever became of it. */
  readonly spfAligned: boolean;
  readonly legacy: LegacyDmarc | null;
};

/** RFC 9989 §4.10.2 limits the questions of a walk, not the walks; this many domains are walked for. */
const MAX_WALKS = 10;

const MILDER: Readonly<Record<Policy, Policy>> = { reject: 'quarantine', quarantine: 'none', none: 'none' };

const NOT_EVALUATED: DmarcVerdict = {
  result: 'not-evaluated',
  reason: 'There is no single author domain, so no policy applies.',
  policy: null,
  policyDomain: null,
  orgDomain: null,
  record: null,
  testing: false,
  aligned: { spf: false, dkim: false },
  signaturesAligned: [],
  spfAligned: false,
  legacy: null,
};

/** Evaluate DMARC by RFC 9989, and beside it by RFC 7489, so that a difference can be told. */
export async function evaluateDmarc(input: DmarcInput, dns: Resolver): Promise<DmarcVerdict> {
  const { authorDomain } = input;
  if (authorDomain === null)
    return { ...NOT_EVALUATED, signaturesAligned: input.signatures.map(() => false) };
  const lookUpAt = dmarcLookups(dns);
  const found = await discoverPolicy(authorDomain, lookUpAt);
  const verdict = await byTree(authorDomain, input, found, lookUpAt, dns);
  const legacy = await byList(authorDomain, input, lookUpAt);
  const differs = legacy.result !== verdict.result || legacy.policy !== verdict.policy;
  return { ...verdict, legacy: { ...legacy, differs: differs && verdict.result !== 'temperror' } };
}

async function byTree(
  author: string,
  input: DmarcInput,
  found: PolicyDiscovery,
  lookUpAt: DmarcLookups,
  dns: Resolver,
): Promise<Omit<DmarcVerdict, 'legacy'>> {
  const record = found.policy?.record ?? null;
  const align = aligner(author, found, lookUpAt);
  const spf = input.spf === null ? 'no' : await align(input.spf.domain, record?.aspf ?? 'relaxed');
  const signatures: Aligned[] = [];
  for (const each of input.signatures)
    signatures.push(each === null ? 'no' : await align(each.domain, record?.adkim ?? 'relaxed'));
  const passes = (state: Aligned, of: Identifier | null) => of?.passed === true && state === 'yes';
  const aligned = {
    spf: passes(spf, input.spf),
    dkim: signatures.some((state, index) => passes(state, input.signatures[index] ?? null)),
  };
  const base = {
    policyDomain: found.policy?.domain ?? null,
    orgDomain: found.orgDomain,
    record: record?.text ?? null,
    testing: record?.testing === true,
    aligned,
    signaturesAligned: signatures.map((state) => state === 'yes'),
    spfAligned: spf === 'yes',
  };
  const policies = record === null ? null : policiesOf(record);
  if (found.unknown !== null)
    return { ...base, ...failed(`_dmarc.${found.unknown.domain}`, found.unknown.rcode) };
  if (record === null || policies === null) return { ...base, ...none(author, record) };
  const applied = await appliedPolicy(author, found, record, dns);
  if (aligned.spf || aligned.dkim) return { ...base, result: 'pass', reason: null, policy: applied.policy };
  const mayAlign =
    (spf === 'unknown' && input.spf?.passed === true) ||
    signatures.some((state, index) => state === 'unknown' && input.signatures[index]?.passed === true);
  if (mayAlign) return { ...base, ...failed('the organizational domains', 'no answer') };
  if (applied.unknown !== null) return { ...base, ...failed(author, applied.unknown) };
  const reason = 'Nothing that passed is aligned with the author’s domain.';
  return { ...base, result: 'fail', reason, policy: applied.policy };
}

type Outcome = Pick<DmarcVerdict, 'result' | 'reason' | 'policy'>;

function failed(name: string, rcode: string): Outcome {
  return { result: 'temperror', reason: `${name} could not be looked up (${rcode}).`, policy: null };
}

function none(author: string, record: DmarcRecord | null): Outcome {
  const reason =
    record === null
      ? `${author} publishes no policy, nor does a domain above it.`
      : `The record that applies to ${author} has no policy that could be used.`;
  return { result: 'none', reason, policy: null };
}

type Aligned = 'yes' | 'no' | 'unknown';

/** Alignment with the author's domain (RFC 9989 §4.10.2). */
function aligner(author: string, { orgDomain }: PolicyDiscovery, lookUpAt: DmarcLookups) {
  const walks = new Map<string, Promise<string | null>>();
  return async (domain: string, mode: AlignmentMode): Promise<Aligned> => {
    if (domain === author) return 'yes';
    if (mode === 'strict') return 'no';
    if (orgDomain === null) return sharesParent(domain, author) ? 'unknown' : 'no';
    // The organizational domain is the domain itself or one above it.
    if (!isAtOrBelow(domain, orgDomain)) return 'no';
    const walk = walks.get(domain) ?? (walks.size < MAX_WALKS ? orgDomainOf(domain, lookUpAt) : null);
    if (walk === null) return 'unknown';
    walks.set(domain, walk);
    const other = await walk;
    return other === null ? 'unknown' : other === orgDomain ? 'yes' : 'no';
  };
}

async function orgDomainOf(domain: string, lookUpAt: DmarcLookups): Promise<string | null> {
  return organizationalDomain(await walkTree(domain, lookUpAt));
}

function sharesParent(one: string, other: string): boolean {
  return one.split('.').at(-1) === other.split('.').at(-1);
}

/** The policy for this very domain; `unknown` is why it could not be told apart whether `sp` or `np` counts. */
async function appliedPolicy(
  author: string,
  found: PolicyDiscovery,
  record: DmarcRecord,
  dns: Resolver,
): Promise<{ readonly policy: Policy; readonly unknown: string | null }> {
  const policies = policiesOf(record) ?? { p: 'none', sp: null, np: null };
  const milden = (policy: Policy) => (record.testing ? MILDER[policy] : policy);
  if (found.policy?.domain === author) return { policy: milden(policies.p), unknown: null };
  const inherited = policies.sp ?? policies.p;
  if (policies.np === null || policies.np === inherited) return { policy: milden(inherited), unknown: null };
  // RFC 9989 A.4: any record makes a name exist, and so does a CNAME that leads nowhere.
  const answer = await dns.resolve(author, 'A');
  if (answer.kind === 'failed') return { policy: milden('none'), unknown: answer.rcode };
  const exists = answer.kind !== 'absent' || answer.cnames.length > 0;
  return { policy: milden(exists ? inherited : policies.np), unknown: null };
}

/** RFC 7489 §6.6.3: the author's domain, then what the Public Suffix List makes of it. */
async function byList(
  author: string,
  input: DmarcInput,
  lookUpAt: DmarcLookups,
): Promise<Omit<LegacyDmarc, 'differs'>> {
  const orgDomain = listedOrganization(author);
  const own = await lookUpAt(author);
  const found = own.kind === 'none' && orgDomain !== author ? await lookUpAt(orgDomain) : own;
  const record = found.kind === 'found' ? found.record : null;
  const align = (identifier: Identifier | null, mode: AlignmentMode = 'relaxed') =>
    identifier?.passed === true &&
    (mode === 'strict' ? identifier.domain === author : listedOrganization(identifier.domain) === orgDomain);
  const aligned = {
    spf: align(input.spf, record?.aspf),
    dkim: input.signatures.some((signature) => align(signature, record?.adkim)),
  };
  const base = { policy: null, policyDomain: null, orgDomain, aligned };
  if (found.kind === 'unknown') return { ...base, result: 'temperror' };
  const policies = record === null ? null : policiesOf(record);
  if (policies === null) return { ...base, result: 'none' };
  const policy = found.domain === author ? policies.p : (policies.sp ?? policies.p);
  const result = aligned.spf || aligned.dkim ? 'pass' : 'fail';
  return { ...base, result, policy, policyDomain: found.domain };
}
