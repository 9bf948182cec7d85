import type { Indicator, MarkWorld } from '../bimi/indicator.ts';
import type { MarkWish } from '../bimi/mark.ts';
import { bimiSelector, lookUpBimi } from '../bimi/record.ts';
import { dmarcLookups } from '../dmarc/discover.ts';
import type { BoundedResolver } from '../dns/bounded.ts';
import type { Field } from '../message/headers.ts';
import type { AuthorFacts } from '../trust/facts.ts';
import type { Authentication } from './authenticate.ts';
import type { BimiSection, MarkSection } from './types.ts';

const NOTHING = { domain: null, selector: null, location: null, authority: null, mark: null } as const;

/**
 * The BIMI record of the author's domain, and whether a logo may be shown with this message (BIMI draft §7.1):
 * DMARC passes by a DKIM signature of the whole body, under a policy that is enforced, and a certificate proves the logo.
 *
 * @param marks  what certificates are fetched and verified with; null: only the DNS is asked
 * @param atMs   the time at which a certificate has to be valid
 */
export async function checkBimi(
  fields: readonly Field[],
  author: AuthorFacts,
  found: Authentication,
  dns: BoundedResolver,
  { marks, atMs }: { readonly marks: MarkWorld | null; readonly atMs: number },
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
      const where = { domain, selector: looked.selector, location, authority, mark: null };
      const reason = await whyNot(author, found, dns);
      if (reason !== null) return { ...where, result: 'skipped', reason };
      if (location === '')
        return { ...where, result: 'none', reason: `${domain} wants no logo to be shown.` };
      const own = 'The logo is the domain’s own word: no certificate says so.';
      if (authority === '') return { ...where, result: 'pass', reason: own };
      if (marks === null) return { ...where, result: 'pass', reason: null };
      const domains = [author.domain, ...(found.dmarc.orgDomain === null ? [] : [found.dmarc.orgDomain])];
      return await proved(where, { domains, selector: looked.selector, atMs }, marks);
    }
  }
}

/** What the certificate and the logo of a record come to. */
async function proved(
  where: Omit<BimiSection, 'result' | 'reason'> & { readonly location: string; readonly authority: string },
  wish: MarkWish,
  marks: MarkWorld,
): Promise<BimiSection> {
  const { findIndicator } = await import('../bimi/indicator.ts');
  const found = await findIndicator(where, wish, marks);
  switch (found.kind) {
    case 'unknown':
      return { ...where, result: 'temperror', reason: found.reason };
    case 'refused':
      return { ...where, result: 'fail', reason: `The logo is not proved: ${found.reason}` };
    case 'verified':
      return { ...where, result: 'pass', reason: null, mark: markSection(found) };
  }
}

function markSection({
  mark,
  svg,
  sha256,
  revocation,
}: Indicator & { readonly kind: 'verified' }): MarkSection {
  const { kind, markType, organization, country, authority, names, timestamps } = mark;
  return {
    kind,
    markType,
    organization,
    country,
    authority,
    validFrom: new Date(mark.notBeforeMs).toISOString(),
    validUntil: new Date(mark.notAfterMs).toISOString(),
    sha256: mark.sha256,
    names: names.slice(0, 100),
    timestamps,
    revocation,
    logo: { sha256, dataUri: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}` },
  };
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
