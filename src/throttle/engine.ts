import type { Client } from './client.ts';
import { type Counted, Counters, type CountersLoss, type Tally } from './counters.ts';
import { type Limits, TEN_MINUTES_MS } from './limits.ts';

/** Which limit was gone over; `manual` is a block that a person set. */
export type BlockCause = 'requests' | 'bytes' | 'manual';

/** How long is counted: the last ten minutes at any time, or from one full ten minutes of the clock to the next. */
export type WindowType = 'sliding' | 'aligned';

/** A client that gets the error page from a site. */
export type Block = {
  readonly site: number;
  readonly client: Client;
  readonly limit: BlockCause;
  /** What the client had when it went over: the request that was refused is in it. */
  readonly requests: number;
  readonly bytes: number;
  /** Milliseconds since the epoch; the block holds from the one to before the other. */
  readonly startMs: number;
  readonly untilMs: number;
};

/** May a request be served? */
export type Decision =
  | { readonly kind: 'served' }
  | {
      readonly kind: 'refused';
      readonly block: Block;
      /** This request went over the limit, and began the block. */
      readonly began: boolean;
    };

/** Hears what was counted here, as it is counted. */
export type CountListener = (
  site: number,
  client: Client,
  second: number,
  requests: number,
  bytes: number,
) => void;

export type EngineOptions = {
  readonly limitsOf: (site: number) => Limits;
  readonly windowMs?: number;
  readonly blockMs?: number;
  readonly window?: WindowType;
  readonly maxClients?: number;
  readonly maxSeconds?: number;
  readonly seed?: number;
};

/** Some 100 MB when both are used up. */
const MAX_CLIENTS = 1_000_000;
const MAX_SECONDS = 2_500_000;

/** Ended blocks that each new one looks for, the oldest first. */
const SWEPT = 8;

const SERVED: Decision = { kind: 'served' };

/** Whole seconds until a block ends, rounded up: Retry-After (RFC 9110 §10.2.3). */
export function retryAfter({ untilMs }: Block, nowMs: number): number {
  return Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
}

/**
 * Counts what each client gets from each site and says who gets the error page. The clock comes with every call, so
 * a log of last year and the traffic of this second are judged alike.
 *
 * A client goes over a limit with more requests or more bytes than it names. Requests are decided before they are
 * served: the first one too many is refused and begins the block. Bytes are known afterwards: the response that goes
 * over is served, and the block begins when it is accounted. Refused requests are not counted and do not prolong the
 * block, and a block forgets what was counted, so the client has its full quota afterwards.
 *
 * Counters are forgotten when memory is short; blocks never are before they end. Nobody gets into the table of blocks
 * without spending a whole quota, so a flood of clients cannot fill it cheaply.
 */
export class Engine {
  private readonly limitsOf: (site: number) => Limits;
  private readonly blockMs: number;
  private readonly counters: Counters;
  private readonly sites = new Map<number, Map<string, Block>>();
  /** Null while nobody wants to know. */
  private listener: CountListener | null = null;

  constructor({
    limitsOf,
    windowMs = TEN_MINUTES_MS,
    blockMs = TEN_MINUTES_MS,
    window = 'sliding',
    maxClients = MAX_CLIENTS,
    maxSeconds = MAX_SECONDS,
    seed = 0,
  }: EngineOptions) {
    this.limitsOf = limitsOf;
    this.blockMs = blockMs;
    this.counters = new Counters({
      windowSeconds: Math.max(1, Math.round(windowMs / 1000)),
      aligned: window === 'aligned',
      maxClients,
      maxSeconds: Math.max(maxSeconds, maxClients),
      seed,
      limitsOf,
    });
  }

  /** Count one request and say whether it may be served. @param nowMs  milliseconds since the epoch */
  admit(site: number, client: Client, nowMs: number): Decision {
    const block = this.blockOf(site, client, nowMs);
    if (block) return { kind: 'refused', block, began: false };
    const second = Math.floor(nowMs / 1000);
    const { requests, bytes } = this.counters.add(site, client, second, 1, 0);
    if (requests <= this.limitsOf(site).requests) {
      if (this.listener !== null) this.listener(site, client, second, 1, 0);
      return SERVED;
    }
    return {
      kind: 'refused',
      began: true,
      block: this.begin(site, client, 'requests', { requests, bytes }, nowMs),
    };
  }

