import { getDomain, getDomainWithoutSuffix, getPublicSuffix } from 'tldts';

const OPTIONS = { allowPrivateDomains: true, validateHostname: false } as const;

/**
 * The registrable domain that a name belongs to, by the Public Suffix List with its private section: what
 * one organization holds. Only for comparing names; who may speak for a domain is DMARC's business.
 *
 * @returns the name itself when it is a public suffix
 */
export function organizationalDomain(domain: string): string {
  return getDomain(domain, OPTIONS) ?? domain;
}

/** Whether anybody can get a name below this one (`co.uk`, `github.io`). */
export function isPublicSuffix(domain: string): boolean {
  return getPublicSuffix(domain, OPTIONS) === domain;
}

/** The label that a registrant chose (`bank` of `www.bank.example`); null for a public suffix. */
export function chosenLabel(domain: string): string | null {
  return getDomainWithoutSuffix(domain, OPTIONS) || null;
}

/** The name and every name above it, the longest first: `a.b.c`, `b.c`, `c`. */
export function* withParents(domain: string): Generator<string> {
  yield domain;
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    yield domain.slice(dot + 1);
  }
}

/** Whether `domain` is `parent` or a name below it. */
export function isAtOrBelow(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
