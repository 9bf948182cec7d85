import { counted } from '../counted.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { ThrottleSimulateResult } from '../schema/throttle.ts';
import { clientOf } from './client.ts';
import type { WindowType } from './engine.ts';
import { DEFAULT_PRESET, limitsOf, PRESET_NAMES, type PresetName, TEN_MINUTES_MS } from './limits.ts';
import type { Refusals, Simulated } from './simulate.ts';
import { looksHuman, type Visitor } from './visitors.ts';

/** How a log was read. */
export type Reading = {
  readonly files: readonly string[];
  readonly lines: number;
  readonly broken: number;
  /** The first lines that were not understood. */
  readonly examples: readonly { readonly file: number; readonly line: number; readonly text: string }[];
  /** Files that ended in the middle of their compressed form. */
  readonly damaged: readonly string[];
  readonly otherSites: number;
};

export type Judged = {
  readonly window: WindowType;
  readonly site: string | null;
  /** Who is to be caught: an address, a network, `top:N`; by default whoever hammers and is no person. */
  readonly attacker: string | null;
};

type Preset = ThrottleSimulateResult['presets'][PresetName];

/** More requests in ten minutes than this, and not read like a person: an attacker, unless somebody was named. */
const HAMMERING = 600;

/** An attacker is caught when so much of what it asked for is refused. */
const CAUGHT = 2 / 3;

const DEFAULT_LIMITS = limitsOf(DEFAULT_PRESET);

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const NO_REFUSALS: Refusals = { trips: [], refusedRequests: 0, refusedBytes: 0 };

/** What one preset would have done. */
function describePreset(
  refusals: ReadonlyMap<Visitor, Refusals>,
  { requests }: Simulated,
  files: readonly string[],
): Preset {
  const blocked = [...refusals].filter(([, { trips }]) => trips.length > 0);
  const trips = blocked.flatMap(([, each]) => each.trips);
  const people = blocked.filter(([visitor]) => looksHuman(visitor));
  const refused = sum(blocked.map(([, { refusedRequests }]) => refusedRequests));
  return {
    totals: {
      clients: blocked.length,
      blocks: trips.length,
      byRequests: trips.filter(({ limit }) => limit === 'requests').length,
      byBytes: trips.filter(({ limit }) => limit === 'bytes').length,
      refusedRequests: refused,
      refusedBytes: sum(blocked.map(([, { refusedBytes }]) => refusedBytes)),
      refusedShare: requests === 0 ? 0 : refused / requests,
      people: people.length,
      peopleRequests: sum(people.map(([, { refusedRequests }]) => refusedRequests)),
      peopleBytes: sum(people.map(([, { refusedBytes }]) => refusedBytes)),
    },
    clients: blocked
      .toSorted(([, a], [, b]) => b.refusedRequests - a.refusedRequests || b.trips.length - a.trips.length)
      .map(([visitor, each]) => ({
        client: visitor.client.text,
        site: visitor.siteName,
        looksHuman: looksHuman(visitor),
        trips: each.trips.map(({ atMs, file, line, limit }) => ({
          at: iso(atMs),
          line,
          limit,
          until: iso(atMs + TEN_MINUTES_MS),
          ...(files.length > 1 && { file: files[file] ?? '' }),
        })),
        refusedRequests: each.refusedRequests,
        refusedBytes: each.refusedBytes,
      })),
  };
}

