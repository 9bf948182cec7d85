import type { Field } from '../message/headers.ts';
import { isInside } from './address.ts';
import { isNamed, organisation } from './names.ts';
import type { Reading } from './parse.ts';
import type { TrustOptions, TrustRun } from './trust.ts';
import type { Fact, Flag, Hop, Trace } from './types.ts';

/** A Received field and what it says; `instantMs` as in `Reading`. */
export type Line = { readonly field: Field } & Reading;

export type HopOptions = TrustOptions & {
  /** Now, milliseconds since the epoch. */
  readonly nowMs: number;
};

const HOUR = 3600;
const DAY = 24 * HOUR;
/** A hop that took longer is flagged. */
const SLOW_SECONDS = 300;

/**
 * Turn the fields into hops, oldest first.
 *
 * @param lines  newest first
 * @param dateMs  the Date field of the message, milliseconds since the epoch; null when it has none that is readable
 */
export function makeHops(
  lines: readonly Line[],
  run: TrustRun,
  dateMs: number | null,
  options: HopOptions,
): Hop[] {
  const ownNames = namesOf(lines, run, options);
  const web = lines.findIndex(({ trace }) => isWebSubmission(trace));
  const hops: Hop[] = [];
  for (let fromTop = lines.length - 1; fromTop >= 0; fromTop -= 1) {
    const line = lines[fromTop];
    if (line === undefined) break;
    const { field, trace, instantMs } = line;
    const before = lines[fromTop + 1];
    const trusted = fromTop < run.trusted;
    const border = fromTop === run.border;
    const delaySeconds = secondsBetween(before?.instantMs, instantMs);
    const belowWeb = web !== -1 && web < fromTop;
    const flags = [...trace.flags];
    addTimeFlags(flags, instantMs, delaySeconds, { nowMs: options.nowMs, dateMs });
    addForgerySigns(flags, { trace, before: before?.trace, trusted, border, ownNames, belowWeb });
    // Field by field: spread into one another, these objects took a fifth of the time of a whole path.
    hops.push({
      index: hops.length,
      from: trace.from,
      by: trace.by,
      byIp: trace.byIp,
      bySoftware: trace.bySoftware,
      via: trace.via,
      with: trace.with,
      id: trace.id,
      for: trace.for,
      envelopeFrom: trace.envelopeFrom,
      encrypted: trace.encrypted,
      encryptedReason: trace.encryptedReason,
      tls: trace.tls,
      auth: trace.auth,
      date: trace.date,
      submission: trace.submission,
      internal: trace.internal,
      flags,
      raw: trace.raw,
      delaySeconds,
      trusted,
      border,
      observed: trusted ? seenFacts(trace) : [],
      claimed: trusted ? toldFacts(trace) : [...toldFacts(trace), ...seenFacts(trace)],
      range: field.range,
    });
  }
  return hops;
}

/** What the client said. */
function toldFacts(trace: Trace): Fact[] {
  const facts: Fact[] = [];
  if (trace.from.helo !== null) facts.push('helo');
  if (trace.envelopeFrom !== null) facts.push('envelopeFrom');
  return facts;
}

/** What the server that wrote the line saw itself, if it is to be believed. */
function seenFacts(trace: Trace): Fact[] {
  const facts: Fact[] = [];
  if (trace.from.ip !== null) facts.push('ip');
  if (trace.from.rdns !== null) facts.push('rdns');
  if (trace.tls !== null || trace.encrypted === 'yes' || trace.encrypted === 'no') facts.push('tls');
  if (trace.auth !== null) facts.push('auth');
  if (trace.id !== null) facts.push('id');
  if (trace.date !== null) facts.push('date');
  return facts;
}

/** Whole seconds; null where one of the times cannot be reckoned with. */
function secondsBetween(from: number | null | undefined, to: number | null): number | null {
  return from == null || to === null ? null : Math.trunc((to - from) / 1000) + 0;
}

function addTimeFlags(
  flags: Flag[],
  instantMs: number | null,
  delaySeconds: number | null,
  { nowMs, dateMs }: { readonly nowMs: number; readonly dateMs: number | null },
): void {
  if (delaySeconds !== null && delaySeconds < 0) {
    flags.push(delaySeconds < -HOUR ? 'date-backwards' : 'clock-skew');
  } else if (delaySeconds !== null && delaySeconds > SLOW_SECONDS) {
    flags.push('slow');
    if (delaySeconds > DAY) flags.push('replayed');
  }
  if (instantMs === null) return;
  if (instantMs > nowMs + HOUR * 1000) flags.push('future-date');
  if (dateMs !== null && instantMs < dateMs - HOUR * 1000) flags.push('before-date-header');
}

type Context = {
  readonly trace: Trace;
  readonly before: Trace | undefined;
  readonly trusted: boolean;
  readonly border: boolean;
  readonly ownNames: readonly string[];
  /** A newer hop took the message from a web form: there can have been none before. */
  readonly belowWeb: boolean;
};

/** Signs that a line was made up. None is proof. */
function addForgerySigns(flags: Flag[], context: Context): void {
  const { trace, before, trusted, border, ownNames, belowWeb } = context;
  const ownHelo = border && isNamed(trace.from.helo, ownNames) && !isNamed(trace.from.rdns, ownNames);
  if (ownHelo) flags.push('helo-own-name');
  if (before !== undefined && (border || !trusted) && isChainBroken(before, trace))
    flags.push('chain-broken');
  if (!trusted && before !== undefined && isPrivateInPublic(trace)) flags.push('private-ip');
  if (!trusted && belowWeb) flags.push('below-http');
}

function isWebSubmission(trace: Trace): boolean {
  return trace.submission && /^https?[ur]?/i.test(trace.with ?? '');
}

/** A private address behind a looked-up public name, and not at the start of the way. */
function isPrivateInPublic(trace: Trace): boolean {
  const { ip, rdns } = trace.from;
  if (ip === null || rdns === null || trace.internal || !isInside(ip)) return false;
  return rdns.includes('.') && !/\.(?:local|localdomain|internal|lan|home|corp|arpa|test)$/i.test(rdns);
}

/** The server that wrote the line before has no name in common with the client of this one. */
function isChainBroken(before: Trace, trace: Trace): boolean {
  if (before.internal || trace.internal) return false;
  if (before.byIp !== null && before.byIp === trace.from.ip) return false;
  const owner = organisation(before.by);
  if (owner === null) return false;
  const helo = organisation(trace.from.helo);
  const rdns = organisation(trace.from.rdns);
  return (helo !== null || rdns !== null) && helo !== owner && rdns !== owner;
}

function namesOf(lines: readonly Line[], run: TrustRun, options: TrustOptions): string[] {
  const written = lines.slice(0, run.trusted).map(({ trace }) => trace.by);
  return [...written, ...(options.trustedBy ?? []), ...(options.mxHosts ?? [])].filter(
    (name) => name !== null,
  );
}
