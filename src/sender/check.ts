import { tlsaText } from '../dane/tlsa.ts';
import { boundedResolver } from '../dns/bounded.ts';
import type { MxRecord, Resolver } from '../dns/types.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { DomainCheckResult } from '../schema/domain-check.ts';
import { lintSpf } from '../spf/lint.ts';
import { surveyedRecord } from '../spf/report.ts';
import { type SpfSurvey, surveySpf } from '../spf/survey.ts';
import { findTlsRpt, tlsRptCheck } from '../tls-rpt/record.ts';
import { bimiChecks, viewBimi } from './bimi.ts';
import { dkimChecks, viewDkim } from './dkim.ts';
import { dmarcChecks, viewDmarc } from './dmarc.ts';
import { type Incoming, incomingDaneChecks, incomingStsChecks, viewIncoming } from './incoming.ts';
import { askVoucher, vouchingChecks } from './vouching.ts';

export type DomainWorld = {
  readonly dns: Resolver;
  readonly nowMs: number;
  /** DKIM selectors to look at; without any, common ones are tried. */
  readonly selectors: readonly string[];
  /** Those who vouch for domains and are to be asked about this one (RFC 5518). */
  readonly vouchers: readonly string[];
  /** A label that nobody uses, made up for this run. */
  readonly madeUp: string;
  /** Port in the names of TLSA records. */
  readonly tlsaPort: number;
  /** Finds the MTA-STS policy of a domain. */
  readonly mtaSts: (domain: string) => Promise<MtaSts>;
};

/** For one domain: its SPF alone may take 250 questions, its selectors 70. */
const BOUNDS = { queries: 500, questionMs: 15_000, totalMs: 45_000 };

/** A side of a sender's DNS: what was seen of it goes into the result under its name. */
type Part = keyof Pick<
  DomainCheckResult,
  'spf' | 'dkim' | 'dmarc' | 'bimi' | 'mtaSts' | 'dane' | 'tlsRpt' | 'vbr'
>;

const ORDER: readonly Part[] = ['spf', 'dkim', 'dmarc', 'bimi', 'mtaSts', 'dane', 'tlsRpt', 'vbr'];

/**
 * Look at what a domain publishes for its mail: SPF, DKIM keys, DMARC, BIMI, TLS reporting, and what it promises about
 * encryption to those who send to it (MTA-STS, DANE), each with what to publish instead. Never throws for what the DNS says.
 *
 * @param domain  A-labels, lower case, without the final dot
 */
export async function checkDomain(domain: string, world: DomainWorld): Promise<DomainCheckResult> {
  const dns = boundedResolver(world.dns, BOUNDS);
  const mx = await dns.resolve(domain, 'MX');
  if (mx.kind === 'absent') return noDomain(domain);
  const [survey, keys, policy, tlsRpt, incoming, vouchings] = await Promise.all([
    surveySpf(domain, dns),
    viewDkim(domain, world.selectors, { ...world, dns }),
    viewDmarc(domain, dns),
    findTlsRpt(domain, dns),
    viewIncoming(domain, { ...world, dns }),
    Promise.all(world.vouchers.map((voucher) => askVoucher(domain, voucher, dns))),
  ]);
  const logo = await viewBimi(domain, policy, dns);
  const silent = sendsNothing(survey);
  const checks: Readonly<Record<Part, readonly Check[]>> = {
    spf: lintSpf(survey),
    dkim: dkimChecks(domain, keys, silent),
    dmarc: dmarcChecks(domain, policy, silent),
    bimi: silent ? [] : bimiChecks(domain, logo, policy),
    mtaSts: incomingStsChecks(domain, incoming),
    dane: incomingDaneChecks(incoming),
    tlsRpt: mx.kind === 'found' && takesMail(mx.records) ? [tlsRptCheck(domain, tlsRpt)] : [],
    vbr: vouchingChecks(domain, vouchings),
  };
  const stateOf = (part: Part, told = true): Status =>
    worst([...checks[part].map(({ status }) => status), told ? 'ok' : 'unknown']);
  const incomingTold = incoming.untold.length === 0;
  const all = ORDER.flatMap((part) => checks[part]);
  return {
    target: domain,
    status: worst(all.map(({ status }) => status)),
    summary: summaryOf(domain, all, silent),
    checks: all,
    domain,
    sendsMail: !silent,
    spf: { status: stateOf('spf'), ...spfPart(survey) },
    dkim: { status: stateOf('dkim'), wildcard: keys.wildcard, selectors: keys.selectors.map(selectorPart) },
    dmarc: { status: stateOf('dmarc'), ...dmarcPart(policy) },
    bimi: { status: stateOf('bimi', silent || logo.kind !== 'unknown'), ...bimiPart(logo) },
    mtaSts: { status: stateOf('mtaSts', incomingTold), ...mtaStsPart(incoming) },
    dane: { status: stateOf('dane', incomingTold), hosts: incoming.hosts.map(daneHost) },
    tlsRpt: {
      status: stateOf('tlsRpt', tlsRpt.kind !== 'unknown'),
      record: 'record' in tlsRpt ? tlsRpt.record : null,
    },
    vbr: { status: stateOf('vbr'), vouchings: [...vouchings] },
  };
}