/** How much visitors asked for at their busiest: percentiles. */
function distribution(values: readonly number[]): { p50: number; p95: number; p99: number; max: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Where steps of demand end: as the presets do, and some below. */
const REQUEST_STEPS = [1, 5, 20, 100, 500, 2000, 10_000];
const BYTE_STEPS = [1e5, 5e5, 2e6, 5e6, 20e6, 50e6, 200e6];

/** Clients that are named with their demand. */
const BUSIEST = 200;

type Demand = ThrottleSimulateResult['demand'];

/** How many people and programs asked for how much. */
function stepsOf(
  visitors: readonly Visitor[],
  ends: readonly number[],
  peakOf: (visitor: Visitor) => number,
): Demand['steps']['requests'] {
  const steps = [...ends, null].map((upTo) => ({ upTo, people: 0, programs: 0 }));
  for (const visitor of visitors) {
    const peak = peakOf(visitor);
    let at = 0;
    while (at < ends.length && peak > (ends[at] ?? 0)) at += 1;
    const step = steps[at];
    if (step) step[looksHuman(visitor) ? 'people' : 'programs'] += 1;
  }
  return steps;
}

function busiestOf(visitors: readonly Visitor[]): Demand['busiest'] {
  const most = DEFAULT_LIMITS;
  const share = ({ peakRequests, peakBytes }: Visitor) =>
    Math.max(peakRequests / most.requests, peakBytes / most.bytes);
  // Most of many are not among the busiest, and need no place in the order.
  const least = Float64Array.from(visitors, share).sort().at(-BUSIEST) ?? 0;
  return visitors
    .filter((visitor) => share(visitor) >= least)
    .toSorted((a, b) => share(b) - share(a))
    .slice(0, BUSIEST)
    .map((visitor) => ({
      client: visitor.client.text,
      site: visitor.siteName,
      looksHuman: looksHuman(visitor),
      requests: visitor.peakRequests,
      bytes: visitor.peakBytes,
    }));
}

/** Whether an address lies in a network such as `192.0.2.0/24`. */
function inNetwork(text: string, network: string): boolean {
  const [base = '', bits] = network.split('/');
  const [inner, outer] = [parseAddress(text.replace(/\/\d+$/, '')), parseAddress(base)];
  if (!inner || !outer || inner.family !== outer.family) return false;
  const keep = bits === undefined ? outer.bytes.length * 8 : Number(bits);
  const cut = (bytes: Uint8Array) =>
    formatAddress(
      bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, keep - index * 8))) & 0xff),
    );
  return cut(inner.bytes) === cut(outer.bytes);
}

/** Who is to be caught. */
function attackersIn({ visitors }: Simulated, attacker: string | null): readonly Visitor[] {
  const byDemand = (some: readonly Visitor[]) => some.toSorted((a, b) => b.peakRequests - a.peakRequests);
  const top = /^top:(\d{1,6})$/.exec(attacker ?? '');
  if (top) return byDemand(visitors).slice(0, Number(top[1]));
  if (attacker === null)
    return byDemand(visitors.filter((visitor) => visitor.peakRequests > HAMMERING && !looksHuman(visitor)));
  const exact = clientOf(attacker)?.text ?? attacker;
  return visitors.filter(({ client }) => client.text === exact || inNetwork(client.text, attacker));
}

function isCaught(
  attackers: readonly Visitor[],
  refusals: ReadonlyMap<Visitor, Refusals> | undefined,
): boolean {
  const refused = sum(attackers.map((each) => (refusals?.get(each) ?? NO_REFUSALS).refusedRequests));
  return attackers.length > 0 && refused >= CAUGHT * sum(attackers.map(({ requests }) => requests));
}

type Advice = ThrottleSimulateResult['recommendation'];

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Which preset, and why, in one sentence. */
function recommend(
  simulated: Simulated,
  presets: ReadonlyMap<PresetName, Preset>,
  attacker: string | null,
): Advice {
  const attackers = attackersIn(simulated, attacker);
  const catches = PRESET_NAMES.find((name) => isCaught(attackers, simulated.presets.get(name))) ?? null;
  const spares = PRESET_NAMES.findLast((name) => presets.get(name)?.totals.people === 0) ?? null;
  const totalsOf = (name: PresetName) => presets.get(name)?.totals;
  const named =
    attackers.length === 1 ? (attackers[0]?.client.text ?? '') : counted(attackers.length, 'client');
  const common = { catches, spares, attackers: attackers.slice(0, 100).map(({ client }) => client.text) };
  if (attackers.length === 0) {
    const nobody =
      attacker === null
        ? 'no client asked for much without reading like a person'
        : `${attacker} is not in this log`;
    return { ...common, preset: DEFAULT_PRESET, sentence: `Keep ${DEFAULT_PRESET}: ${nobody}.` };
  }
  if (catches === null) {
    const sentence = `Keep ${DEFAULT_PRESET}: no preset refuses most of what ${named} asked for; a limit for each client is not what stops this.`;
    return { ...common, preset: DEFAULT_PRESET, sentence };
  }
  const totals = totalsOf(catches);
  const effect = `${counted(totals?.refusedRequests ?? 0, 'request')} (${percent(totals?.refusedShare ?? 0)}) of ${counted(totals?.clients ?? 0, 'client')}`;
  const people = totals?.people ?? 0;
  const cost =
    people === 0
      ? 'and nobody who reads like a person'
      : `but also ${counted(people, 'visitor')} who read${people === 1 ? 's' : ''} like a person`;
  const sentence = `Set ${catches}: it would have refused ${effect}, with them most of what ${named} asked for, ${cost}.`;
  return { ...common, preset: catches, sentence };
}

