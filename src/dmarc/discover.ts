import { isIP } from 'node:net';
import type { Resolver } from '../dns/types.ts';
import { type DmarcRecord, isDmarcRecord, readDmarcRecord } from './record.ts';

/** What stands at `_dmarc.` of one name. */
export type DmarcLookup =
  | { readonly kind: 'found'; readonly domain: string; readonly record: DmarcRecord }
  /** `texts`: records that were there and do not count: several, or void. */
  | { readonly kind: 'none'; readonly domain: string; readonly texts: readonly string[] }
  | { readonly kind: 'unknown'; readonly domain: string; readonly rcode: string };

export type FoundRecord = Extract<DmarcLookup, { kind: 'found' }>;

/** Every step of a walk, from the name itself upwards. It ends where the DNS fails. */
export type TreeWalk = { readonly domain: string; readonly steps: readonly DmarcLookup[] };

/** Where the policy for an author's domain comes from. */
export type PolicyDiscovery = {
  readonly walk: TreeWalk;
  /** The record that applies; null when there is none. */
  readonly policy: FoundRecord | null;
  /** Null when it could not be found out. */
  readonly orgDomain: string | null;
  /** The policy itself is not known, as the DNS failed before one was found. */
  readonly unknown: Extract<DmarcLookup, { kind: 'unknown' }> | null;
};

/** RFC 9989 §4.10 step 4: a name of more labels is shortened to so many at once. */
const MAX_LABELS = 7;

/** Looks up `_dmarc.` of a name, each name once. */
export type DmarcLookups = (domain: string) => Promise<DmarcLookup>;

/** Walks of one message share most of their names. */
export function dmarcLookups(dns: Resolver): DmarcLookups {
  const known = new Map<string, Promise<DmarcLookup>>();
  return (domain) => {
    const found = known.get(domain) ?? lookUp(domain, dns);
    known.set(domain, found);
    return found;
  };
}

async function lookUp(domain: string, dns: Resolver): Promise<DmarcLookup> {
  const answer = await dns.resolve(`_dmarc.${domain}`, 'TXT');
  if (answer.kind === 'failed') return { kind: 'unknown', domain, rcode: answer.rcode };
  const texts =
    answer.kind === 'found' ? answer.records.map((parts) => parts.join('').trim()).filter(isDmarcRecord) : [];
  // RFC 9989 §4.10 steps 2 and 6: a set of several counts as no record.
  const record = texts.length === 1 ? readDmarcRecord(texts[0] ?? '') : null;
  return record === null ? { kind: 'none', domain, texts } : { kind: 'found', domain, record };
}

/** The DNS tree walk (RFC 9989 §4.10): at most eight questions. */
export async function walkTree(domain: string, lookUpAt: DmarcLookups): Promise<TreeWalk> {
  const steps: DmarcLookup[] = [];
  let labels = domain.split('.');
  while (labels.length > 0 && !isAddressLiteral(domain)) {
    const step = await lookUpAt(labels.join('.'));
    steps.push(step);
    if (step.kind === 'unknown' || (step.kind === 'found' && step.record.psd !== 'u')) break;
    labels = labels.slice(labels.length > MAX_LABELS ? -MAX_LABELS : 1);
  }
  return { domain, steps };
}

function isAddressLiteral(domain: string): boolean {
  return domain.startsWith('[') || (/^\d|:/.test(domain) && isIP(domain) !== 0);
}

/**
 * The organizational domain (RFC 9989 §4.10.2).
 *
 * @returns null when the DNS failed on the way
 */
export function organizationalDomain({ domain, steps }: TreeWalk): string | null {
  if (steps.at(-1)?.kind === 'unknown') return null;
  const found = steps.filter((step) => step.kind === 'found');
  for (const step of found) {
    if (step.record.psd === 'n') return step.domain;
    if (step.record.psd === 'y' && step.domain !== domain) {
      const labels = step.domain.split('.').length + 1;
      return domain.split('.').slice(-labels).join('.');
    }
  }
  return found.at(-1)?.domain ?? domain;
}

/**
 * Find the policy that applies to an author's domain (RFC 9989 §4.10.1): its own record, else that of the
 * organizational domain, else that of the public suffix above.
 */
export async function discoverPolicy(domain: string, lookUpAt: DmarcLookups): Promise<PolicyDiscovery> {
  const walk = await walkTree(domain, lookUpAt);
  const orgDomain = organizationalDomain(walk);
  const [own] = walk.steps;
  if (own?.kind === 'found') return { walk, policy: own, orgDomain, unknown: null };
  const last = walk.steps.at(-1);
  if (last?.kind === 'unknown') return { walk, policy: null, orgDomain, unknown: last };
  const found = walk.steps.filter((step) => step.kind === 'found');
  const suffix = found.at(-1)?.record.psd === 'y' ? found.at(-1) : undefined;
  const policy = found.find((step) => step.domain === orgDomain) ?? suffix ?? null;
  return { walk, policy, orgDomain, unknown: null };
}