  /**
   * Account what a response took.
   *
   * @returns the block that begins with it, if it was one byte too many
   */
  account(site: number, client: Client, size: number, nowMs: number): Block | null {
    if (this.blockOf(site, client, nowMs)) return null;
    const second = Math.floor(nowMs / 1000);
    const tally = this.counters.add(site, client, second, 0, size);
    if (this.listener !== null) this.listener(site, client, second, 0, size);
    return tally.bytes > this.limitsOf(site).bytes ? this.begin(site, client, 'bytes', tally, nowMs) : null;
  }

  /** Take up what a web server counted of a client in one second. */
  count(site: number, client: Client, second: number, requests: number, bytes: number): void {
    this.counters.add(site, client, second, requests, bytes);
    if (this.listener !== null) this.listener(site, client, second, requests, bytes);
  }

  /**
   * Add what another node counted of a client in one second, which may lie back. What a block forgets or does not count
   * is left out.
   *
   * @returns the block that begins with it, if the sum is too much
   */
  merge(
    site: number,
    client: Client,
    second: number,
    requests: number,
    bytes: number,
    nowMs: number,
  ): Block | null {
    const latest = this.sites.get(site)?.get(client.text);
    if (latest && second * 1000 < latest.untilMs) return null;
    const tally = this.counters.addLate(site, client, second, Math.floor(nowMs / 1000), requests, bytes);
    const limits = this.limitsOf(site);
    if (tally.requests > limits.requests) return this.begin(site, client, 'requests', tally, nowMs);
    return tally.bytes > limits.bytes ? this.begin(site, client, 'bytes', tally, nowMs) : null;
  }

  /** Tell somebody what is counted here from now on; what {@link merge} adds is not. */
  listen(listener: CountListener): void {
    this.listener = listener;
  }

  /** Block a client by hand, or take up a block again after a restart. */
  put(block: Block): void {
    this.counters.remove(block.site, block.client);
    this.blocksOf(block.site).set(block.client.text, block);
  }

  /** End a block now. @returns it, or null when there was none */
  lift(site: number, client: Client, nowMs: number): Block | null {
    const block = this.blockOf(site, client, nowMs);
    if (block) this.sites.get(site)?.delete(client.text);
    return block;
  }

  /** The block that holds for a client, or null. */
  blockOf(site: number, client: Client, nowMs: number): Block | null {
    const block = this.sites.get(site)?.get(client.text);
    if (!block || nowMs < block.untilMs) return block ?? null;
    this.sites.get(site)?.delete(client.text);
    return null;
  }

  /** Every block that holds. */
  blocks(nowMs: number): Block[] {
    return [...this.sites.values()].flatMap((each) =>
      [...each.values()].filter(({ untilMs }) => nowMs < untilMs),
    );
  }

  /** What a client had within the window. */
  tally(site: number, client: Client, nowMs: number): Tally {
    return this.counters.tally(site, client, Math.floor(nowMs / 1000));
  }

  /** Who is nearest to the limits, the nearest first. @param site  null for all */
  nearest(site: number | null, limit: number, nowMs: number): Counted[] {
    return this.counters.nearest(site, limit, Math.floor(nowMs / 1000));
  }

  /** Clients that are counted, whether their window has passed or not. */
  get tracked(): number {
    return this.counters.size;
  }

  get loss(): CountersLoss {
    return this.counters.loss;
  }

  /** Forget everything about a site. */
  forget(site: number): void {
    this.sites.delete(site);
    this.counters.forget(site);
  }

  /** What was counted, to be kept over a restart. */
  pack(nowMs: number): Uint32Array {
    return this.counters.pack(Math.floor(nowMs / 1000));
  }

  /** Take up what {@link pack} gave. @throws RangeError when it is something else */
  unpack(words: Uint32Array, nowMs: number): void {
    this.counters.unpack(words, Math.floor(nowMs / 1000));
  }

  private blocksOf(site: number): Map<string, Block> {
    let blocks = this.sites.get(site);
    if (!blocks) {
      blocks = new Map();
      this.sites.set(site, blocks);
    }
    return blocks;
  }

  private begin(site: number, client: Client, limit: BlockCause, tally: Tally, nowMs: number): Block {
    const block = { site, client, limit, ...tally, startMs: nowMs, untilMs: nowMs + this.blockMs };
    this.sweep(this.blocksOf(site), nowMs);
    this.put(block);
    return block;
  }

  /** Blocks that ended stand at the front, as all last equally long; a few are removed with each that begins. */
  private sweep(blocks: Map<string, Block>, nowMs: number): void {
    let looked = 0;
    for (const [text, { untilMs }] of blocks) {
      if (looked === SWEPT) return;
      looked += 1;
      if (untilMs <= nowMs) blocks.delete(text);
    }
  }
}
