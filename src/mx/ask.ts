import type { Resolver } from '../dns/types.ts';
import { type AddressClass, addressClass } from '../net/address.ts';
import type { Check } from '../report.ts';
import { maskedKeyword } from '../smtp/extensions.ts';
import { KEY_TYPES } from '../smtp/tls.ts';
import type { Conversation, Place } from './conversation.ts';
import type { FoundHost } from './hosts.ts';
import type { Attempt } from './intrusive.ts';
import { type Iprev, iprev } from './reverse.ts';
import type { Switchboard } from './switchboard.ts';
import { sweepVersions, type VersionSweep } from './versions.ts';

/** A port that is asked, and whether TLS comes first there. */
export type Service = { readonly port: number; readonly implicitTls: boolean };

export type AskOptions = {
  readonly dns: Resolver;
  /** Holds the conversation with one server; a switchboard shares and paces them. */
  readonly talk: Switchboard['talk'];
  readonly services: readonly Service[];
  /** Connect to addresses that are not public, too. */
  readonly allowPrivate: boolean;
  /** Connect nowhere but to loopback. */
  readonly offline: boolean;
  /** Connect to nobody at all. */
  readonly dnsOnly?: boolean;
  /** Ask for each TLS version by itself, too: more connections. */
  readonly versions?: boolean;
  /** Ask for a certificate with each type of key, too: more connections. */
  readonly bothCertificates?: boolean;
  /** How often every server is asked for STARTTLS; what looks suspicious is asked three times anyway. */
  readonly repeat?: number;
  /** How often to ask again where nothing was learnt. */
  readonly retries?: number;
  readonly retryWaitMs?: number;
  /** Makes tests that a server may take amiss; see intrusive.ts. */
  readonly intrude?: (place: Place) => Promise<readonly Attempt[]>;
  /** Time between two rounds with a suspicious server, in milliseconds. */
  readonly repeatWaitMs?: number;
};

/** What one address said, in as many conversations as were held; or why it was not asked. */
export type Seen = {
  readonly found: FoundHost;
  readonly ip: string;
  readonly service: Service;
  readonly talk: Conversation | Check;
  /** The same question asked again, to see whether the answer stays. */
  readonly repeats: readonly Conversation[];
  /** With certificates of one type of key each. */
  readonly byKey: readonly Conversation[];
  readonly reverse: Iprev | null;
  readonly versions: VersionSweep | null;
  readonly attempts: readonly Attempt[];
};

/** Whether the server was asked at all. */
export function isTalk(talk: Conversation | Check): talk is Conversation {
  return 'phase' in talk;
}

/** Rounds with a server whose answer looks as if somebody had changed it. */
const SUSPICIOUS_ROUNDS = 3;

/** Why an address must not be connected to from here, if so. */
function forbidden(ip: string, { allowPrivate, offline, dnsOnly }: AskOptions): Check | undefined {
  const kind: AddressClass = addressClass(ip) ?? 'reserved';
  if (kind !== 'public' && !allowPrivate) {
    return {
      id: 'net.not-public',
      status: 'crit',
      message: `${ip} is not a public address (${kind}): mail from outside cannot reach it.`,
      fix: 'In a laboratory, --allow-private connects to it all the same.',
    };
  }
  if (dnsOnly) return { id: 'net.dns-only', status: 'ok', info: true, message: 'Not asked: --dns-only.' };
  if (offline && kind !== 'loopback') {
    return {
      id: 'net.offline',
      status: 'unknown',
      message: `Not tested: --offline connects to loopback only.`,
    };
  }
  return undefined;
}

/** A refusal that may be gone in a while: greylisting, too many connections, nothing heard. */
function mayPass({ starttls, tls, fault }: Conversation): boolean {
  if (!fault || tls || starttls === 'not-offered' || fault.kind === 'no-route') return false;
  return starttls !== 'offered' || (fault.kind === 'rejected' && (fault.reply?.code ?? 0) < 500);
}

