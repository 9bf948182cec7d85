import type { Resolver } from '../dns/types.ts';
import { addressClass } from '../net/address.ts';
import type { CachedPolicy } from './cache.ts';
import { createPolicyFetcher, type PolicyReply } from './fetch.ts';
import { parsePolicy } from './policy.ts';
import { parseStsRecord, type StsRecord } from './record.ts';
import type { MtaSts, MtaStsFound, MtaStsWorld, PolicyHostVersions, PolicyProblem } from './types.ts';

/** Most addresses of a policy host that are tried. */
const MAX_ADDRESSES = 16;

/** A clock that steps back a little does not lose a policy; one kept in the far future was written by a wrong one. */
const CLOCK_STEP_MS = 86_400_000;

type Published = StsRecord | { readonly kind: 'unknown'; readonly reason: string };

async function publishedBy(domain: string, dns: Resolver): Promise<Published> {
  const name = `_mta-sts.${domain}`;
  if (name.length > 253) return { kind: 'none' }; // no such name can be
  const answer = await dns.resolve(name, 'TXT');
  if (answer.kind === 'failed') return { kind: 'unknown', reason: answer.message };
  return answer.kind === 'found' ? parseStsRecord(answer.records) : { kind: 'none' };
}

/** A kept policy that is still alive (RFC 8461 §3.2: max_age). */
type Kept = CachedPolicy & Pick<MtaStsFound, 'policy' | 'oddities'>;

async function keptPolicy(domain: string, { cache, now }: MtaStsWorld): Promise<Kept | null> {
  const entry = (await cache?.read(domain)) ?? null;
  if (!entry) return null;
  const parsed = parsePolicy(entry.text);
  if ('error' in parsed) return null;
  const ageMs = now() - entry.fetchedMs;
  if (ageMs < -CLOCK_STEP_MS || ageMs >= parsed.policy.maxAgeSeconds * 1000) return null;
  return { ...entry, ...parsed };
}

type Vetted =
  | { readonly kind: 'addresses'; readonly ips: readonly string[] }
  | { readonly kind: 'failed'; readonly problem: PolicyProblem }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The addresses of the policy host that may be connected to from here. */
async function vettedAddresses(host: string, world: MtaStsWorld): Promise<Vetted> {
  const failed = (reason: string, evidence?: string): Vetted => ({
    kind: 'failed',
    problem: { result: 'sts-policy-fetch-error', reason, ...(evidence !== undefined && { evidence }) },
  });
  const answers = await Promise.all([world.dns.resolve(host, 'A'), world.dns.resolve(host, 'AAAA')]);
  const ips = answers.flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  const failure = answers.find((answer) => answer.kind === 'failed');
  if (ips.length === 0) {
    if (failure?.kind === 'failed') {
      const why = failure.message.replace(/\.$/, '');
      return { kind: 'unknown', reason: `the DNS did not tell the addresses of ${host}: ${why}` };
    }
    return failed(`${host} has no address`);
  }
  const open = ips.filter((ip) => world.allowPrivate || addressClass(ip) === 'public');
  if (open.length === 0) {
    const kind = addressClass(ips[0] ?? '') ?? 'reserved';
    return failed(`${host} has no public address (${kind})`, ips.slice(0, MAX_ADDRESSES).join(', '));
  }
  const allowed = world.offline ? open.filter((ip) => addressClass(ip) === 'loopback') : open;
  if (allowed.length === 0)
    return { kind: 'unknown', reason: `${host} was not asked: offline, only loopback is connected to` };
  return { kind: 'addresses', ips: allowed.slice(0, MAX_ADDRESSES) };
}

/** What one of the addresses said, or none: then what tells most of why. */
type Asked = { readonly ip: string; readonly reply: PolicyReply };

/** Address after address until one answers; each gets its share of the time that is left. */
async function fetchFromAny(host: string, ips: readonly string[], world: MtaStsWorld): Promise<Asked> {
  const fetcher = world.fetch ?? createPolicyFetcher(world.ca);
  const deadline = AbortSignal.timeout(world.timeoutMs);
  const signal = world.signal ? AbortSignal.any([world.signal, deadline]) : deadline;
  const startedMs = performance.now();
  const silent: Asked[] = [];
  for (const [index, ip] of ips.entries()) {
    const leftMs = Math.max(1, world.timeoutMs - (performance.now() - startedMs));
    const connectTimeoutMs = Math.ceil(leftMs / (ips.length - index));
    const asOfMs = world.asOfMs ?? world.now();
    const reply = await fetcher({ host, ip, port: world.httpsPort, asOfMs, connectTimeoutMs, signal });
    world.signal?.throwIfAborted();
    if (reply.kind === 'text' || reply.kind === 'failed') return { ip, reply };
    silent.push({ ip, reply });
    if (deadline.aborted) break;
  }
  const [told] = silent.toSorted(
    (a, b) => Number(a.reply.kind === 'no-route') - Number(b.reply.kind === 'no-route'),
  );
  if (!told) throw new Error('a policy host without addresses was asked');
  return told;
}

