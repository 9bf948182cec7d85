import type { Check } from '../report.ts';
import type { Ledger } from './ledger.ts';

/** What a zone says of itself. */
export type ZoneHead = {
  /** The mediator's host name: `mv=` of a VBR-Info field. */
  readonly mediator: string;
  /** Name of the server that the zone is loaded into. */
  readonly server: string;
  readonly serial: number;
};

const TTL_SECONDS = 3600;
const MAX_NAME = 253;

/** Entries that may be vouched for today. */
export function vouchedFor({ entries }: Ledger, nowMs: number) {
  return [...entries.values()].filter(
    ({ status, validUntilMs }) => status === 'active' && validUntilMs !== null && validUntilMs >= nowMs,
  );
}

/**
 * The zone `_vouch.<mediator>` with a TXT record for each domain that is vouched for (RFC 5518 §5), as BIND, Knot and NSD
 * read it. A wildcard stands only where names below are vouched for as well.
 *
 * @returns the text, and the names that are too long for the DNS and were left out
 */
export function vbrZone(
  ledger: Ledger,
  { mediator, server, serial }: ZoneHead,
  nowMs: number,
): { readonly text: string; readonly tooLong: readonly string[] } {
  const origin = `_vouch.${mediator}`;
  const tooLong: string[] = [];
  const records: string[] = [];
  for (const { proposal } of vouchedFor(ledger, nowMs)) {
    const types = proposal.mailTypes.includes('all') ? 'all' : proposal.mailTypes.join(' ');
    for (const { domain, includeSubdomains } of proposal.domains) {
      const names = includeSubdomains ? [domain, `*.${domain}`] : [domain];
      for (const name of names) {
        if (`${name}.${origin}`.length > MAX_NAME) tooLong.push(name);
        else records.push(`${name} TXT "${types}"`);
      }
    }
  }
  const soa = `@ SOA ${server}. hostmaster.${mediator}. ${serial} ${TTL_SECONDS} 900 1209600 ${TTL_SECONDS}`;
  const lines = [
    `$ORIGIN ${origin}.`,
    `$TTL ${TTL_SECONDS}`,
    soa,
    `@ NS ${server}.`,
    ...records.sort(byCodeUnit),
  ];
  return { text: `${lines.join('\n')}\n`, tooLong };
}

/** The field that a sender puts into its mail, so that receivers know whom to ask (RFC 5518 §4). */
export function vbrInfo(domain: string, types: readonly string[], mediator: string): string {
  return `VBR-Info: md=${domain}; mc=${types[0] ?? 'all'}; mv=${mediator};`;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** A name that the zone cannot have. */
export function tooLongCheck(name: string): Check {
  return {
    id: 'mediator.vbr-name',
    status: 'warn',
    message: `${name} is too long for a name in the VBR zone and was left out.`,
    ref: 'RFC 1035 §2.3.4',
  };
}
