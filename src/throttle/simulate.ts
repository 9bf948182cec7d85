import { Counters } from './counters.ts';
import { Engine, type WindowType } from './engine.ts';
import { limitsOf, PRESET_NAMES, type PresetName, TEN_MINUTES_MS } from './limits.ts';
import type { LogEntry } from './log/entry.ts';
import { type Arrival, Reorder } from './reorder.ts';
import { siteName } from './site-name.ts';
import { type Visitor, Visitors } from './visitors.ts';

/** A block that would have begun. */
export type Trip = {
  /** Milliseconds since the epoch, by the log. */
  readonly atMs: number;
  readonly file: number;
  /** The request that tipped it: the first that is refused, or the one whose response was too much. */
  readonly line: number;
  readonly limit: 'requests' | 'bytes';
};

/** What a preset would have meant to one visitor. */
export type Refusals = {
  readonly trips: Trip[];
  refusedRequests: number;
  refusedBytes: number;
};

export type SimulationOptions = {
  readonly window: WindowType;
  /** Count this site alone. */
  readonly site?: string;
  /** Bits of an IPv6 address that make one client. */
  readonly prefix?: number;
  /** Requests that are held back to be sorted. */
  readonly capacity?: number;
};

/** What became of a simulation. */
export type Simulated = {
  readonly visitors: readonly Visitor[];
  readonly presets: ReadonlyMap<PresetName, ReadonlyMap<Visitor, Refusals>>;
  readonly sites: number;
  readonly requests: number;
  readonly bytes: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly largestBytes: number;
  /** Requests that came too late to be put in their place, and were counted a little later. */
  readonly late: number;
};

/** Held back to be sorted, in requests: some 120 MB. */
const CAPACITY = 4_000_000;

/** A simulation forgets nobody: the log is as long as it is. */
const ALL_CLIENTS = 2 ** 24;

/** One preset, live as the service would have it. */
class Trial {
  readonly refusals = new Map<Visitor, Refusals>();
  private readonly engine: Engine;

  constructor(preset: PresetName, window: WindowType) {
    const limits = limitsOf(preset);
    this.engine = new Engine({ limitsOf: () => limits, window, maxClients: ALL_CLIENTS });
  }

  take({ timeMs, visitor, bytes, file, line }: Arrival): void {
    const { site, client } = visitor;
    const decision = this.engine.admit(site, client, timeMs);
    if (decision.kind === 'served') {
      const block = this.engine.account(site, client, bytes, timeMs);
      if (block) this.of(visitor).trips.push({ atMs: timeMs, file, line, limit: 'bytes' });
      return;
    }
    const refused = this.of(visitor);
    if (decision.began) refused.trips.push({ atMs: timeMs, file, line, limit: 'requests' });
    refused.refusedRequests += 1;
    refused.refusedBytes += bytes;
  }

  private of(visitor: Visitor): Refusals {
    let refused = this.refusals.get(visitor);
    if (!refused) {
      refused = { trips: [], refusedRequests: 0, refusedBytes: 0 };
      this.refusals.set(visitor, refused);
    }
    return refused;
  }
}

/**
 * Plays a log through the engine of the service, once for each preset, as if the throttle had been on. Requests may
 * come in any order; nothing is decided before {@link finish}, or before more are held back than fit.
 */
export class Simulation {
  private readonly visitors: Visitors;
  private readonly reorder: Reorder;
  private readonly trials: ReadonlyMap<PresetName, Trial>;
  private readonly demand: Counters;
  private readonly only: string | undefined;
  private requests = 0;
  private bytes = 0;
  private firstMs = Number.POSITIVE_INFINITY;
  private lastMs = Number.NEGATIVE_INFINITY;
  private largestBytes = 0;

  constructor({ window, site, prefix, capacity = CAPACITY }: SimulationOptions) {
    this.visitors = new Visitors(prefix);
    this.only = site;
    this.trials = new Map(PRESET_NAMES.map((preset) => [preset, new Trial(preset, window)]));
    const none = { requests: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
    this.demand = new Counters({
      windowSeconds: TEN_MINUTES_MS / 1000,
      aligned: false,
      maxClients: ALL_CLIENTS,
      maxSeconds: ALL_CLIENTS,
      seed: 0,
      limitsOf: () => none,
    });
    this.reorder = new Reorder(capacity, (arrival) => this.take(arrival));
  }

  /** Take a request. @returns false when it belongs to a site that nobody asked about */
  add(entry: LogEntry, file: number, line: number): boolean {
    const site = entry.site === null ? null : (siteName(entry.site) ?? 'other');
    if (this.only !== undefined && site !== null && site !== this.only) return false;
    const visitor = this.visitors.of(entry, site);
    this.requests += 1;
    this.bytes += entry.bytes;
    this.firstMs = Math.min(this.firstMs, entry.timeMs);
    this.lastMs = Math.max(this.lastMs, entry.timeMs);
    this.largestBytes = Math.max(this.largestBytes, entry.bytes);
    this.reorder.push({ timeMs: entry.timeMs, visitor, bytes: entry.bytes, file, line });
    return true;
  }

  finish(): Simulated {
    this.reorder.end();
    const { requests, bytes, firstMs, lastMs, largestBytes } = this;
    return {
      visitors: this.visitors.all,
      presets: new Map([...this.trials].map(([preset, { refusals }]) => [preset, refusals])),
      sites: this.visitors.siteCount,
      requests,
      bytes,
      firstMs: requests > 0 ? firstMs : null,
      lastMs: requests > 0 ? lastMs : null,
      largestBytes,
      late: this.reorder.late,
    };
  }

  private take(arrival: Arrival): void {
    const { visitor, bytes, timeMs } = arrival;
    const tally = this.demand.add(visitor.site, visitor.client, Math.floor(timeMs / 1000), 1, bytes);
    visitor.peakRequests = Math.max(visitor.peakRequests, tally.requests);
    visitor.peakBytes = Math.max(visitor.peakBytes, tally.bytes);
    for (const trial of this.trials.values()) trial.take(arrival);
  }
}
