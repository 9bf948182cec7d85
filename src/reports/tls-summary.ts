import { counted } from '../counted.ts';
import { type Check, worst } from '../report.ts';
import type { ReportTlsResult } from '../schema/reports.ts';
import { aboutReports, type Gathered, namesOf, unreadChecks } from './gather.ts';
import type { TlsFailure, TlsPolicyReport, TlsReport, TlsResult } from './tls.ts';

type DomainSum = ReportTlsResult['domains'][number];
type FailureSum = ReportTlsResult['failures'][number];

const ADVICE: Readonly<Record<TlsResult, string>> = {
  'starttls-not-supported':
    'Switch STARTTLS on at that server, and look for a firewall that takes it out of the answer to EHLO.',
  'certificate-host-mismatch': 'Give the server a certificate with the name that stands in the MX record.',
  'certificate-expired': 'Renew the certificate, and reload the server after every renewal.',
  'certificate-not-trusted':
    'Send the whole chain, with the intermediate certificates, of a public authority; under DANE a TLSA record has to match.',
  'validation-failure': 'Look at the reason; "postern mx probe" shows what a sender sees.',
  'tlsa-invalid':
    'Publish TLSA records that match the certificate in use: "postern mx tlsa check" compares them.',
  'dnssec-invalid':
    'Mend the DNSSEC of the zone: until then nothing in it is believed, mail exchangers included.',
  'dane-required': 'A sender demands DANE: publish TLSA records in a signed zone, or ask who demands it.',
  'sts-policy-fetch-error':
    'The policy could not be fetched: https://mta-sts.DOMAIN/.well-known/mta-sts.txt has to answer with 200, a valid certificate and no redirect.',
  'sts-policy-invalid': 'Mend the policy file: "postern mx probe" tells what is wrong in it.',
  'sts-webpki-invalid': 'The certificate of the policy host mta-sts.DOMAIN is not valid: renew it.',
};

/** What failed in one way at one server. */
type Group = {
  readonly failure: TlsFailure;
  readonly policy: TlsPolicyReport;
  sessions: number;
  readonly receivingIps: Set<string>;
  readonly senders: Set<string>;
  readonly reasons: Set<string>;
};

function groupsOf(reports: readonly TlsReport[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { reporter, policies } of reports) {
    for (const policy of policies) {
      for (const failure of policy.details) {
        const key = JSON.stringify([policy.domain, policy.kind, failure.result, failure.receivingMx]);
        const group = groups.get(key) ?? {
          failure,
          policy,
          sessions: 0,
          receivingIps: new Set(),
          senders: new Set(),
          reasons: new Set(),
        };
        groups.set(key, group);
        group.sessions += failure.count;
        group.senders.add(reporter);
        if (failure.receivingIp !== null) group.receivingIps.add(failure.receivingIp);
        if (failure.reason !== null) group.reasons.add(failure.reason);
      }
    }
  }
  return [...groups.values()].toSorted((a, b) => b.sessions - a.sessions);
}

function failureSum({ failure, policy, sessions, receivingIps, senders, reasons }: Group): FailureSum {
  return {
    result: failure.result,
    domain: policy.domain,
    policy: policy.kind,
    receivingMx: failure.receivingMx,
    receivingIps: namesOf(receivingIps),
    senders: namesOf(senders),
    reasons: namesOf(reasons),
    sessions,
    advice: ADVICE[failure.result].replaceAll('DOMAIN', policy.domain),
  };
}

function domainsOf(reports: readonly TlsReport[]): DomainSum[] {
  const sums = new Map<string, { -readonly [K in keyof DomainSum]: DomainSum[K] }>();
  for (const { kind, domain, enforced, successes, failures } of reports.flatMap(({ policies }) => policies)) {
    const key = `${domain} ${kind} ${enforced}`;
    const sum = sums.get(key) ?? { domain, policy: kind, enforced, sessions: 0, failing: 0 };
    sums.set(key, sum);
    sum.sessions += successes + failures;
    sum.failing += failures;
  }
  return [...sums.values()].toSorted((a, b) => b.failing - a.failing || b.sessions - a.sessions);
}

const POLICY_NAMES = { tlsa: 'DANE', sts: 'MTA-STS', 'no-policy-found': 'no policy' } as const;

function failureChecks(group: Group): Check {
  const { result, domain, receivingMx, reasons, senders, sessions, advice } = failureSum(group);
  const at = receivingMx === null ? domain : `${receivingMx} (${domain})`;
  return {
    id: `report.tls.${result}`,
    status: group.policy.enforced ? 'crit' : 'warn',
    message: `${result}: ${counted(sessions, 'session')} of ${senders.join(', ') || 'an unnamed sender'} failed at ${at}${group.policy.enforced ? `; under ${POLICY_NAMES[group.policy.kind]} that mail was not delivered` : ''}.`,
    ...(reasons.length > 0 && { evidence: reasons.join('; ') }),
    fix: advice,
    ref: 'RFC 8460 §4.3',
  };
}

/** Failures that were counted and not described. */
function unexplained(domains: readonly DomainSum[], groups: readonly Group[]): Check[] {
  return domains.flatMap(({ domain, policy, enforced, failing }) => {
    const told = groups
      .filter((group) => group.policy.domain === domain && group.policy.kind === policy)
      .reduce((sum, { sessions }) => sum + sessions, 0);
    if (failing === 0 || told > 0) return [];
    return [
      {
        id: 'report.tls.unexplained',
        status: enforced ? ('crit' as const) : ('warn' as const),
        message: `${counted(failing, 'session')} to ${domain} failed, and no report says how.`,
        fix: '"postern mx probe" shows what a sender sees now.',
        ref: 'RFC 8460 §4.4',
      },
    ];
  });
}

function summaryOf(domains: readonly DomainSum[], reports: number): string {
  const names = namesOf(domains.map(({ domain }) => domain));
  const sessions = domains.reduce((sum, domain) => sum + domain.sessions, 0);
  const failing = domains.reduce((sum, domain) => sum + domain.failing, 0);
  const about = names.length === 1 ? (names[0] ?? '') : counted(names.length, 'domain');
  const heading = `${about}, ${counted(reports, 'report')}`;
  if (sessions === 0) return `${heading}: no session was seen.`;
  if (failing === 0)
    return `${heading}: all ${counted(sessions, 'session')} were encrypted as they should be.`;
  return `${heading}: ${failing.toLocaleString('en-US')} of ${counted(sessions, 'session')} failed.`;
}

/** TLS reports summed by what failed where, the most sessions first, with what to do about each. */
export function tlsSummary(target: string | null, gathered: Gathered<TlsReport>): ReportTlsResult {
  const groups = groupsOf(gathered.reports);
  const domains = domainsOf(gathered.reports);
  const good: Check[] = domains.map(({ domain, policy, sessions, failing }) => ({
    id: 'report.tls.passing',
    status: 'ok',
    message: `${counted(sessions - failing, 'session')} of ${sessions.toLocaleString('en-US')} to ${domain} succeeded (${POLICY_NAMES[policy]}).`,
  }));
  const checks = [
    ...good,
    ...groups.map(failureChecks),
    ...unexplained(domains, groups),
    ...unreadChecks(gathered.failed),
  ];
  return {
    target,
    status: worst(checks.map(({ status }) => status)),
    summary: summaryOf(domains, gathered.reports.length),
    checks,
    ...aboutReports(gathered),
    domains,
    failures: groups.map(failureSum),
  };
}