async function patiently(
  place: Place,
  { talk, retries = 0, retryWaitMs = 0 }: AskOptions,
): Promise<Conversation> {
  let said = await talk(place);
  for (let round = 1; round <= retries && mayPass(said); round++) {
    said = await talk(place, { kind: 'retry', round, waitMs: retryWaitMs });
  }
  return said;
}

/**
 * A handshake that the server refuses may come about without a certificate: senders that look at none offer that, too.
 * The first conversation counts if it does not.
 */
async function perhapsAnonymous(
  place: Place,
  first: Conversation,
  { talk }: AskOptions,
): Promise<Conversation> {
  if (first.tls || first.fault?.kind !== 'alert') return first;
  const second = await talk(place, { kind: 'anonymous' });
  return second.tls ? second : first;
}

async function again(place: Place, rounds: number, options: AskOptions): Promise<Conversation[]> {
  const repeats: Conversation[] = [];
  for (let round = 2; round <= rounds; round++) {
    repeats.push(await options.talk(place, { kind: 'repeat', round, waitMs: options.repeatWaitMs ?? 0 }));
  }
  return repeats;
}

async function withEachKey(place: Place, { talk }: AskOptions): Promise<Conversation[]> {
  const talks: Conversation[] = [];
  for (const key of KEY_TYPES) talks.push(await talk(place, { kind: 'key', key }));
  return talks;
}

/** SNI says the TLSA base domain where DANE applies (RFC 7672 §8.1), else the exchanger's name. */
function sniName({ host, dane }: FoundHost): string {
  return dane.kind === 'records' ? dane.base : host;
}

async function askAddress(
  found: FoundHost,
  ip: string,
  service: Service,
  options: AskOptions,
): Promise<Seen> {
  const nothing = { found, ip, service, repeats: [], byKey: [], reverse: null, versions: null, attempts: [] };
  const refusal = forbidden(ip, options);
  if (refusal) return { ...nothing, talk: refusal };
  const place: Place = { host: sniName(found), ip, ...service };
  const [first, reverse] = await Promise.all([patiently(place, options), iprev(ip, options.dns)]);
  const talk = await perhapsAnonymous(place, first, options);
  const versions = options.versions && talk.tls ? await sweepVersions(place, options.talk) : null;
  const byKey = options.bothCertificates && talk.tls ? await withEachKey(place, options) : [];
  const repeats = await again(place, options.repeat ?? 1, options);
  const attempts = (talk.ehlo ?? talk.ehloInTls) ? ((await options.intrude?.(place)) ?? []) : [];
  return { ...nothing, talk, reverse, versions, byKey, repeats, attempts };
}

/** STARTTLS is not offered, and there is reason to doubt that the server itself says so. */
function isSuspicious({ talk, repeats }: Seen, all: readonly Seen[]): boolean {
  if (!isTalk(talk) || talk.starttls !== 'not-offered' || repeats.length > 0) return false;
  const masked = talk.ehlo !== null && maskedKeyword(talk.ehlo) !== undefined;
  return masked || all.some((other) => isTalk(other.talk) && other.talk.starttls === 'offered');
}

/**
 * Talk to the addresses of all hosts, one connection each; more where the options ask for it, or where an answer
 * looks as if somebody on the way had changed it.
 */
export async function askAll(hosts: readonly FoundHost[], options: AskOptions): Promise<Seen[]> {
  const jobs = hosts.flatMap((found) =>
    found.ips.flatMap((ip) => options.services.map((service) => ({ found, ip, service }))),
  );
  const seen = await Promise.all(
    jobs.map(({ found, ip, service }) => askAddress(found, ip, service, options)),
  );
  return Promise.all(
    seen.map(async (one) => {
      if (!isSuspicious(one, seen)) return one;
      const place: Place = { host: sniName(one.found), ip: one.ip, ...one.service };
      return { ...one, repeats: await again(place, SUSPICIOUS_ROUNDS, options) };
    }),
  );
}
