import { type BimiLookup, lookUpBimi } from '../bimi/record.ts';
import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';
import type { DmarcView } from './dmarc.ts';

const REF = 'draft-brand-indicators-for-message-identification';

export function viewBimi(domain: string, { discovery }: DmarcView, dns: Resolver): Promise<BimiLookup> {
  return lookUpBimi(domain, discovery.orgDomain, 'default', dns);
}

/** A logo is nobody's duty; a record that leads to nothing is a finding. */
export function bimiChecks(domain: string, found: BimiLookup, { discovery }: DmarcView): Check[] {
  switch (found.kind) {
    case 'none':
      return [
        {
          id: 'bimi.record',
          status: 'ok',
          info: true,
          message: `${domain} publishes no logo (BIMI).`,
          ref: REF,
        },
      ];
    case 'unknown':
      return [
        {
          id: 'bimi.record',
          status: 'ok',
          info: true,
          message: `Whether ${domain} publishes a logo could not be told.`,
          ref: REF,
        },
      ];
    case 'invalid':
      return [
        {
          id: 'bimi.record',
          status: 'warn',
          message: `The BIMI record of ${found.domain} cannot be used: ${found.reason}`,
          fix: 'Publish "v=BIMI1; l=https://…/logo.svg; a=https://…/certificate.pem" once, both addresses with https.',
          ref: REF,
        },
      ];
    case 'found':
      return recordChecks(found, discovery.policy?.record.p ?? null);
  }
}

function recordChecks({ domain, record }: BimiLookup & { kind: 'found' }, policy: string | null): Check[] {
  const base = { id: 'bimi.record', evidence: record.text, ref: REF };
  if (policy !== 'quarantine' && policy !== 'reject')
    return [
      {
        ...base,
        status: 'warn',
        message: `${domain} publishes a logo, but its DMARC policy is not quarantine or reject: nobody shows it.`,
        fix: 'Make the DMARC policy stricter first.',
      },
    ];
  if (record.authority === '')
    return [
      {
        ...base,
        status: 'ok',
        info: true,
        message: `${domain} publishes a logo without a certificate: most mailboxes do not show it.`,
      },
    ];
  return [{ ...base, status: 'ok', message: `${domain} publishes a logo with a certificate.` }];
}
