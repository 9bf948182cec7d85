import { getDomain } from 'tldts';
import { discoverPolicy, dmarcLookups, type PolicyDiscovery } from '../dmarc/discover.ts';
import { type DmarcRecord, type Policy, policiesOf } from '../dmarc/record.ts';
import type { Resolver } from '../dns/types.ts';
import { txtLine } from '../dns/zone-text.ts';
import type { Check } from '../report.ts';

/** What a domain asks receivers to do with mail that only claims to come from it. */
export type DmarcView = {
  readonly discovery: PolicyDiscovery;
  /** Domains that reports are to go to and that have not agreed to it (RFC 9990). */
  readonly unwilling: readonly string[];
};

/** Most report addresses that are looked at. */
const MAX_URIS = 10;

export async function viewDmarc(domain: string, dns: Resolver): Promise<DmarcView> {
  const discovery = await discoverPolicy(domain, dmarcLookups(dns));
  const { policy } = discovery;
  const uris = policy === null ? [] : [...policy.record.rua, ...policy.record.ruf].slice(0, MAX_URIS);
  const elsewhere = [...new Set(uris.map(hostOf))].filter(
    (host): host is string => host !== null && policy !== null && isOther(host, policy.domain),
  );
  const agreed = await Promise.all(elsewhere.map((host) => hasAgreed(host, policy?.domain ?? '', dns)));
  return { discovery, unwilling: elsewhere.filter((_, index) => agreed[index] === false) };
}

function hostOf(uri: string): string | null {
  return /^mailto:[^@\s]+@([a-z0-9._-]+)(?:!\d+[kmgt]?)?$/i.exec(uri)?.[1]?.toLowerCase() ?? null;
}

function isOther(host: string, domain: string): boolean {
  return (getDomain(host) ?? host) !== (getDomain(domain) ?? domain);
}

/** Whoever is to get reports about another domain says so at a name of theirs; null when that is not known. */
async function hasAgreed(host: string, domain: string, dns: Resolver): Promise<boolean | null> {
  const answer = await dns.resolve(`${domain}._report._dmarc.${host}`, 'TXT');
  if (answer.kind === 'failed') return null;
  return answer.kind === 'found' && answer.records.some((strings) => /^v=DMARC1\b/.test(strings.join('')));
}

/** @param silent  the domain says that it sends no mail */
export function dmarcChecks(domain: string, { discovery, unwilling }: DmarcView, silent: boolean): Check[] {
  const { policy, unknown, walk } = discovery;
  if (unknown !== null)
    return [
      finding(
        'dmarc.record',
        'unknown',
        `The policy of ${domain} could not be looked up: ${unknown.rcode}.`,
        'Try again.',
        '§4.10',
      ),
    ];
  const [own] = walk.steps;
  const spoiled = own?.kind === 'none' && own.texts.length > 0 ? [voidRecord(domain, own.texts)] : [];
  if (policy === null) return spoiled.length > 0 ? spoiled : [missing(domain, silent)];
  return [
    ...spoiled,
    ...policyChecks(domain, policy.domain, policy.record),
    ...legacyChecks(domain, policy.domain, policy.record),
    ...unwilling.map((host) => unwillingCheck(host, policy.domain)),
  ];
}

/** RFC 7489 §6.6.3, by which most receivers still go, looks at the domain and at the registered one only. */
function legacyChecks(domain: string, at: string, { text }: DmarcRecord): Check[] {
  const registered = getDomain(domain, { allowPrivateDomains: true }) ?? domain;
  if (at === domain || at === registered) return [];
  return [
    {
      id: 'dmarc.legacy',
      status: 'warn',
      message: `Receivers that go by RFC 7489 look at ${domain} and ${registered} and miss the record at ${at}.`,
      fix: `Publish it at the domain itself as well: ${publish(domain, text)}`,
      ref: 'RFC 7489 §6.6.3',
    },
  ];
}

function finding(
  id: string,
  status: 'warn' | 'crit' | 'unknown',
  message: string,
  fix: string,
  section: string,
  evidence?: string,
): Check {
  return {
    id,
    status,
    message,
    ...(evidence !== undefined && { evidence }),
    fix,
    ref: `RFC 9989 ${section}`,
  };
}

function publish(domain: string, text: string): string {
  return txtLine(`_dmarc.${domain}`, text);
}