async function versionsOf(host: string, ip: string, world: MtaStsWorld): Promise<PolicyHostVersions | null> {
  if (!world.checkVersions) return null;
  const { checkPolicyHost } = await import('./policy-host.ts');
  return checkPolicyHost({
    host,
    ip,
    port: world.httpsPort,
    ca: world.ca === undefined ? [] : [world.ca],
    timeoutMs: world.timeoutMs,
    ...(world.signal && { signal: world.signal }),
  });
}

type Fetched =
  | { readonly kind: 'policy'; readonly found: MtaStsFound }
  | { readonly kind: 'failed'; readonly problem: PolicyProblem }
  | { readonly kind: 'unknown'; readonly reason: string };

function typeOddity(mediaType: string): string[] {
  if (mediaType === 'text/plain') return [];
  return [
    mediaType === ''
      ? 'The policy is served without a Content-Type; text/plain is expected.'
      : `The policy is served as ${mediaType}; text/plain is expected.`,
  ];
}

async function fetchPolicy(id: string, host: string, world: MtaStsWorld): Promise<Fetched> {
  const vetted = await vettedAddresses(host, world);
  if (vetted.kind !== 'addresses') return vetted;
  const { ips } = vetted;
  const { ip, reply } = await fetchFromAny(host, ips, world);
  if (reply.kind === 'no-route') return { kind: 'unknown', reason: reply.problem.reason };
  if (reply.kind !== 'text') return { kind: 'failed', problem: reply.problem };
  const parsed = parsePolicy(reply.text);
  if ('error' in parsed) {
    const { error: reason, line: evidence } = parsed;
    const problem = { result: 'sts-policy-invalid', reason, ...(evidence && { evidence }) } as const;
    return { kind: 'failed', problem };
  }
  const found: MtaStsFound = {
    kind: 'found',
    id,
    policy: parsed.policy,
    source: 'fetched',
    text: reply.text,
    oddities: [...typeOddity(reply.mediaType), ...parsed.oddities],
    host,
    ips,
    servedBy: ip,
    versions: await versionsOf(host, ip, world),
    certificate: reply.certificate,
  };
  return { kind: 'policy', found };
}

function fromCache(
  { policy, text, oddities }: Kept,
  id: string | null,
  host: string,
  fault?: PolicyProblem,
): MtaStsFound {
  return {
    kind: 'found',
    id,
    policy,
    source: 'cache',
    text,
    oddities,
    host,
    ips: [],
    servedBy: null,
    versions: null,
    certificate: null,
    ...(fault && { refreshFault: fault }),
  };
}

function notRenewed(reason: string): PolicyProblem {
  return { result: 'sts-policy-fetch-error', reason };
}

/** Without a record that counts a kept policy goes on until it dies (RFC 8461 §5.1), as records can be suppressed. */
function withoutRecord(published: Exclude<Published, { kind: 'record' }>, kept: Kept, host: string): MtaSts {
  const reason = published.kind === 'none' ? 'there is no record any more' : published.reason;
  return fromCache(kept, null, host, notRenewed(reason));
}

/**
 * The MTA-STS policy that applies to mail for a domain: record, policy host, and what was kept from before
 * (RFC 8461 §3.3 and §5.1).
 *
 * @param domain  A-labels, lower case, without the final dot: the domain behind the @, never an exchanger
 * @returns what was found; never throws for what the DNS and the policy host do
 * @throws the reason of `world.signal` when it is aborted; Error when `world.ca` is no PEM certificate
 */
export async function findMtaSts(domain: string, world: MtaStsWorld): Promise<MtaSts> {
  const host = `mta-sts.${domain}`;
  const [published, kept] = await Promise.all([publishedBy(domain, world.dns), keptPolicy(domain, world)]);
  world.signal?.throwIfAborted();
  if (published.kind !== 'record') return kept ? withoutRecord(published, kept, host) : published;
  const { id } = published;
  if (kept?.id === id && !world.refresh) return fromCache(kept, id, host);
  const fetched = await fetchPolicy(id, host, world);
  if (fetched.kind === 'policy') {
    await world.cache?.write(domain, { id, text: fetched.found.text, fetchedMs: world.now() });
    return fetched.found;
  }
  if (fetched.kind === 'unknown')
    return kept ? fromCache(kept, id, host, notRenewed(fetched.reason)) : fetched;
  return kept ? fromCache(kept, id, host, fetched.problem) : { kind: 'failed', id, host, ...fetched.problem };
}
