import { randomBytes } from 'node:crypto';
import { MAX_CNAMES, type Walk, walkChain } from './chain.ts';
import { createGate } from './gate.ts';
import { createMemory } from './memory.ts';
import { isAskable } from './names.ts';
import { type Ask, createAsk, type Step, type StepFailed } from './query.ts';
import { lowerName } from './reader.ts';
import type { DnsServer } from './server.ts';
import { createTransport } from './transports.ts';
import type {
  Answer,
  Dnssec,
  ExtendedError,
  FailureCode,
  RecordData,
  RecordType,
  Resolver,
} from './types.ts';

export type StubOptions = {
  /** Asked in order; see `readResolvConf` and `parseResolver` in `system.ts`. */
  readonly servers: readonly [DnsServer, ...DnsServer[]];
  /** Time for one question to one server, TCP included, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** How often to ask again, each time the next server. Default 1, or enough to ask each server once. */
  readonly retries?: number;
  /** Most questions sent in the life of the resolver, repetitions counted. Default unlimited. */
  readonly budget?: number;
  /** Most questions under way at a time; others wait, their time not running. Default 256. */
  readonly parallel?: number;
  /** Believe AD whatever the way to the server (`--trust-ad`, `options trust-ad`). Default false. */
  readonly trustAd?: boolean;
  /** Certificates in PEM, trusted beside those of Node for `tls` and `https`. */
  readonly ca?: readonly string[];
  /** Answers kept for each type; 0 keeps none. Default 4096. */
  readonly cacheSize?: number;
  /** Closes the resolver. */
  readonly signal?: AbortSignal;
  /** Unpredictable bytes, for ids and the case of names. Default: those of the system. */
  readonly random?: (lengthBytes: number) => Uint8Array;
  /** Milliseconds that do not step, for the age of kept answers. */
  readonly nowMs?: () => number;
};

/** A resolver that holds connections. None of them keeps the process alive while nobody waits. */
export interface Stub extends Resolver {
  /** Drop connections; questions under way fail with `NETWORK`. */
  close(): void;
}

/**
 * A stub resolver (RFC 1034 §5.3.1): it asks recursive servers and believes them as far as the way to them
 * can be believed. Every outcome is an {@link Answer}; nothing is thrown.
 *
 * - `dnssec` is `secure` or `insecure` by the AD bit (RFC 6840 §5.8) where AD can be believed: the server is on
 *   loopback, or is reached over TLS with a verified certificate, or `trustAd` is set; else `untrusted`. Along
 *   CNAMEs that took several questions it is that of the weakest.
 * - What does not validate is `failed` with `rcode: 'SERVFAIL'`, as the server said, and `dnssec: 'bogus'`.
 * - A reply that only refers to other servers is `failed` with `REFERRAL`: it is no denial.
 */
export function createStub(options: StubOptions): Stub {
  const life = new AbortController();
  const { random = randomBytes, ca = [], nowMs = () => performance.now() } = options;
  const [primary, ...others] = options.servers;
  const open = (server: DnsServer) => createTransport(server, { random, ca });
  const transports = [open(primary), ...others.map(open)] as const;
  const gate = createGate(options.parallel ?? 256);
  const memory = createMemory(options.cacheSize ?? 4096, nowMs);
  const ask = createAsk({
    transports,
    timeoutMs: options.timeoutMs ?? 5000,
    retries: options.retries ?? Math.max(1, others.length),
    trustAd: options.trustAd ?? false,
    signal: life.signal,
    spend: createBudget(options.budget ?? Number.POSITIVE_INFINITY),
  });

  function close(): void {
    options.signal?.removeEventListener('abort', close);
    life.abort();
    for (const transport of transports) transport.close();
  }
  if (options.signal?.aborted === true) close();
  options.signal?.addEventListener('abort', close, { once: true });

  return {
    resolve(name, type) {
      const asked = normalName(name);
      return memory.recall(asked, type, () => gate(() => followName(ask, asked, type)));
    },
    close,
  };
}

function createBudget(limit: number): () => boolean {
  let left = limit;
  return () => {
    left -= 1;
    return left >= 0;
  };
}

function normalName(name: string): string {
  const lower = lowerName(name);
  return lower.endsWith('.') && lower.length > 1 ? lower.slice(0, -1) : lower;
}

/** What is known before the next question along the CNAMEs. */
type Trail = {
  /** The name to ask for now. */
  readonly at: string;
  readonly cnames: readonly string[];
  readonly ede: readonly ExtendedError[];
  /** Seconds; null before the first reply. */
  readonly ttl: number | null;
  /** The weakest so far; null before the first reply. */
  readonly dnssec: Dnssec | null;
};

