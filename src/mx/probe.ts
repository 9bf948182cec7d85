import type { DaneLookup } from '../dane/lookup.ts';
import { tlsaText } from '../dane/tlsa.ts';
import type { DaneVerdict } from '../dane/verify.ts';
import { mtaStsChecks } from '../mta-sts/checks.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { MxAddressResult, MxHostResult, MxMtaSts, MxProbeResult } from '../schema/mx-probe.ts';
import { type CertificateFacts, coversHost } from '../smtp/certificate.ts';
import { KEY_TYPES } from '../smtp/tls.ts';
import { findTlsRpt, tlsRptCheck } from '../tls-rpt/record.ts';
import { type AskOptions, askAll, isTalk, type Seen } from './ask.ts';
import type { Conversation } from './conversation.ts';
import { daneAddressChecks, daneHostChecks, daneVerdict } from './dane.ts';
import { type Exchangers, findExchangers } from './exchangers.ts';
import { type FoundHost, findHost, literalHost } from './hosts.ts';
import { intrusiveChecks } from './intrusive.ts';
import { judgeConversation, type Rounds } from './judge.ts';
import { blockedCheck } from './local.ts';
import { resultType } from './result-type.ts';
import { iprevCheck } from './reverse.ts';
import { senderOutcomes } from './senders.ts';
import { stsAddressChecks } from './sts.ts';
import { findSubmission } from './submission.ts';
import type { Target } from './target.ts';
import { summarize } from './verdict.ts';
import { versionsCheck } from './versions.ts';

export type ProbeOptions = AskOptions & {
  /** When expiry is judged, in milliseconds since the epoch. */
  readonly asOfMs: number;
  /** Port in the names of TLSA records. */
  readonly tlsaPort: number;
  /** Finds the MTA-STS policy of a domain. */
  readonly mtaSts: (domain: string) => Promise<MtaSts>;
  /** The target is where mail programs submit, not where mail for the domain goes. */
  readonly submission?: boolean;
};

/** What a probe knows before anything is judged. */
type Evidence = {
  readonly domain: string;
  readonly found: readonly FoundHost[];
  readonly seen: readonly Seen[];
  readonly mtaSts: MtaSts | null;
  readonly options: ProbeOptions;
};

type JsonCertificate = NonNullable<MxAddressResult['certificate']>;

function certificateField(
  certificate: CertificateFacts | null | undefined,
  host: string,
): JsonCertificate | null {
  if (!certificate) return null;
  return { ...certificate, names: [...certificate.names], coversHost: coversHost(certificate, host) };
}

function tlsField({ tls }: Conversation): MxAddressResult['tls'] {
  if (!tls) return null;
  const { version, cipher, group, postQuantum } = tls;
  return { version, cipher, group, postQuantum };
}

const NOT_SEEN = {
  phase: 'connect',
  fault: null,
  refusedForGood: false,
  starttls: 'unknown',
  offers: null,
  tls: null,
  certificate: null,
  certificatesByKey: null,
  dane: null,
  resultType: null,
  versions: null,
  intrusive: null,
  iprev: null,
  banner: null,
  extensions: null,
  extensionsInTls: null,
  elapsedMs: 0,
} as const;

function untested({ ip, service }: Seen, check: Check): MxAddressResult {
  return { ip, port: service.port, status: check.status, ...NOT_SEEN, checks: [check] };
}

function roundsOf(talk: Conversation, { repeats }: Seen): Rounds | null {
  if (repeats.length === 0) return null;
  const told = [talk, ...repeats].filter(({ starttls }) => starttls !== 'unknown');
  return { rounds: told.length, offered: told.filter(({ starttls }) => starttls === 'offered').length };
}

/** The least fortunate verdict of those on the certificates that a server has. */
function daneField(verdicts: readonly DaneVerdict[]): MxAddressResult['dane'] {
  const order = ['mismatch', 'unusable', 'authenticated'];
  const [verdict] = verdicts.toSorted((a, b) => order.indexOf(a.result) - order.indexOf(b.result));
  if (!verdict) return null;
  const { result, reason, records } = verdict;
  return {
    result,
    reason,
    records: records.map(({ record, state, depth, reason }) => ({
      record: tlsaText(record),
      state,
      depth,
      reason,
    })),
  };
}

