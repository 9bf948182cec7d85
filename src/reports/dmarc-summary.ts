import { counted } from '../counted.ts';
import { type Check, worst } from '../report.ts';
import type { DmarcSource, ReportDmarcResult } from '../schema/reports.ts';
import type { AuthResult, DmarcReport, DmarcRow } from './dmarc.ts';
import { aboutReports, type Gathered, namesOf, unreadChecks } from './gather.ts';

/**
 * What became of one row.
 *
 * - `passes`: DKIM or SPF, aligned
 * - `forwarded`: passes by DKIM alone, as mail does that somebody passed on
 * - `broken`: the domain's own DKIM or SPF was there and failed
 * - `misaligned`: authenticated, as somebody else
 * - `unauthenticated`: as nobody
 */
type Kind = DmarcSource['kind'];

/** Whether a name belongs to the domain, by the relaxed rule as far as it goes without the list of public suffixes. */
function isUnder(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`) || domain.endsWith(`.${name}`);
}

function kindOf(
  { dkim, spf, headerFrom, dkimResults, spfResults, overrides }: DmarcRow,
  domain: string,
): Kind {
  if (dkim) return spf || dkimResults.length === 0 ? 'passes' : 'forwarded';
  if (spf) return 'passes';
  const own = (result: AuthResult) => isUnder(result.domain, headerFrom || domain);
  if (overrides.some((type) => /^(forwarded|mailing_list|trusted_forwarder)$/.test(type))) return 'forwarded';
  if ([...dkimResults, ...spfResults].some((result) => result.result === 'pass')) return 'misaligned';
  if (dkimResults.some(own)) return 'broken';
  return 'unauthenticated';
}

/** One address, under one domain. */
class Source {
  readonly ip: string;
  readonly domain: string;
  private readonly byKind = new Map<Kind, number>();
  private readonly headerFrom = new Set<string>();
  private readonly authenticated = new Set<string>();
  private readonly failedAs = new Set<string>();
  private readonly overrides = new Set<string>();
  private messages = 0;
  private failing = 0;
  private quarantined = 0;
  private rejected = 0;

  constructor(ip: string, domain: string) {
    this.ip = ip;
    this.domain = domain;
  }

  add(row: DmarcRow): void {
    const passed = row.dkim || row.spf;
    const kind = kindOf(row, this.domain);
    this.messages += row.count;
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + row.count);
    if (!passed) this.failing += row.count;
    if (row.disposition === 'quarantine') this.quarantined += row.count;
    if (row.disposition === 'reject') this.rejected += row.count;
    this.headerFrom.add(row.headerFrom);
    for (const type of row.overrides) this.overrides.add(type);
    this.addResults('DKIM', row.dkimResults);
    this.addResults('SPF', row.spfResults);
  }

  private addResults(mechanism: string, results: readonly AuthResult[]): void {
    for (const { domain, result, selector } of results) {
      if (result === 'pass') this.authenticated.add(domain);
      else if (isUnder(domain, this.domain))
        this.failedAs.add(`${mechanism} ${domain}${selector === null ? '' : ` (${selector})`}: ${result}`);
    }
  }

  /** By its failing messages, where there are any; else by all of them. */
  private kind(): Kind {
    const bad: readonly Kind[] = ['broken', 'misaligned', 'unauthenticated'];
    const kinds = [...this.byKind].toSorted(([, one], [, other]) => other - one).map(([kind]) => kind);
    return kinds.find((kind) => bad.includes(kind)) ?? kinds[0] ?? 'passes';
  }

  value(): DmarcSource {
    const kind = this.kind();
    return {
      ip: this.ip,
      domain: this.domain,
      kind,
      messages: this.messages,
      failing: this.failing,
      quarantined: this.quarantined,
      rejected: this.rejected,
      headerFrom: namesOf(this.headerFrom),
      authenticated: namesOf(this.authenticated),
      failedAs: namesOf(this.failedAs),
      overrides: namesOf(this.overrides),
      advice: adviceFor(kind, this.domain, namesOf(this.authenticated)),
    };
  }
}

function adviceFor(kind: Kind, domain: string, authenticated: readonly string[]): string | null {
  switch (kind) {
    case 'passes':
      return null;
    case 'forwarded':
      return 'Nothing: somebody passed the mail on, and your DKIM signature, where it was left whole, came through.';
    case 'broken':
      return `If the server is yours: its signature or SPF for ${domain} fails. Compare its DKIM key with the record, and look whether something changes messages after signing.`;
    case 'misaligned':
      return `If it sends for you: let it sign with ${domain} (DKIM), or use a return path under it; now it authenticates as ${authenticated[0] ?? 'another domain'}.`;
    case 'unauthenticated':
      return 'If you know it: let it sign, and put it into SPF. If not: somebody uses your name; a policy of quarantine or reject stops that.';
  }
}

function sourcesOf(reports: readonly DmarcReport[]): DmarcSource[] {
  const sources = new Map<string, Source>();
  for (const { domain, rows } of reports) {
    for (const row of rows) {
      const key = `${domain} ${row.source}`;
      const source = sources.get(key) ?? new Source(row.source, domain);
      sources.set(key, source);
      source.add(row);
    }
  }
  return [...sources.values()]
    .map((source) => source.value())
    .toSorted((a, b) => b.failing - a.failing || b.messages - a.messages || (a.ip < b.ip ? -1 : 1));
}

function domainsOf(reports: readonly DmarcReport[], sources: readonly DmarcSource[]) {
  const policies = new Map<string, string>();
  for (const { domain, policy } of reports.toSorted((a, b) => a.endMs - b.endMs))
    policies.set(domain, policy);
  return [...policies].map(([domain, policy]) => {
    const own = sources.filter((source) => source.domain === domain);
    return {
      domain,
      policy,
      messages: own.reduce((sum, { messages }) => sum + messages, 0),
      failing: own.reduce((sum, { failing }) => sum + failing, 0),
    };
  });
}

type DomainSum = ReportDmarcResult['domains'][number];

function messagesFrom(sources: readonly DmarcSource[]): string {
  const failing = sources.reduce((sum, source) => sum + source.failing, 0);
  const [first] = sources;
  const more =
    sources.length > 1 ? ` and ${counted(sources.length - 1, 'other address', 'other addresses')}` : '';
  return `${counted(failing, 'message')} from ${first?.ip ?? 'nobody'}${more}`;
}

/** Mail that may be the domain's own and fails: worse when it was thrown away. */
function ownFailing(sources: readonly DmarcSource[], kind: 'broken' | 'misaligned', domain: string): Check[] {
  const concerned = sources.filter((source) => source.kind === kind && source.failing > 0);
  if (concerned.length === 0) return [];
  const lost = concerned.reduce((sum, { quarantined, rejected }) => sum + quarantined + rejected, 0);
  const how =
    kind === 'broken'
      ? `bear a signature of ${domain} that fails`
      : `are authenticated, but not as ${domain}`;
  return [
    {
      id: `report.dmarc.${kind}`,
      status: lost > 0 ? 'crit' : 'warn',
      message: `${messagesFrom(concerned)} ${how}${lost > 0 ? `; ${lost.toLocaleString('en-US')} were quarantined or rejected` : ''}.`,
      ...(concerned[0]?.failedAs.length && { evidence: concerned[0].failedAs.join(', ') }),
      fix: concerned[0]?.advice ?? '',
      ref: 'RFC 9989 §5',
    },
  ];
}

function strangers(sources: readonly DmarcSource[], { domain, policy }: DomainSum): Check[] {
  const concerned = sources.filter((source) => source.kind === 'unauthenticated');
  if (concerned.length === 0) return [];
  const stopped = policy === 'quarantine' || policy === 'reject';
  return [
    {
      id: 'report.dmarc.unauthenticated',
      status: stopped ? 'ok' : 'warn',
      ...(stopped && { info: true }),
      message: `${messagesFrom(concerned)} used the name ${domain} without any proof${stopped ? '; the policy deals with them' : ', and the policy lets them through'}.`,
      fix: stopped
        ? 'If you know the address: let it sign, and put it into SPF.'
        : (concerned[0]?.advice ?? ''),
      ref: 'RFC 9989 §5',
    },
  ];
}

function policyCheck({ domain, policy, messages, failing }: DomainSum): Check[] {
  if (policy !== 'none' || messages === 0 || failing > 0) return [];
  return [
    {
      id: 'report.dmarc.ready',
      status: 'ok',
      info: true,
      message: `All mail of ${domain} in these reports passes, and its policy is still none.`,
      fix: `After some weeks like this, publish p=quarantine and then p=reject in _dmarc.${domain}.`,
    },
  ];
}

function checksFor(sum: DomainSum, all: readonly DmarcSource[]): Check[] {
  const sources = all.filter(({ domain }) => domain === sum.domain);
  const found = [
    ...ownFailing(sources, 'broken', sum.domain),
    ...ownFailing(sources, 'misaligned', sum.domain),
    ...strangers(sources, sum),
    ...policyCheck(sum),
  ];
  const passing: Check = {
    id: 'report.dmarc.passing',
    status: 'ok',
    message: `${counted(sum.messages - sum.failing, 'message')} of ${sum.messages.toLocaleString('en-US')} in the name of ${sum.domain} pass DMARC.`,
  };
  return [passing, ...found];
}

function summaryOf(domains: readonly DomainSum[], reports: number): string {
  const messages = domains.reduce((sum, domain) => sum + domain.messages, 0);
  const failing = domains.reduce((sum, domain) => sum + domain.failing, 0);
  const about = domains.length === 1 ? (domains[0]?.domain ?? '') : counted(domains.length, 'domain');
  const heading = `${about}, ${counted(reports, 'report')}`;
  if (messages === 0) return `${heading}: no mail was seen.`;
  if (failing === 0) return `${heading}: all ${counted(messages, 'message')} pass DMARC.`;
  return `${heading}: ${failing.toLocaleString('en-US')} of ${counted(messages, 'message')} fail DMARC.`;
}

/** Aggregate reports summed by who sent, the most failing messages first, with what to do about each. */
export function dmarcSummary(target: string | null, gathered: Gathered<DmarcReport>): ReportDmarcResult {
  const sources = sourcesOf(gathered.reports);
  const domains = domainsOf(gathered.reports, sources);
  const checks = [
    ...domains.flatMap((domain) => checksFor(domain, sources)),
    ...unreadChecks(gathered.failed),
  ];
  return {
    target,
    status: worst(checks.map(({ status }) => status)),
    summary: summaryOf(domains, gathered.reports.length),
    checks,
    ...aboutReports(gathered),
    domains,
    sources,
  };
}
