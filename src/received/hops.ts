import type { Field } from '../message/headers.ts';
import { isInside } from './address.ts';
import { isNamed, organisation } from './names.ts';
import type { TrustOptions, TrustRun } from './trust.ts';
import type { Fact, Flag, Hop, Trace } from './types.ts';

/** A Received field and what it says. */
export type Line = { readonly field: Field; readonly trace: Trace };

export type HopOptions = TrustOptions & {
  /** Now, milliseconds since the epoch. */
  readonly nowMs: number;
  /** The Date field of the message, milliseconds since the epoch; null when it has none that is readable. */
  readonly dateMs: number | null;
};

const HOUR = 3600;
const DAY = 24 * HOUR;
/** A hop that took longer is flagged. */
const SLOW_SECONDS = 300;

/**
 * Turn the fields into hops, oldest first.
 *
 * @param lines  newest first
 */
export function makeHops(lines: readonly Line[], run: TrustRun, options: HopOptions): Hop[] {
  const last = lines.length - 1;
  const oldestFirst = lines.toReversed();
  const ownNames = namesOf(lines, run, options);
  const web = lines.findIndex(({ trace }) => isWebSubmission(trace));
  return oldestFirst.map(({ field, trace }, index) => {
    const fromTop = last - index;
    const before = oldestFirst[index - 1]?.trace;
    const place = { trusted: fromTop < run.trusted, border: fromTop === run.border };
    const delaySeconds = secondsBetween(before, trace);
    const signs = forgerySigns({ ...place, trace, before, ownNames, belowWeb: web !== -1 && web < fromTop });
    return {
      index,
      ...trace,
      delaySeconds,
      ...place,
      ...beliefs(trace, place.trusted),
      flags: [...trace.flags, ...timeFlags(trace, delaySeconds, options), ...signs],
      range: field.range,
    };
  });
}

/** What the server that wrote the line saw itself, and what it was told. */
function beliefs(trace: Trace, trusted: boolean): Pick<Hop, 'observed' | 'claimed'> {
  const observed: Fact[] = [];
  const claimed: Fact[] = [];
  const add = (fact: Fact, present: boolean, seen: boolean) => {
    if (present) (trusted && seen ? observed : claimed).push(fact);
  };
  add('helo', trace.from.helo !== null, false);
  add('envelopeFrom', trace.envelopeFrom !== null, false);
  add('ip', trace.from.ip !== null, true);
  add('rdns', trace.from.rdns !== null, true);
  add('tls', trace.tls !== null || trace.encrypted === 'yes' || trace.encrypted === 'no', true);
  add('auth', trace.auth !== null, true);
  add('id', trace.id !== null, true);
  add('date', trace.date !== null, true);
  return { observed, claimed };
}

/** Whole seconds; null where a date is missing or its zone is not known. */
function secondsBetween(before: Trace | undefined, trace: Trace): number | null {
  const from = instantOf(before);
  const to = instantOf(trace);
  return from === null || to === null ? null : Math.trunc((to - from) / 1000) + 0;
}

/** Milliseconds since the epoch; null where the line has no date that can be reckoned with. */
export function instantOf(trace: Trace | undefined): number | null {
  if (trace === undefined || trace.date === null || trace.flags.includes('zone-unknown')) return null;
  return Date.parse(trace.date);
}

function timeFlags(trace: Trace, delaySeconds: number | null, options: HopOptions): Flag[] {
  const flags: Flag[] = [];
  if (delaySeconds !== null && delaySeconds < 0) {
    flags.push(delaySeconds < -HOUR ? 'date-backwards' : 'clock-skew');
  } else if (delaySeconds !== null && delaySeconds > SLOW_SECONDS) {
    flags.push('slow');
    if (delaySeconds > DAY) flags.push('replayed');
  }
  const instant = instantOf(trace);
  if (instant === null) return flags;
  if (instant > options.nowMs + HOUR * 1000) flags.push('future-date');
  if (options.dateMs !== null && instant < options.dateMs - HOUR * 1000) flags.push('before-date-header');
  return flags;
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
function forgerySigns({ trace, before, trusted, border, ownNames, belowWeb }: Context): Flag[] {
  const flags: Flag[] = [];
  const ownHelo = border && isNamed(trace.from.helo, ownNames) && !isNamed(trace.from.rdns, ownNames);
  if (ownHelo) flags.push('helo-own-name');
  if (before !== undefined && (border || !trusted) && isChainBroken(before, trace))
    flags.push('chain-broken');
  if (!trusted && before !== undefined && isPrivateInPublic(trace)) flags.push('private-ip');
  if (!trusted && belowWeb) flags.push('below-http');
  return flags;
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
  const owner = organisation(before.by);
  const names = [organisation(trace.from.helo), organisation(trace.from.rdns)].filter(
    (name) => name !== null,
  );
  if (owner === null || names.length === 0 || before.internal || trace.internal) return false;
  if (before.byIp !== null && before.byIp === trace.from.ip) return false;
  return !names.includes(owner);
}

function namesOf(lines: readonly Line[], run: TrustRun, options: TrustOptions): string[] {
  const written = lines.slice(0, run.trusted).map(({ trace }) => trace.by);
  return [...written, ...(options.trustedBy ?? []), ...(options.mxHosts ?? [])].filter(
    (name) => name !== null,
  );
}