/** Responses that no client can fetch twice: one download is a block. */
function largeResponses({ largestBytes }: Simulated): Check[] {
  const smaller = PRESET_NAMES.filter((name) => largestBytes > limitsOf(name).bytes);
  if (smaller.length === 0) return [];
  return [
    {
      id: 'throttle.response-size',
      status: 'ok',
      info: true,
      message: `A single response is larger than all that ${smaller.join(', ')} allow${smaller.length === 1 ? 's' : ''}: one download is a block.`,
      evidence: `the largest has ${counted(largestBytes, 'byte')}`,
      fix: 'Serve large files from a site of their own, with a limit of its own.',
    },
  ];
}

function readingChecks({ lines, broken, damaged }: Reading, { requests, late }: Simulated): Check[] {
  const checks: Check[] = [];
  if (requests === 0) {
    checks.push({
      id: 'throttle.log.empty',
      status: 'unknown',
      message: lines === 0 ? 'The log is empty.' : 'There is no request in the log that could be read.',
      fix: 'Give an access log in common, combined, JSON, HAProxy or W3C format; with --site, one that names the site.',
    });
  }
  if (broken > 0) {
    checks.push({
      id: 'throttle.log.broken',
      status: 'ok',
      info: true,
      message: `${counted(broken, 'line')} of ${lines.toLocaleString('en')} could not be read; they count for nothing.`,
    });
  }
  if (damaged.length > 0) {
    checks.push({
      id: 'throttle.log.damaged',
      status: 'warn',
      message: `${damaged.join(', ')}: the compressed file is damaged or cut off; what came before that is counted.`,
    });
  }
  if (late > 0) {
    checks.push({
      id: 'throttle.log.late',
      status: 'warn',
      message: `${counted(late, 'request')} stood too far from ${late === 1 ? 'its' : 'their'} place to be sorted, and ${late === 1 ? 'is' : 'are'} counted too late.`,
      fix: 'Sort the log by time before.',
    });
  }
  return checks;
}

/** The whole result: what each preset would have done, to whom, and which one to take. */
export function judgeSimulation(
  simulated: Simulated,
  reading: Reading,
  judged: Judged,
): ThrottleSimulateResult {
  const { files } = reading;
  const presets = new Map(
    PRESET_NAMES.map((name) => [
      name,
      describePreset(simulated.presets.get(name) ?? new Map(), simulated, files),
    ]),
  );
  const checks = [...readingChecks(reading, simulated), ...largeResponses(simulated)];
  const recommendation = recommend(simulated, presets, judged.attacker);
  const status: Status = worst(checks.map((check) => check.status));
  const { requests, bytes, visitors, firstMs, lastMs, sites } = simulated;
  return {
    target: files.length === 1 ? (files[0] ?? null) : null,
    status,
    summary: requests === 0 ? (checks[0]?.message ?? '') : recommendation.sentence,
    checks,
    files: [...files],
    window: judged.window,
    site: judged.site,
    totals: {
      lines: reading.lines,
      broken: reading.broken,
      otherSites: reading.otherSites,
      requests,
      bytes,
      clients: visitors.length,
      people: visitors.filter(looksHuman).length,
      sites,
      from: firstMs === null ? null : iso(firstMs),
      to: lastMs === null ? null : iso(lastMs),
    },
    demand: {
      requests: distribution(visitors.map(({ peakRequests }) => peakRequests)),
      bytes: distribution(visitors.map(({ peakBytes }) => peakBytes)),
      steps: {
        requests: stepsOf(visitors, REQUEST_STEPS, ({ peakRequests }) => peakRequests),
        bytes: stepsOf(visitors, BYTE_STEPS, ({ peakBytes }) => peakBytes),
      },
      busiest: busiestOf(visitors),
    },
    recommendation,
    presets: Object.fromEntries(presets) as ThrottleSimulateResult['presets'],
    broken: reading.examples.map(({ file, line, text }) => ({ file: files[file] ?? '', line, text })),
  };
}
