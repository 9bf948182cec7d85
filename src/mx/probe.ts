import type { Dnssec, Resolver } from '../dns/types.ts';
import { type AddressClass, addressClass } from '../net/address.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { MxAddressResult, MxHostResult, MxProbeResult } from '../schema/mx-probe.ts';
import { coversHost } from '../smtp/certificate.ts';
import type { TlsFacts } from '../smtp/tls.ts';
import { findTlsRpt, tlsRptCheck } from '../tls-rpt/record.ts';
import type { Conversation } from './conversation.ts';
import { type Exchangers, findExchangers } from './exchangers.ts';
import { judgeConversation } from './judge.ts';
import { type Iprev, iprev, iprevCheck } from './reverse.ts';
import { senderOutcomes } from './senders.ts';
import type { Switchboard } from './switchboard.ts';
import type { Target } from './target.ts';
import { summarize } from './verdict.ts';
import { sweepVersions, type VersionSweep, versionsCheck } from './versions.ts';

export type ProbeOptions = {
  readonly dns: Resolver;
  /** Holds the conversation with one server; a {@link createSwitchboard} shares and paces them. */
  readonly talk: Switchboard['talk'];
  readonly port: number;
  /** Connect to addresses that are not public, too. */
  readonly allowPrivate: boolean;
  /** Connect nowhere but to loopback. */
  readonly offline: boolean;
  /** When expiry is judged, in milliseconds since the epoch. */
  readonly asOfMs: number;
  /** Ask for each TLS version by itself, too: more connections. */
  readonly versions?: boolean;
};

/** Most addresses of one exchanger that are tried. */
const MAX_ADDRESSES = 16;

type FoundHost = {
  readonly host: string;
  readonly preference: number | null;
  readonly cnames: readonly string[];
  readonly dnssec: Dnssec;
  readonly ips: readonly string[];
  readonly checks: readonly Check[];
};

/** Both address types in one: what was found, or why there is nothing. */
async function findHost(host: string, preference: number, dns: Resolver): Promise<FoundHost> {
  const [a, aaaa] = await Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')]);
  const ips = [a, aaaa].flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
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
  for (const answer of [a, aaaa]) {
    if (answer.kind !== 'failed') continue;
    checks.push({
      id: answer.dnssec === 'bogus' ? 'dns.bogus' : 'dns.address',
      status: 'unknown',
      message: `The DNS did not tell the ${answer.type} addresses of ${host}: ${answer.message}.`,
      evidence: `${answer.rcode} from ${answer.server}`,
    });
  }
  if (ips.length === 0 && checks.every(({ status }) => status !== 'unknown')) {
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
    checks,
  };
}

/** Why an address must not be connected to from here, if so. */
function forbidden(ip: string, { allowPrivate, offline }: ProbeOptions): Check | undefined {
  const kind: AddressClass = addressClass(ip) ?? 'reserved';
  if (kind !== 'public' && !allowPrivate) {
    return {
      id: 'net.not-public',
      status: 'crit',
      message: `${ip} is not a public address (${kind}): mail from outside cannot reach it.`,
      fix: 'In a laboratory, --allow-private connects to it all the same.',
    };
  }
  if (offline && kind !== 'loopback') {
    return {
      id: 'net.offline',
      status: 'unknown',
      message: `Not tested: --offline connects to loopback only.`,
    };
  }
  return undefined;
}

type Seen = {
  readonly found: FoundHost;
  readonly ip: string;
  readonly talk: Conversation | Check;
  readonly reverse: Iprev | null;
  readonly versions: VersionSweep | null;
};

function isTalk(talk: Conversation | Check): talk is Conversation {
  return 'phase' in talk;
}

/** Talks to the addresses of all hosts, one connection each. */
function talkToAll(hosts: readonly FoundHost[], options: ProbeOptions): Promise<Seen[]> {
  const jobs = hosts.flatMap((found) => found.ips.map((ip) => ({ found, ip })));
  return Promise.all(
    jobs.map(async ({ found, ip }) => {
      const refusal = forbidden(ip, options);
      if (refusal) return { found, ip, talk: refusal, reverse: null, versions: null };
      const talking = options.talk(found.host, ip, options.port);
      const [talk, reverse] = await Promise.all([talking, iprev(ip, options.dns)]);
      const sweep = options.versions && talk.starttls === 'offered';
      const versions = sweep ? await sweepVersions(found.host, ip, options.port, options.talk) : null;
      return { found, ip, talk, reverse, versions };
    }),
  );
}

function tlsFields(tls: TlsFacts | null, host: string): Pick<MxAddressResult, 'tls' | 'certificate'> {
  if (!tls) return { tls: null, certificate: null };
  const { certificate, ...negotiated } = tls;
  return {
    tls: negotiated,
    certificate: certificate && {
      ...certificate,
      names: [...certificate.names],
      coversHost: coversHost(certificate, host),
    },
  };
}

