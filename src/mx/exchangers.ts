import type { Answer, Dnssec, MxRecord, Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';

/** Where mail for a domain goes (RFC 5321 §5.1). */
export type Exchangers = { readonly dnssec: Dnssec; readonly checks: readonly Check[] } & (
  | { readonly kind: 'listed'; readonly hosts: readonly MxRecord[] } // in order of preference
  | { readonly kind: 'implicit'; readonly hosts: readonly [MxRecord] } // no MX: the domain itself
  | { readonly kind: 'null-mx'; readonly hosts: readonly [] } // RFC 7505: accepts no mail
  | { readonly kind: 'no-domain'; readonly hosts: readonly [] }
  | { readonly kind: 'unknown'; readonly hosts: readonly [] } // the DNS failed: nothing follows from it
);

/** Most exchangers of one domain that are looked at; more is an attack or a mistake. */
const MAX_EXCHANGERS = 64;

/** What an administrator should know about a set of MX records. */
function lintRecords(domain: string, records: readonly MxRecord[]): Check[] {
  const checks: Check[] = [];
  if (records.some(({ exchange }) => exchange === '.')) {
    checks.push({
      id: 'dns.mx.null',
      status: 'warn',
      message: `${domain} lists "." beside other exchangers; it is ignored.`,
      fix: 'Publish "0 ." alone if the domain accepts no mail, else remove it.',
      ref: 'RFC 7505 §3',
    });
  }
  for (const { exchange } of records.filter(({ exchange }) => /^\d{1,3}(\.\d{1,3}){3}$/.test(exchange))) {
    checks.push({
      id: 'dns.mx.literal',
      status: 'crit',
      message: `${domain} lists the address ${exchange} where a host name belongs; many senders refuse that.`,
      evidence: `${domain} MX ${exchange}`,
      fix: 'Give the server a name with an A or AAAA record and list that.',
      ref: 'RFC 5321 §5.1',
    });
  }
  if (records.length > MAX_EXCHANGERS) {
    checks.push({
      id: 'dns.mx.count',
      status: 'warn',
      message: `${domain} lists ${records.length} exchangers; the first ${MAX_EXCHANGERS} are looked at.`,
    });
  }
  return checks;
}

function fromRecords(domain: string, answer: Extract<Answer<MxRecord>, { kind: 'found' }>): Exchangers {
  const { records, dnssec } = answer;
  const [first] = records;
  if (records.length === 1 && first?.exchange === '.') {
    const proper = first.preference === 0;
    const check: Check = proper
      ? {
          id: 'dns.mx.null',
          status: 'ok',
          info: true,
          message: `${domain} says that it accepts no mail.`,
          ref: 'RFC 7505 §3',
        }
      : {
          id: 'dns.mx.null',
          status: 'warn',
          message: `${domain} says that it accepts no mail, at preference ${first.preference} instead of 0.`,
          fix: 'Publish "0 .".',
          ref: 'RFC 7505 §3',
        };
    return { kind: 'null-mx', hosts: [], dnssec, checks: [check] };
  }
  const hosts = records
    .filter(({ exchange }) => exchange !== '.')
    .toSorted((a, b) => a.preference - b.preference || (a.exchange < b.exchange ? -1 : 1))
    .slice(0, MAX_EXCHANGERS);
  return { kind: 'listed', hosts, dnssec, checks: lintRecords(domain, records) };
}

/** Find where mail for a domain goes; `domain` in A-labels. Never throws for what the DNS says. */
export async function findExchangers(domain: string, dns: Resolver): Promise<Exchangers> {
  const answer = await dns.resolve(domain, 'MX');
  const { dnssec } = answer;
  switch (answer.kind) {
    case 'found':
      return fromRecords(domain, answer);
    case 'empty':
      return {
        kind: 'implicit',
        hosts: [{ preference: 0, exchange: domain }],
        dnssec,
        checks: [
          {
            id: 'dns.mx.implicit',
            status: 'ok',
            info: true,
            message: `${domain} has no MX record; mail goes to the host of that name.`,
            ref: 'RFC 5321 §5.1',
          },
        ],
      };
    case 'absent':
      return {
        kind: 'no-domain',
        hosts: [],
        dnssec,
        checks: [
          {
            id: 'dns.mx',
            status: 'crit',
            message: `There is no domain ${domain}.`,
            evidence: `${answer.server} answered NXDOMAIN`,
            fix: 'Check the spelling, and whether the domain is registered and delegated.',
          },
        ],
      };
    case 'failed':
      return {
        kind: 'unknown',
        hosts: [],
        dnssec,
        checks: [
          {
            id: dnssec === 'bogus' ? 'dns.bogus' : 'dns.mx',
            status: dnssec === 'bogus' ? 'crit' : 'unknown',
            message: `The DNS did not say where mail for ${domain} goes: ${answer.message}.`,
            evidence: `${answer.rcode} from ${answer.server}`,
            fix:
              dnssec === 'bogus'
                ? 'The zone’s DNSSEC signatures are wrong or expired: its operator has to mend them.'
                : 'Try again, or ask another resolver with --resolver.',
          },
        ],
      };
  }
}