/** Whether senders that follow a policy look at the dates of this host's certificate. */
function datesMatter({ dane }: FoundHost, mtaSts: MtaSts | null): boolean {
  const anchored = dane.kind === 'records' && dane.records.some(({ certUsage }) => certUsage === 2);
  return anchored || (mtaSts?.kind === 'found' && mtaSts.policy.mode === 'enforce');
}

function judgeAddress(one: Seen, talk: Conversation, evidence: Evidence): MxAddressResult {
  const { found, service, reverse, versions, byKey, attempts } = one;
  const { options, domain, mtaSts, seen } = evidence;
  const offers = roundsOf(talk, one);
  const verdicts = [talk, ...byKey].flatMap((each) => daneVerdict(found, domain, each, options.asOfMs) ?? []);
  const others = seen.filter((other) => other !== one);
  const checks = [
    ...judgeConversation(talk, {
      host: found.host,
      nowMs: options.asOfMs,
      elsewhere:
        (offers?.offered ?? 0) > 0 ||
        others.some((other) => isTalk(other.talk) && other.talk.starttls === 'offered'),
      submission: options.submission ?? false,
      policy: datesMatter(found, mtaSts),
      offers,
      byKey,
    }),
    ...daneAddressChecks(found, talk, verdicts),
    ...stsAddressChecks(mtaSts, found.host, talk),
    ...(versions ? [versionsCheck(versions)] : []),
    ...(reverse ? [iprevCheck(one.ip, reverse)] : []),
    ...intrusiveChecks(attempts),
  ];
  const { ip, phase, fault, starttls, banner, ehlo, ehloInTls, tls, elapsedMs } = talk;
  const names = (extensions?: ReadonlyMap<string, string>) => (extensions ? [...extensions.keys()] : null);
  const dane = daneField(verdicts);
  return {
    ip,
    port: service.port,
    status: worst(checks.map(({ status }) => status)),
    phase,
    fault: fault && {
      phase: fault.phase,
      kind: fault.kind,
      message: fault.message,
      ...(fault.evidence !== undefined && { evidence: fault.evidence }),
    },
    refusedForGood: starttls === 'unknown' && (fault?.reply?.code ?? 0) >= 500,
    starttls,
    offers,
    tls: tlsField(talk),
    certificate: certificateField(tls?.certificate, found.host),
    certificatesByKey: byKey.length > 0 ? certificatesByKey(byKey, found.host) : null,
    dane,
    resultType: resultType({ talk, dane, host: found, mtaSts, nowMs: options.asOfMs }),
    versions,
    intrusive: attempts.length > 0 ? [...attempts] : null,
    iprev: reverse,
    banner: banner?.lines[0] ?? null,
    extensions: names(ehlo?.extensions),
    extensionsInTls: names(ehloInTls?.extensions),
    elapsedMs,
    checks,
  };
}

function certificatesByKey(byKey: readonly Conversation[], host: string) {
  const fields = byKey.map(({ tls }) => certificateField(tls?.certificate, host));
  return { rsa: fields[KEY_TYPES.indexOf('rsa')] ?? null, ecdsa: fields[KEY_TYPES.indexOf('ecdsa')] ?? null };
}

function hostDaneField(dane: DaneLookup, dnssec: FoundHost['dnssec']): MxHostResult['dane'] {
  const state = dane.kind === 'not-secure' ? dane.dnssec : dnssec;
  return {
    kind: dane.kind,
    name: dane.kind === 'not-secure' ? null : dane.name,
    dnssec: state,
    mxSecure: dane.kind === 'records' ? dane.mxSecure : null,
    reason: dane.kind === 'not-secure' || dane.kind === 'failed' ? dane.reason : null,
    records: dane.kind === 'records' ? [...dane.records] : [],
  };
}

function hostResults(evidence: Evidence): MxHostResult[] {
  return evidence.found.map((found) => {
    const { host, preference, cnames, dnssec, dane } = found;
    const addresses = evidence.seen
      .filter((one) => one.found === found)
      .map((one) => (isTalk(one.talk) ? judgeAddress(one, one.talk, evidence) : untested(one, one.talk)));
    const own = hostChecks(found, evidence.options);
    const states = [...addresses, ...own].map(({ status }) => status);
    return {
      host,
      preference,
      cnames: [...cnames],
      status: worst(states),
      addresses,
      dnssec,
      dane: hostDaneField(dane, dnssec),
    };
  });
}

