import type { Resolver } from '../dns/types.ts';
import { mtaStsChecks } from '../mta-sts/checks.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { daneHostChecks } from '../mx/dane.ts';
import { findExchangers } from '../mx/exchangers.ts';
import { type FoundHost, findHost } from '../mx/hosts.ts';
import { canonicalAddress } from '../net/address.ts';
import type { Check } from '../report.ts';

/** What a domain promises to those who send mail to it. */
export type Incoming = {
  /** Its exchangers with their TLSA records; none where it takes no mail. */
  readonly hosts: readonly FoundHost[];
  /** Null where it takes no mail, or nobody was to look. */
  readonly mtaSts: MtaSts | null;
  /** Why its exchangers are not known: then nothing of it is. */
  readonly untold: readonly Check[];
};

/** How the other side is looked at. */
export type IncomingWorld = {
  readonly dns: Resolver;
  /** Port in the names of TLSA records. */
  readonly tlsaPort: number;
  readonly mtaSts: (domain: string) => Promise<MtaSts>;
};

/** Exchangers, TLSA records and MTA-STS policy of a domain; no mail server is connected to. */
export async function viewIncoming(
  domain: string,
  { dns, tlsaPort, mtaSts }: IncomingWorld,
): Promise<Incoming> {
  const exchangers = await findExchangers(domain, dns);
  if (exchangers.kind === 'unknown') return { hosts: [], mtaSts: null, untold: exchangers.checks };
  if (exchangers.kind !== 'listed') return { hosts: [], mtaSts: null, untold: [] };
  const named = exchangers.hosts.filter(({ exchange }) => canonicalAddress(exchange) === null);
  const [policy, ...hosts] = await Promise.all([
    mtaSts(domain),
    ...named.map(({ exchange, preference }) =>
      findHost({ host: exchange, preference, mxDnssec: exchangers.dnssec }, tlsaPort, dns),
    ),
  ]);
  return { hosts, mtaSts: policy, untold: [] };
}

/** The findings about DANE, all exchangers together. */
export function incomingDaneChecks({ hosts }: Incoming): Check[] {
  return hosts.flatMap(daneHostChecks);
}

/** The findings about the MTA-STS policy, or why it is not known whom it would be for. */
export function incomingStsChecks(domain: string, { hosts, mtaSts, untold }: Incoming): Check[] {
  return mtaSts === null
    ? [...untold]
    : mtaStsChecks(
        domain,
        mtaSts,
        hosts.map(({ host }) => host),
      );
}
