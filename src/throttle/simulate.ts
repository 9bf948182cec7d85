import { grown } from './counters.ts';
import { Demand } from './demand.ts';
import { type Block, Engine, type WindowType } from './engine.ts';
import { type Limits, limitsOf, PRESET_NAMES, type PresetName, TEN_MINUTES_MS } from './limits.ts';
import { Reorder } from './reorder.ts';
import { siteName } from './site-name.ts';
import { ELSEWHERE, type Request, type Spelling, UNKNOWN, type Visitor, Visitors } from './visitors.ts';

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
  readonly preset: PresetName;
  readonly limits: Limits;
  readonly engine: Engine;
  readonly refusals = new Map<Visitor, Refusals>();

  constructor(preset: PresetName, window: WindowType) {
    const limits = limitsOf(preset);
    this.preset = preset;
    this.limits = limits;
    this.engine = new Engine({ limitsOf: () => limits, window, maxClients: ALL_CLIENTS });
  }

  refusalsOf(visitor: Visitor): Refusals {
    let refused = this.refusals.get(visitor);
    if (!refused) {
      refused = { trips: [], refusedRequests: 0, refusedBytes: 0 };
      this.refusals.set(visitor, refused);
    }
    return refused;
  }
}

/** A visitor that may go over the limits of a preset, before its engine. */
class Watch {
  private readonly trial: Trial;
  private readonly visitor: Visitor;
  private refused: Refusals | null = null;
  private untilMs = Number.NEGATIVE_INFINITY;

  constructor(trial: Trial, visitor: Visitor) {
    this.trial = trial;
    this.visitor = visitor;
  }

  take(timeMs: number, bytes: number, file: number, line: number): void {
    // While a block holds, the engine would only say so again.
    if (timeMs < this.untilMs) return this.refuse(bytes);
    const { engine } = this.trial;
    const { site, client } = this.visitor;
    const decision = engine.admit(site, client, timeMs);
    if (decision.kind === 'refused') {
      if (decision.began) this.begin(decision.block, { atMs: timeMs, file, line, limit: 'requests' });
      return this.refuse(bytes);
    }
    const block = engine.account(site, client, bytes, timeMs);
    if (block) this.begin(block, { atMs: timeMs, file, line, limit: 'bytes' });
  }

  private begin({ untilMs }: Block, trip: Trip): void {
    this.untilMs = untilMs;
    this.refused ??= this.trial.refusalsOf(this.visitor);
    this.refused.trips.push(trip);
  }

  private refuse(bytes: number): void {
    if (this.refused === null) return;
    this.refused.refusedRequests += 1;
    this.refused.refusedBytes += bytes;
  }
}

const NOBODY: readonly Watch[] = [];

/**
 * Plays a log through the engine of the service, once for each preset, as if the throttle had been on. Requests may
 * come in any order; nothing is decided before {@link finish}, or before more are held back than fit.
 *
 * Most visitors never come near a limit, and who is not over it within the window cannot be refused. So one count of
 * the demand stands for all presets, and the engine of a preset takes a visitor up, with what the demand has counted
 * of it until then, before the first request that might go over.
 */
export class Simulation {
  private readonly visitors: Visitors;
  private readonly reorder: Reorder;
  /** The strictest first: who is within one is within all that follow. */
  private readonly trials: readonly Trial[];
  /** How many engines watch each visitor; who is watched by any has them in the list. */
  private levels = new Uint8Array(1024);
  private readonly watches: (readonly Watch[])[] = [];
  private readonly demand: Demand;
  private readonly only: string | undefined;
  private requests = 0;
  private bytes = 0;
  private firstMs = Number.POSITIVE_INFINITY;
  private lastMs = Number.NEGATIVE_INFINITY;
  private largestBytes = 0;

  constructor({ window, site, prefix, capacity = CAPACITY }: SimulationOptions) {
    this.visitors = new Visitors(prefix);
    this.only = site;
    this.trials = PRESET_NAMES.map((preset) => new Trial(preset, window)).reverse();
    this.demand = new Demand(TEN_MINUTES_MS / 1000);
    this.reorder = new Reorder(capacity, (timeMs, visitor, bytes, file, line) =>
      this.take(timeMs, visitor, bytes, file, line),
    );
  }

  /** Take a request. @returns false when it belongs to a site that nobody asked about */
  add(request: Request, file: number, line: number): boolean {
    const { who } = request;
    if (who.visitor === UNKNOWN) who.visitor = this.visitorOf(who);
    const { visitor } = who;
    if (visitor === ELSEWHERE) return false;
    this.visitors.note(visitor, request);
    const { timeMs, bytes } = request;
    this.requests += 1;
    this.bytes += bytes;
    this.firstMs = Math.min(this.firstMs, timeMs);
    this.lastMs = Math.max(this.lastMs, timeMs);
    this.largestBytes = Math.max(this.largestBytes, bytes);
    this.reorder.push(timeMs, visitor, bytes, file, line);
    return true;
  }

  finish(): Simulated {
    this.reorder.end();
    const visitors = this.visitors.noted();
    for (const visitor of visitors) {
      visitor.peakRequests = this.demand.peakRequests(visitor.number);
      visitor.peakBytes = this.demand.peakBytes(visitor.number);
    }
    const { requests, bytes, firstMs, lastMs, largestBytes } = this;
    return {
      visitors,
      presets: new Map(this.trials.map(({ preset, refusals }) => [preset, refusals])),
      sites: this.visitors.siteCount,
      requests,
      bytes,
      firstMs: requests > 0 ? firstMs : null,
      lastMs: requests > 0 ? lastMs : null,
      largestBytes,
      late: this.reorder.late,
    };
  }

  private visitorOf({ client, site }: Spelling): number {
    const name = site === null ? null : (siteName(site) ?? 'other');
    if (this.only !== undefined && name !== null && name !== this.only) return ELSEWHERE;
    return this.visitors.of(client, name).number;
  }

  private take(timeMs: number, visitor: number, bytes: number, file: number, line: number): void {
    const second = Math.floor(timeMs / 1000);
    while (this.mayGoOver(visitor, bytes)) this.watch(visitor, second);
    this.demand.add(visitor, second, bytes);
    if (!this.levels[visitor]) return;
    for (const watch of this.watches[visitor] ?? []) watch.take(timeMs, bytes, file, line);
  }

  /** Whether a request may be too much for the strictest preset that does not watch the visitor yet. */
  private mayGoOver(visitor: number, bytes: number): boolean {
    const { demand } = this;
    const limits = this.trials[this.levels[visitor] ?? 0]?.limits;
    return (
      limits !== undefined &&
      (demand.peakRequests(visitor) >= limits.requests || demand.peakBytes(visitor) + bytes > limits.bytes)
    );
  }

  /** Hand a visitor to the next engine. */
  private watch(number: number, second: number): void {
    if (number >= this.levels.length) this.levels = grown(this.levels, number * 2);
    const visitor = this.visitors.all[number] as Visitor;
    while (this.watches.length <= number) this.watches.push(NOBODY);
    const watches = this.watches[number] as readonly Watch[];
    const trial = this.trials[watches.length] as Trial;
    this.demand.recall(number, second, (when, requests, bytes) =>
      trial.engine.count(visitor.site, visitor.client, when, requests, bytes),
    );
    this.watches[number] = [...watches, new Watch(trial, visitor)];
    this.levels[number] = watches.length + 1;
  }
}