async function followName<T extends RecordType>(
  ask: Ask,
  name: string,
  type: T,
): Promise<Answer<RecordData[T]>> {
  let trail: Trail = { at: name, cnames: [], ede: [], ttl: null, dnssec: null };
  for (;;) {
    const asked = { name, type, trail };
    if (!isAskable(trail.at)) return conclude(asked, unaskable(trail.at));
    const step = await ask(trail.at, type);
    if (step.kind === 'failed') return conclude(asked, step);
    const walk = walkChain(step.reply, trail.at, trail.cnames);
    if (!isUnfinished(step, walk)) return concludeReply(asked, step, walk);
    trail = extend(trail, step, walk);
  }
}

/** The reply leads to another name and says nothing about that. */
function isUnfinished<T extends RecordType>(step: Step<T> & { kind: 'reply' }, walk: Walk<T>): boolean {
  const denied = step.reply.rcode === 'NXDOMAIN' || step.reply.negativeTtl !== null;
  return walk.cnames.length > 0 && walk.records.length === 0 && !denied && !walk.loop;
}

type Asked<T extends RecordType> = { readonly name: string; readonly type: T; readonly trail: Trail };

function extend<T extends RecordType>(trail: Trail, step: Step<T> & { kind: 'reply' }, walk: Walk<T>): Trail {
  return {
    at: walk.owner,
    cnames: [...trail.cnames, ...walk.cnames],
    ede: [...trail.ede, ...step.reply.ede],
    ttl: least(trail.ttl, walk.ttl),
    dnssec: weakest(trail.dnssec, step.dnssec),
  };
}

function concludeReply<T extends RecordType>(
  { name, type, trail }: Asked<T>,
  step: Step<T> & { kind: 'reply' },
  walk: Walk<T>,
): Answer<RecordData[T]> {
  const { at: owner, cnames, ede, ttl, dnssec } = extend(trail, step, walk);
  const meta = { name, type, dnssec: dnssec ?? step.dnssec, cnames, ede, ttl, server: step.server };
  const fault = faultOf(step, walk);
  if (fault !== null)
    return {
      ...meta,
      ...fault,
      kind: 'failed',
      dnssec: 'indeterminate',
      ttl: null,
      ...ending(owner, cnames),
    };
  // RFC 6604 §3: the code is about the last name of the chain.
  if (step.reply.rcode === 'NXDOMAIN')
    return { ...meta, kind: 'absent', ttl: least(ttl, step.reply.negativeTtl), ...ending(owner, cnames) };
  if (walk.records.length > 0) return { ...meta, kind: 'found', records: walk.records, owner };
  const kept = step.reply.negativeTtl === null ? null : least(ttl, step.reply.negativeTtl);
  return { ...meta, kind: 'empty', ttl: kept, ...ending(owner, cnames) };
}

/** @returns why a reply is no answer although the server meant it as one */
function faultOf<T extends RecordType>(
  { reply }: Step<T> & { kind: 'reply' },
  walk: Walk<T>,
): { rcode: FailureCode; message: string } | null {
  if (walk.loop)
    return { rcode: 'LOOP', message: `CNAMEs go in a circle, or there are more than ${MAX_CNAMES}` };
  // Records of other names only: nothing is given, and nothing is denied either.
  if (walk.records.length === 0 && reply.records.length > 0 && reply.rcode === 'NOERROR')
    return { rcode: 'MALFORMED', message: 'the reply holds records of other names only' };
  return null;
}

function conclude<T extends RecordType>(
  { name, type, trail }: Asked<T>,
  step: StepFailed,
): Answer<RecordData[T]> {
  const { rcode, message, dnssec, server } = step;
  const ede = [...trail.ede, ...step.ede];
  const meta = { name, type, dnssec, cnames: trail.cnames, ede, ttl: null, server };
  return { ...meta, kind: 'failed', rcode, message, ...ending(trail.at, trail.cnames) };
}

/** Where the CNAMEs led, told only where there were any. */
function ending(owner: string, cnames: readonly string[]): { owner?: string } {
  return cnames.length === 0 ? {} : { owner };
}

function unaskable(name: string): StepFailed {
  const message = `"${name}" is not a name that can be asked for`;
  return {
    kind: 'failed',
    rcode: 'MALFORMED',
    message,
    dnssec: 'indeterminate',
    ede: [],
    server: '',
    final: true,
  };
}

function least(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

const STRENGTH: readonly Dnssec[] = ['bogus', 'indeterminate', 'untrusted', 'insecure', 'secure'];

function weakest(a: Dnssec | null, b: Dnssec): Dnssec {
  return a !== null && STRENGTH.indexOf(a) < STRENGTH.indexOf(b) ? a : b;
}