function untested(ip: string, port: number, check: Check): MxAddressResult {
  return {
    ip,
    port,
    status: check.status,
    phase: 'connect',
    fault: null,
    starttls: 'unknown',
    tls: null,
    certificate: null,
    versions: null,
    iprev: null,
    banner: null,
    extensions: null,
    extensionsInTls: null,
    elapsedMs: 0,
    checks: [check],
  };
}

function addressResult(
  seen: Conversation,
  host: string,
  { reverse, versions }: Pick<Seen, 'reverse' | 'versions'>,
  checks: Check[],
): MxAddressResult {
  const { ip, port, phase, fault, starttls, banner, ehlo, ehloInTls, tls, elapsedMs } = seen;
  const names = (extensions?: ReadonlyMap<string, string>) => (extensions ? [...extensions.keys()] : null);
  return {
    ip,
    port,
    status: worst(checks.map(({ status }) => status)),
    phase,
    fault: fault && {
      phase: fault.phase,
      kind: fault.kind,
      message: fault.message,
      ...(fault.evidence !== undefined && { evidence: fault.evidence }),
    },
    starttls,
    ...tlsFields(tls, host),
    versions,
    iprev: reverse,
    banner: banner?.lines[0] ?? null,
    extensions: names(ehlo?.extensions),
    extensionsInTls: names(ehloInTls?.extensions),
    elapsedMs,
    checks,
  };
}

function hostResults(
  hosts: readonly FoundHost[],
  seen: readonly Seen[],
  options: ProbeOptions,
): MxHostResult[] {
  const offeredAt = new Set(
    seen
      .filter(({ talk }) => isTalk(talk) && talk.starttls === 'offered')
      .map(({ ip, found }) => `${found.host} ${ip}`),
  );
  return hosts.map(({ host, preference, cnames, dnssec, checks }) => {
    const addresses = seen
      .filter(({ found }) => found.host === host)
      .map(({ ip, talk, reverse, versions }) => {
        if (!isTalk(talk)) return untested(ip, options.port, talk);
        const elsewhere = offeredAt.size > (offeredAt.has(`${host} ${ip}`) ? 1 : 0);
        const checks = [
          ...judgeConversation(talk, host, elsewhere, options.asOfMs),
          ...(versions ? [versionsCheck(versions)] : []),
          ...(reverse ? [iprevCheck(ip, reverse)] : []),
        ];
        return addressResult(talk, host, { reverse, versions }, checks);
      });
    const states = [...addresses.map(({ status }) => status), ...checks.map(({ status }) => status)];
    return { host, preference, cnames: [...cnames], status: worst(states), addresses, dnssec };
  });
}

/** A target that names one server, without a look-up of exchangers. */
function literalHost(ip: string): FoundHost {
  return { host: ip, preference: null, cnames: [], dnssec: 'indeterminate', ips: [ip], checks: [] };
}

async function exchangersOf(
  target: Target,
  dns: Resolver,
): Promise<{ found: FoundHost[]; exchangers: Exchangers | null }> {
  if (target.kind === 'address') return { found: [literalHost(target.ip)], exchangers: null };
  const exchangers = await findExchangers(target.domain, dns);
  const unique = new Map(exchangers.hosts.map((mx) => [mx.exchange, mx] as const).reverse());
  const hosts = exchangers.hosts.filter((mx) => unique.get(mx.exchange) === mx);
  const found = await Promise.all(
    hosts.map(({ exchange, preference }) =>
      addressClassOf(exchange) ? literalHost(exchange) : findHost(exchange, preference, dns),
    ),
  );
  return { found, exchangers };
}

/** Whether an exchanger's name is in truth an IPv4 address. */
function addressClassOf(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

/**
 * Ask every exchanger and address of a domain for STARTTLS, one connection each, and say what a sender can
 * expect. Never throws for what DNS and servers do; throws the signal's reason when aborted.
 */
export async function probeTarget(target: Target, options: ProbeOptions): Promise<MxProbeResult> {
  const { found, exchangers } = await exchangersOf(target, options.dns);
  const hosts = hostResults(found, await talkToAll(found, options), options);
  const receives = exchangers?.kind === 'listed' || exchangers?.kind === 'implicit';
  const tlsRpt = receives && target.kind === 'domain' ? await findTlsRpt(target.domain, options.dns) : null;
  const checks = [
    ...(exchangers?.checks ?? []),
    ...found.flatMap((host) => host.checks),
    ...(tlsRpt && target.kind === 'domain' ? [tlsRptCheck(target.domain, tlsRpt)] : []),
  ];
  const status: Status = worst([...checks, ...hosts].map((part) => part.status));
  const domain = target.kind === 'address' ? target.ip : target.domain;
  const kind = exchangers?.kind ?? 'address';
  return {
    target: target.text,
    status,
    summary: summarize(domain, kind, hosts, checks),
    checks,
    domain,
    exchangers: { kind, hosts: found.map(({ host }) => host), dnssec: exchangers?.dnssec ?? 'indeterminate' },
    hosts,
    tlsRpt,
    senders: senderOutcomes(domain, hosts),
  };
}