function hostChecks(found: FoundHost, { submission }: ProbeOptions): Check[] {
  return [...found.checks, ...(submission ? [] : daneHostChecks(found))];
}

/** Whether an exchanger's name is in truth an IPv4 address. */
function isLiteral(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

type Way = {
  readonly kind: MxProbeResult['exchangers']['kind'];
  readonly found: readonly FoundHost[];
  readonly exchangers: Exchangers | null;
};

async function wayTo(target: Target, options: ProbeOptions): Promise<Way> {
  const { dns, tlsaPort } = options;
  if (target.kind === 'address')
    return { kind: 'address', found: [literalHost(target.ip)], exchangers: null };
  if (options.submission) {
    return { kind: 'submission', found: await findSubmission(target.domain, dns), exchangers: null };
  }
  const exchangers = await findExchangers(target.domain, dns);
  const unique = new Map(exchangers.hosts.map((mx) => [mx.exchange, mx] as const).reverse());
  const hosts = exchangers.hosts.filter((mx) => unique.get(mx.exchange) === mx);
  const found = await Promise.all(
    hosts.map(({ exchange, preference }) =>
      isLiteral(exchange)
        ? literalHost(exchange, preference)
        : findHost({ host: exchange, preference, mxDnssec: exchangers.dnssec }, tlsaPort, dns),
    ),
  );
  return { kind: exchangers.kind, found, exchangers };
}

function mtaStsField(found: MtaSts | null): MxMtaSts | null {
  if (!found) return null;
  const policy = found.kind === 'found' ? found.policy : null;
  const problem = found.kind === 'failed' ? found : found.kind === 'found' ? found.refreshFault : undefined;
  const reason = found.kind === 'invalid-record' || found.kind === 'unknown' ? found.reason : problem?.reason;
  return {
    kind: found.kind,
    id: found.kind === 'found' || found.kind === 'failed' ? found.id : null,
    mode: policy?.mode ?? null,
    maxAgeSeconds: policy?.maxAgeSeconds ?? null,
    mx: [...(policy?.mx ?? [])],
    source: found.kind === 'found' ? found.source : null,
    resultType: problem?.result ?? null,
    reason: reason ?? null,
  };
}

/** Whether there is anything to say about what senders would do. */
function asksServers(kind: Way['kind'], { dnsOnly = false }: ProbeOptions): boolean {
  return !dnsOnly && (kind === 'listed' || kind === 'implicit' || kind === 'address');
}

/**
 * Ask every exchanger and address of a domain for STARTTLS, one connection each, compare with what its DNS and its
 * MTA-STS policy promise, and say what a sender can expect. Never throws for what DNS and servers do; throws the
 * signal's reason when aborted.
 */
export async function probeTarget(target: Target, options: ProbeOptions): Promise<MxProbeResult> {
  const domain = target.kind === 'address' ? target.ip : target.domain;
  const { kind, found, exchangers } = await wayTo(target, options);
  const receives = kind === 'listed' || kind === 'implicit';
  const [seen, tlsRpt, mtaSts] = await Promise.all([
    askAll(found, options),
    receives ? findTlsRpt(domain, options.dns) : null,
    receives ? options.mtaSts(domain) : null,
  ]);
  const hosts = hostResults({ domain, found, seen, mtaSts, options });
  const names = found.map(({ host }) => host);
  const checks = [
    ...(exchangers?.checks ?? []),
    ...found.flatMap((host) => hostChecks(host, options)),
    ...(mtaSts ? mtaStsChecks(domain, mtaSts, names) : []),
    ...(tlsRpt ? [tlsRptCheck(domain, tlsRpt)] : []),
    ...blockedCheck(hosts),
  ];
  const status: Status = worst([...checks, ...hosts].map((part) => part.status));
  return {
    target: target.text,
    status,
    summary: summarize(domain, kind, hosts, checks, options.dnsOnly ?? false),
    checks,
    domain,
    exchangers: { kind, hosts: names, dnssec: exchangers?.dnssec ?? 'indeterminate' },
    hosts,
    mtaSts: mtaStsField(mtaSts),
    tlsRpt,
    senders: asksServers(kind, options) ? senderOutcomes(domain, hosts, mtaSts) : [],
  };
}