function missing(domain: string, silent: boolean): Check {
  return finding(
    'dmarc.record',
    'warn',
    `${domain} has no DMARC record: whoever forges its name is not stopped by it.`,
    silent
      ? `Publish, as it sends no mail: ${publish(domain, 'v=DMARC1; p=reject')}`
      : `Begin with reports, go on to p=reject: ${publish(domain, `v=DMARC1; p=none; rua=mailto:dmarc@${domain}`)}`,
    '§4.7',
  );
}

function voidRecord(domain: string, texts: readonly string[]): Check {
  const message =
    texts.length > 1
      ? `${domain} has ${texts.length} DMARC records, so that none counts.`
      : `The DMARC record of ${domain} does not count: a tag stands twice in it.`;
  return finding(
    'dmarc.void',
    'crit',
    message,
    'Publish exactly one record, each tag once.',
    '§4.10',
    texts.join(' | '),
  );
}

const STRENGTH: Readonly<Record<Policy, number>> = { none: 0, quarantine: 1, reject: 2 };

function policyChecks(domain: string, at: string, record: DmarcRecord): Check[] {
  const policies = policiesOf(record);
  if (policies === null)
    return [
      finding(
        'dmarc.policy',
        'crit',
        `The DMARC record at ${at} asks for nothing: ${record.faults.join(', ')}.`,
        `Correct it: ${publish(at, `v=DMARC1; p=quarantine; rua=mailto:dmarc@${at}`)}`,
        '§4.7',
        record.text,
      ),
    ];
  const inherited = at !== domain;
  const asked = (inherited ? policies.sp : null) ?? policies.p;
  const checks: Check[] = [];
  if (asked === 'none')
    checks.push(
      finding(
        'dmarc.policy',
        'warn',
        `${domain} only watches (p=none${inherited ? ` from ${at}` : ''}): forged mail in its name is delivered.`,
        `When the reports show nothing of yours failing: ${publish(at, replacePolicy(record.text, inherited && policies.sp !== null ? 'sp' : 'p'))}`,
        '§4.7',
        record.text,
      ),
    );
  if (!inherited && policies.sp !== null && STRENGTH[policies.sp] < STRENGTH[policies.p])
    checks.push(
      finding(
        'dmarc.subdomains',
        'warn',
        `Names below ${at} are less protected (sp=${policies.sp}) than ${at} itself (p=${policies.p}).`,
        'Remove sp=, or make it as strict as p=.',
        '§4.7',
        record.text,
      ),
    );
  if (record.testing)
    checks.push(
      finding(
        'dmarc.testing',
        'warn',
        `${at} asks for its policy to be tested only (t=y).`,
        'Remove t=y when the reports are good.',
        '§4.7',
        record.text,
      ),
    );
  if (record.faults.length > 0)
    checks.push(
      finding(
        'dmarc.syntax',
        'warn',
        `The DMARC record at ${at} has mistakes: ${record.faults.join(', ')}.`,
        'Correct them; receivers pass over what they cannot read.',
        '§4.7',
        record.text,
      ),
    );
  if (record.rua.length === 0) checks.push(noReports(at, record));
  return checks.length > 0 ? checks : [inOrder(domain, at, asked)];
}

function replacePolicy(text: string, tag: 'p' | 'sp'): string {
  return text.replace(new RegExp(`(^|;)(\\s*${tag}\\s*=\\s*)none`, 'i'), '$1$2quarantine');
}

function noReports(at: string, record: DmarcRecord): Check {
  const text = `${record.text.replace(/;?\s*$/, '')}; rua=mailto:dmarc@${at}`;
  return {
    id: 'dmarc.reports',
    status: 'ok',
    info: true,
    message: `${at} asks for no reports: who sends in its name stays unknown there.`,
    fix: `Publish ${publish(at, text)}`,
    ref: 'RFC 9990',
  };
}

function inOrder(domain: string, at: string, asked: Policy): Check {
  const from = at === domain ? '' : ` (from ${at})`;
  return {
    id: 'dmarc.policy',
    status: 'ok',
    message: `${domain} asks for p=${asked}${from}.`,
    ref: 'RFC 9989 §4.7',
  };
}

function unwillingCheck(host: string, domain: string): Check {
  return {
    id: 'dmarc.reports.unwilling',
    status: 'warn',
    message: `Reports about ${domain} are to go to ${host}, which has not agreed to get them: they are not sent.`,
    fix: `${host} has to publish ${txtLine(`${domain}._report._dmarc.${host}`, 'v=DMARC1')}`,
    ref: 'RFC 9990',
  };
}
