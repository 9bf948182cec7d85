import { bimiSelector, lookUpBimi } from '../bimi/record.ts';
import { dmarcLookups } from '../dmarc/discover.ts';
import type { BoundedResolver } from '../dns/bounded.ts';
import type { Field } from '../message/headers.ts';
import type { AuthorFacts } from '../trust/facts.ts';
import type { Authentication } from './authenticate.ts';
import type { BimiSection } from './types.ts';

const NOTHING = { domain: null, selector: null, location: null, authority: null } as const;

/**
 * The BIMI record of the author's domain, and whether a logo may be shown with this message (BIMI draft §7.1):
 * DMARC passes by a DKIM signature of the whole body, under a policy that is enforced.
 */
export async function checkBimi(
  fields: readonly Field[],
  author: AuthorFacts,
  found: Authentication,
  dns: BoundedResolver,
): Promise<BimiSection> {
  if (author.domain === null)
    return { ...NOTHING, result: 'skipped', reason: 'There is no single author domain.' };
  const field = fields.find(({ name }) => name.toLowerCase() === 'bimi-selector');
  const selector = field === undefined ? 'default' : (bimiSelector(field.value) ?? 'default');
  const looked = await lookUpBimi(author.domain, found.dmarc.orgDomain, selector, dns);
  switch (looked.kind) {
    case 'none':
      return { ...NOTHING, result: 'none', reason: `${author.domain} publishes no logo.` };
    case 'unknown':
      return { ...NOTHING, result: 'temperror', reason: `${looked.name} could not be looked up.` };
    case 'invalid': {
      const { domain, reason } = looked;
      return { ...NOTHING, result: 'permerror', reason, domain, selector: looked.selector };
    }
    case 'found': {
      const { domain, record } = looked;
      const { location, authority } = record;
      const where = { domain, selector: looked.selector, location, authority };
      const reason = await whyNot(author, found, dns);
      if (reason !== null) return { ...where, result: 'skipped', reason };
      if (location === '')
        return { ...where, result: 'none', reason: `${domain} wants no logo to be shown.` };
      const own = 'The logo is the domain’s own word: no certificate says so.';
      return { ...where, result: 'pass', reason: authority === '' ? own : null };
    }
  }
}

/** The first condition that does not hold; null when all do. */
async function whyNot(
  author: AuthorFacts,
  { dmarc, signatures }: Authentication,
  dns: BoundedResolver,
): Promise<string | null> {
  if (dmarc.result !== 'pass') return 'DMARC does not pass.';
  if (author.mailboxes.length !== 1) return 'From names several authors.';
  const good = signatures.filter(({ aligned, result }) => aligned && result === 'pass');
  if (good.length === 0) return 'DMARC passes by SPF alone, which is not enough for a logo.';
  if (good.every(({ bodyLength }) => bodyLength !== null))
    return 'The signature covers a part of the body only (l=).';
  if (dmarc.testing) return 'The domain is testing its policy (t=y).';
  if (dmarc.policy !== 'quarantine' && dmarc.policy !== 'reject')
    return 'The policy of the domain is not enforced.';
  if (dmarc.orgDomain === null || dmarc.orgDomain === dmarc.policyDomain) return null;
  const org = await dmarcLookups(dns)(dmarc.orgDomain);
  const policy = org.kind === 'found' ? org.record.p : null;
  return policy === 'quarantine' || policy === 'reject'
    ? null
    : `The policy of ${dmarc.orgDomain} is not enforced.`;
}
