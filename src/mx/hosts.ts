import { type DaneLookup, findDane } from '../dane/lookup.ts';
import type { Dnssec, Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';

/** What the DNS says about one exchanger. */
export type FoundHost = {
  readonly host: string;
  /** From the MX record; null where there is none. */
  readonly preference: number | null;
  readonly cnames: readonly string[];
  /** State of its addresses. */
  readonly dnssec: Dnssec;
  readonly ips: readonly string[];
  readonly dane: DaneLookup;
  readonly checks: readonly Check[];
};

/** How a host came to be asked about. */
export type HostOrigin = {
  readonly host: string;
  readonly preference: number | null;
  /** State of what named it; `secure` where the name itself was given. */
  readonly mxDnssec: Dnssec;
};

/** Most addresses of one exchanger that are tried. */
const MAX_ADDRESSES = 16;

/**
 * Both address types in one, what was found or why there is nothing, and the TLSA records.
 *
 * @param tlsaPort  port in the name of the TLSA records
 */
export async function findHost(origin: HostOrigin, tlsaPort: number, dns: Resolver): Promise<FoundHost> {
  const { host, preference } = origin;
  const answers = await Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')]);
  const [a, aaaa] = answers;
  const ips = answers.flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  const found = a.kind === 'found' ? a : aaaa;
  const checks: Check[] = [];
  if (found.cnames.length > 0) {
    checks.push({
      id: 'dns.mx.cname',
      status: 'warn',
      message: `${host} is an alias; an exchanger must have addresses of its own.`,
      evidence: [...found.cnames, ...(found.kind === 'found' ? [found.owner] : [])].join(' → '),
      fix: 'List the real name in the MX record.',
      ref: 'RFC 5321 §5.1, RFC 2181 §10.3',
    });
  }
  for (const answer of answers) {
    if (answer.kind !== 'failed') continue;
    const bogus = answer.dnssec === 'bogus';
    checks.push({
      id: bogus ? 'dns.bogus' : 'dns.address',
      status: bogus ? 'crit' : 'unknown',
      message: `The DNS did not tell the ${answer.type} addresses of ${host}: ${answer.message}.`,
      evidence: `${answer.rcode} from ${answer.server}`,
      ...(bogus && { fix: 'Mend the zone’s DNSSEC signatures: validating senders cannot find this host.' }),
    });
  }
  if (ips.length === 0 && answers.every(({ kind }) => kind !== 'failed')) {
    checks.push({
      id: 'dns.address',
      status: 'crit',
      message: `${host} has no address.`,
      fix: 'Publish an A or AAAA record for it, or take it out of the MX records.',
      ref: 'RFC 5321 §5.1',
    });
  }
  return {
    host,
    preference,
    cnames: found.cnames,
    dnssec: found.dnssec,
    ips: ips.slice(0, MAX_ADDRESSES),
    dane: await findDane({ host, answers, mxDnssec: origin.mxDnssec }, tlsaPort, dns),
    checks,
  };
}

/** A server that is named by its address, without any look-up. */
export function literalHost(ip: string, preference: number | null = null): FoundHost {
  return {
    host: ip,
    preference,
    cnames: [],
    dnssec: 'indeterminate',
    ips: [ip],
    dane: { kind: 'not-secure', dnssec: 'indeterminate', reason: 'it has no name' },
    checks: [],
  };
}
