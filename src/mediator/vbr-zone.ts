import type { Check } from '../report.ts';
import { withParents } from '../trust/organization.ts';
import type { Proposal } from './acts.ts';
import type { Ledger } from './ledger.ts';

/** What a zone says of itself. */
export type ZoneHead = {
  /** The mediator's host name: `mv=` of a VBR-Info field. */
  readonly mediator: string;
  /** Name of the server that the zone is loaded into. */
  readonly server: string;
  readonly serial: number;
};

/** The zone in the forms that name servers read. */
export type VbrZone = {
  /** For BIND, Knot and NSD (RFC 1035 §5). */
  readonly bind: string;
  /** For rbldnsd, as a `dnset`, which answers each name with 127.0.0.2 as well. */
  readonly rbldnsd: string;
  /** Names that are too long for the DNS and were left out. */
  readonly tooLong: readonly string[];
};

/** Seconds: of each record, then refresh, retry and expire of the zone. */
const TTL = 3600;
const TIMES = `${TTL} 900 1209600 ${TTL}`;
const MAX_NAME = 253;

/** Entries that may be vouched for today. */
export function vouchedFor({ entries }: Ledger, nowMs: number) {
  return [...entries.values()].filter(
    ({ status, validUntilMs }) => status === 'active' && validUntilMs !== null && validUntilMs >= nowMs,
  );
}

/**
 * The zone `_vouch.<mediator>` with a TXT record for each domain that is vouched for (RFC 5518 §5). A wildcard stands only
 * where names below are vouched for as well.
 */
export function vbrZone(ledger: Ledger, head: ZoneHead, nowMs: number): VbrZone {
  const origin = `_vouch.${head.mediator}`;
  const tooLong: string[] = [];
  const records: { readonly name: string; readonly types: string }[] = [];
  for (const { proposal } of vouchedFor(ledger, nowMs)) {
    const types = proposal.mailTypes.includes('all') ? 'all' : proposal.mailTypes.join(' ');
    for (const name of vouchedNames(proposal)) {
      if (`${name}.${origin}`.length > MAX_NAME) tooLong.push(name);
      else records.push({ name, types });
    }
  }
  const sorted = records.toSorted((a, b) => byCodeUnit(a.name, b.name));
  return { bind: bindText(sorted, origin, head), rbldnsd: rbldnsdText(sorted, head), tooLong };
}

type Records = readonly { readonly name: string; readonly types: string }[];

/**
 * Names of a zone for the domains of a company. A wildcard answers for no name below one that stands in the zone itself
 * (RFC 4592 §3.3.1), so everything between such a name and the wildcard gets records of its own.
 */
function vouchedNames({ domains }: Pick<Proposal, 'domains'>): ReadonlySet<string> {
  const open = new Set(domains.flatMap(({ domain, includeSubdomains }) => (includeSubdomains ? domain : [])));
  const names = new Set<string>();
  for (const { domain } of domains) {
    names.add(domain);
    const above = [...withParents(domain)];
    const reach = above.findLastIndex((name) => open.has(name));
    for (const name of above.slice(0, reach + 1)) names.add(name).add(`*.${name}`);
  }
  return names;
}

function bindText(records: Records, origin: string, { mediator, server, serial }: ZoneHead): string {
  return text([
    `$ORIGIN ${origin}.`,
    `$TTL ${TTL}`,
    `@ SOA ${server}. hostmaster.${mediator}. ${serial} ${TIMES}`,
    `@ NS ${server}.`,
    ...records.map(({ name, types }) => `${name} TXT "${types}"`),
  ]);
}

/** Load it with `rbldnsd … _vouch.<mediator>:dnset:vbr.rbldnsd`. */
function rbldnsdText(records: Records, { mediator, server, serial }: ZoneHead): string {
  return text([
    `$SOA ${TTL} ${server} hostmaster.${mediator} ${serial} ${TIMES}`,
    `$NS ${TTL} ${server}`,
    `$TTL ${TTL}`,
    ...records.map(({ name, types }) => `${name} :127.0.0.2:${types}`),
  ]);
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
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