/** `v=spf1 -all` and nothing else: the domain says that no server sends in its name. */
function sendsNothing({ records: [top] }: SpfSurvey): boolean {
  if (top?.state.kind !== 'read') return false;
  const { mechanisms, redirect } = top.state.record;
  return redirect === null && mechanisms.length === 1 && mechanisms[0]?.text.toLowerCase() === '-all';
}

/** RFC 7505: an exchanger without a name stands for none. */
function takesMail(exchangers: readonly MxRecord[]): boolean {
  return exchangers.some(({ exchange }) => exchange !== '.' && exchange !== '');
}

function summaryOf(domain: string, checks: readonly Check[], silent: boolean): string {
  const count = (status: Status) => checks.filter((check) => check.status === status).length;
  const parts = [
    [count('crit'), 'critical'],
    [count('warn'), count('warn') === 1 ? 'warning' : 'warnings'],
    [count('unknown'), 'unknown'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const sends = silent ? ' (it says that it sends no mail)' : '';
  if (told.length > 0 && count('crit') + count('warn') === 0)
    return `It could not be told whether all is in order that ${domain} publishes for its mail${sends}.`;
  return told.length === 0
    ? `What ${domain} publishes for its mail is in order${sends}.`
    : `What ${domain} publishes for its mail${sends} leaves something to be desired: ${told.join(', ')}.`;
}

function spfPart({ records, lookups, voids }: SpfSurvey) {
  return { lookups, voidLookups: voids.length, records: records.map(surveyedRecord) };
}

function selectorPart({ selector, given, key }: Awaited<ReturnType<typeof viewDkim>>['selectors'][number]) {
  const { name, state, type, bits, testing } = key;
  return { selector, given, name, state, type, bits, testing };
}

function dmarcPart({ discovery: { policy, orgDomain } }: Awaited<ReturnType<typeof viewDmarc>>) {
  return {
    record: policy?.record.text ?? null,
    policyDomain: policy?.domain ?? null,
    orgDomain,
    p: policy?.record.p ?? null,
    sp: policy?.record.sp ?? null,
    rua: [...(policy?.record.rua ?? [])],
  };
}

function bimiPart(found: Awaited<ReturnType<typeof viewBimi>>) {
  if (found.kind !== 'found') return { record: null, location: null, authority: null };
  const { text, location, authority } = found.record;
  return { record: text, location, authority };
}

function mtaStsPart({ mtaSts, untold }: Incoming) {
  const policy = mtaSts?.kind === 'found' ? mtaSts.policy : null;
  const kind = untold.length > 0 ? 'unknown' : (mtaSts?.kind ?? null);
  return { kind, mode: policy?.mode ?? null, mx: [...(policy?.mx ?? [])] };
}

function daneHost({ host, dane }: Incoming['hosts'][number]) {
  return { host, kind: dane.kind, records: dane.kind === 'records' ? dane.records.map(tlsaText) : [] };
}

function noDomain(domain: string): DomainCheckResult {
  const message = `There is no domain ${domain}.`;
  const nothing = { status: 'ok' as const };
  return {
    target: domain,
    status: 'crit',
    summary: message,
    checks: [
      {
        id: 'domain.exists',
        status: 'crit',
        message,
        fix: 'Check the spelling, and whether the domain is registered and delegated.',
      },
    ],
    domain,
    sendsMail: false,
    spf: { ...nothing, lookups: 0, voidLookups: 0, records: [] },
    dkim: { ...nothing, wildcard: false, selectors: [] },
    dmarc: { ...nothing, record: null, policyDomain: null, orgDomain: null, p: null, sp: null, rua: [] },
    bimi: { ...nothing, record: null, location: null, authority: null },
    mtaSts: { ...nothing, kind: null, mode: null, mx: [] },
    dane: { ...nothing, hosts: [] },
    tlsRpt: { ...nothing, record: null },
    vbr: { ...nothing, vouchings: [] },
  };
}
