import { AppError, ExitCode } from '../errors.ts';
import { parseAddress, readIPv4 } from '../net/address.ts';
import { holds, holdsIPv4, LOOPBACK, type Network, parseNetwork } from '../net/network.ts';
import { type Client, clientNamed, clientOf, clientOfWords, IPV6_PREFIX } from './client.ts';
import { Counters } from './counters.ts';
import {
  type Block,
  type BlockCause,
  type CountListener,
  Engine,
  retryAfter,
  type WindowType,
} from './engine.ts';
import { formatLimits, type Limits, TEN_MINUTES_MS } from './limits.ts';
import { type Mode, policyOf, type RefusalStatus, type Site, Sites } from './site.ts';
import { type HeavyNetwork, Sketch } from './sketch.ts';
import { decodeSnapshot, encodeSnapshot, type Unusable } from './snapshot.ts';
import type { Change, Exemption, Store, Tipping, Traffic } from './store.ts';

/** Something that somebody may want to know of, for the log and for who listens. */
export type WardenEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

/** What happens to a request. */
export type Verdict =
  | { readonly kind: 'serve'; readonly account: (bytes: number) => void }
  | {
      readonly kind: 'refuse';
      readonly retryAfter: number;
      readonly status: RefusalStatus;
      readonly site: string;
      /** Who had too much: this client, or all clients of the site together. */
      readonly because: 'client' | 'site';
    };

export type WardenOptions = {
  readonly store: Store;
  /** Milliseconds since the epoch, and never set back. */
  readonly now: () => number;
  readonly seed: number;
  readonly window?: WindowType;
  readonly windowMs?: number;
  readonly blockMs?: number;
  readonly prefix?: number;
  readonly maxClients?: number;
  /** Whether this machine itself is never refused. */
  readonly exemptLoopback?: boolean;
  /** What an earlier life had counted, as {@link Warden.snapshot} gave it. */
  readonly counted?: Uint8Array | Unusable | null;
  readonly onEvent: (event: WardenEvent) => void;
  /** Milliseconds since whenever, to say how long decisions take; without it nobody is told. */
  readonly monotonic?: () => number;
  /** So many refused requests in one block are told as an event; without it none are. */
  readonly stubbornAfter?: number;
  /** Hears of each decision how many seconds it took. */
  readonly onDecision?: (seconds: number) => void;
};

/** What a web server that counts by itself adds to the figures of a site. */
export type Figures = {
  readonly served: number;
  readonly bytes: number;
  readonly refused: number;
  /** Of those, because all clients together had too much. */
  readonly overBudget: number;
  /** Served to clients that are exempt, or by a site that refuses nobody. */
  readonly free: number;
  readonly freeBytes: number;
  /** Of those, would have been refused. */
  readonly wouldRefuse: number;
};

/** What a web server that counts by itself adds to one client, in a window that began at a second of the clock. */
export type ClientAddition = {
  readonly windowStart: number;
  readonly requests: number;
  readonly bytes: number;
  /** The numbers are all that the client had in that window, and some of it may be counted already. */
  readonly isFirst: boolean;
};

/** What a web server that decides by itself did with one request. */
export type Decided = {
  readonly kind: 'served' | 'free' | 'would refuse' | 'refused' | 'over budget';
  /** Which limit a block began by. */
  readonly limit: BlockCause;
  /** Until when the block holds that it has, or that begins with it; null without one. */
  readonly untilMs: number | null;
};

/** One client near its limits, or beyond. */
export type Standing = {
  readonly site: Site;
  readonly client: Client;
  readonly requests: number;
  readonly bytes: number;
  /** Of the limit that is nearer, 0 to 1 and beyond. */
  readonly share: number;
};

/** Longest path and user agent that are kept of the request that began a block, in characters. */
const LONGEST_DETAIL = 300;

/** Most exemptions: each is compared with every request. */
const MOST_EXEMPTIONS = 1000;

const MINUTE_MS = 60_000;

/**
 * Hears what happens on this node, to tell others. The counts of single clients go by {@link Engine.listen}; what comes
 * from others is not told.
 */
export type Share = {
  readonly counted: CountListener;
  /** Of the budget of a site. */
  spent(site: number, second: number, requests: number, bytes: number): void;
  blocked(block: Block): void;
  lifted(block: Block): void;
  siteSaved(site: Site, atMs: number): void;
  siteRemoved(name: string, atMs: number): void;
  exempted(exemption: Exemption, atMs: number): void;
  unexempted(network: string, site: string | null, atMs: number): void;
  /** What of others is in the counts now, as the next life needs it. */
  mark(): string;
  /** The clock that all nodes go by, in milliseconds since the epoch. */
  nowMs(): number;
};

/** The name of an exemption among the changes. */
export function exemptionName(network: string, site: string | null): string {
  return `${network} ${site ?? '*'}`;
}

/** Stands for all clients of a site together, where its budget is counted. */
const EVERYBODY: Client = { text: '', kind: 0, words: [0, 0, 0, 0] };

/** Most sites whose budget is counted, and seconds of them. */
const MOST_BUDGETS = 10_000;
const MOST_BUDGET_SECONDS = 1_000_000;

const UNLIMITED = { requests: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

type Excused = Exemption & { readonly range: Network };

type Sums = { servedRequests: number; servedBytes: number; refusedRequests: number };

/** Since the start, of one site. */
type Totals = Sums & { blocks: Record<BlockCause, number>; wouldRefuse: number; overBudget: number };

function cut(text: string): string {
  return text.slice(0, LONGEST_DETAIL);
}

/**
 * Decides about every request of the service: knows sites, policies and exemptions, keeps the engine and the store in
 * step, and tells what happens. Blocks and changes are stored before anybody hears of them.
 */
export class Warden {
  readonly sites: Sites;
  readonly prefix: number;
  readonly blockMs: number;
  readonly windowMs: number;
  readonly window: WindowType;
  private readonly options: WardenOptions;
  private readonly store: Store;
  private readonly now: () => number;
  private readonly engine: Engine;
  private readonly budgets: Counters;
  private readonly sketch: Sketch;
  /** When it was last told that a site is over its budget. */
  private readonly toldOver = new Map<number, number>();
  private readonly tippings = new WeakMap<Block, Tipping>();
  /** Ends of blocks that were lifted, until then. */
  private readonly lifted = new Map<string, number>();
  private readonly refusals = new WeakMap<Block, number>();
  private excused: readonly Excused[] = [];
  private sums = new Map<number, Sums>();
  private readonly totals = new Map<number, Totals>();
  private failures = 0;
  /** Null on a machine of its own. */
  private share: Share | null = null;
  private readonly changed = new Map<string, number>();
  /** What {@link Share.mark} had said for the counters that were taken up. */
  private mark: string | null = null;

  constructor(options: WardenOptions) {
    const {
      store,
      now,
      seed,
      prefix = IPV6_PREFIX,
      windowMs = TEN_MINUTES_MS,
      blockMs = TEN_MINUTES_MS,
    } = options;
    this.options = options;
    this.store = store;
    this.now = now;
    this.prefix = prefix;
    this.windowMs = windowMs;
    this.blockMs = blockMs;
    this.window = options.window ?? 'sliding';
    this.sites = new Sites(store.sites());
    this.engine = new Engine({
      limitsOf: (site) => policyOf(this.sites.at(site), now()).limits,
      windowMs,
      blockMs,
      window: this.window,
      seed,
      ...(options.maxClients !== undefined && { maxClients: options.maxClients }),
    });
    this.budgets = new Counters({
      windowSeconds: Math.max(1, Math.round(windowMs / 1000)),
      aligned: this.window === 'aligned',
      maxClients: MOST_BUDGETS,
      maxSeconds: MOST_BUDGET_SECONDS,
      seed,
      limitsOf: (site) => this.sites.at(site).budget ?? UNLIMITED,
    });
    this.sketch = new Sketch(seed, windowMs);
    for (const { kind, name, atMs } of store.changes()) this.changed.set(`${kind} ${name}`, atMs);
    this.readExemptions();
    this.takeUpCounters(options.counted ?? null);
    this.takeUpBlocks();
  }

  /** Whether a request may be served. @param address  of the client, as it is known */
  admit(host: string | undefined, address: string, request: Tipping): Verdict {
    const { monotonic, onDecision } = this.options;
    if (monotonic === undefined || onDecision === undefined) return this.decide(host, address, request);
    const begunMs = monotonic();
    const verdict = this.decide(host, address, request);
    onDecision((monotonic() - begunMs) / 1000);
    return verdict;
  }

  private decide(host: string | undefined, address: string, request: Tipping): Verdict {
    const nowMs = this.now();
    const site = this.sites.ofHost(host);
    const { mode } = policyOf(site, nowMs);
    const client = clientOf(address, this.prefix);
    if (mode === 'off' || client === null || this.exemptionOf(site, address, nowMs))
      return this.serveFree(site);
    this.sketch.add(site.number, client, nowMs);
    const wait = site.budget === null ? 0 : this.overBudget(site, site.budget, nowMs);
    if (wait > 0 && this.engine.blockOf(site.number, client, nowMs) === null)
      return this.refuse(site, mode, { retryAfter: wait, status: 503, site: site.name, because: 'site' });
    const decision = this.engine.admit(site.number, client, nowMs);
    if (decision.kind === 'served') return this.serve(site, client, request);
    if (decision.began) this.noteBlock(decision.block, request);
    if (mode === 'enforce') this.countRefusal(site, decision.block);
    return this.refuse(site, mode, {
      retryAfter: retryAfter(decision.block, nowMs),
      status: site.refusal,
      site: site.name,
      because: 'client',
    });
  }

  /** Account a response of which something else tells, such as a log. */
  account(host: string | undefined, address: string, bytes: number, request: Tipping): void {
    const site = this.sites.ofHost(host);
    const client = clientOf(address, this.prefix);
    const exempt = this.exemptionOf(site, address, this.now());
    if (client !== null && !exempt && policyOf(site, this.now()).mode !== 'off')
      this.accountFor(site, client, bytes, request);
  }

  /** A web server refused a request by a block that it had from here. */
  noteRefused(host: string | undefined, address: string): void {
    const site = this.sites.ofHost(host);
    const client = clientOf(address, this.prefix);
    this.sumOf(site).refusedRequests += 1;
    this.totalOf(site).refusedRequests += 1;
    if (client === null) return;
    this.sketch.add(site.number, client, this.now());
    const block = this.engine.blockOf(site.number, client, this.now());
    if (block) this.countRefusal(site, block);
  }

  /** Requests of a client that were refused since its block began. */
  refusedIn(block: Block): number {
    return this.refusals.get(block) ?? 0;
  }

  /** Count a request of which a log tells that it was served: nothing can be refused any more. */
  noteServed(host: string | undefined, address: string, bytes: number, request: Tipping): void {
    const nowMs = this.now();
    const site = this.sites.ofHost(host);
    const client = clientOf(address, this.prefix);
    this.countServed(site);
    this.countBytes(site, bytes);
    const { mode } = policyOf(site, nowMs);
    if (client === null || mode === 'off' || this.exemptionOf(site, address, nowMs)) return;
    this.sketch.add(site.number, client, nowMs);
    this.spend(site, 1, bytes);
    const decision = this.engine.admit(site.number, client, nowMs);
    if (decision.kind === 'refused') {
      if (decision.began) this.noteBlock(decision.block, request);
      if (mode === 'dry') this.totalOf(site).wouldRefuse += 1;
      return;
    }
    const block = this.engine.account(site.number, client, bytes, nowMs);
    if (block) this.noteBlock(block, request);
  }

  /** Take one request that a web server decided by itself, and the block that it has for it. */
  noteDecided(
    host: string | undefined,
    address: string,
    bytes: number,
    { kind, limit, untilMs }: Decided,
    request: Tipping,
  ): void {
    const site = this.sites.ofHost(host);
    const client = clientOf(address, this.prefix);
    if (client !== null && untilMs !== null) this.adoptUnlessLifted(site, client, limit, untilMs, request);
    if (kind === 'refused' || kind === 'over budget') {
      if (kind === 'over budget') this.totalOf(site).overBudget += 1;
      return this.noteRefused(host, address);
    }
    this.countServed(site);
    this.countBytes(site, bytes);
    if (kind === 'would refuse') this.totalOf(site).wouldRefuse += 1;
    if (client === null || kind === 'free') return;
    const nowMs = this.now();
    this.sketch.add(site.number, client, nowMs);
    this.spend(site, 1, bytes);
    if (this.engine.blockOf(site.number, client, nowMs) === null)
      this.engine.count(site.number, client, Math.floor(nowMs / 1000), 1, bytes);
  }

  /** Take what a web server that counts by itself served and refused. */
  noteFigures(site: Site, figures: Figures): void {
    const { served, bytes, refused, overBudget, free, freeBytes, wouldRefuse } = figures;
    const totals = this.totalOf(site);
    for (const sums of [this.sumOf(site), totals]) {
      sums.servedRequests += served + free;
      sums.servedBytes += bytes + freeBytes;
      sums.refusedRequests += refused;
    }
    totals.overBudget += overBudget;
    totals.wouldRefuse += wouldRefuse;
    this.spend(site, served, bytes);
  }

  /** Take what a web server that counts by itself, in windows of the clock, gave to a client. Nobody is blocked by it. */
  noteClient(site: Site, address: string, { windowStart, requests, bytes, isFirst }: ClientAddition): void {
    const nowMs = this.now();
    const client = clientNamed(address, this.prefix);
    if (client === null) return;
    const known = isFirst ? this.engine.tally(site.number, client, nowMs) : { requests: 0, bytes: 0 };
    const more = Math.max(0, requests - known.requests);
    this.sketch.add(site.number, client, nowMs, more);
    this.engine.count(site.number, client, windowStart, more, Math.max(0, bytes - known.bytes));
  }

  /** Until when all clients of a site wait, in milliseconds since the epoch; null when they need not. */
  shedUntilMs(site: Site): number | null {
    const nowMs = this.now();
    if (site.budget === null || policyOf(site, nowMs).mode !== 'enforce') return null;
    const wait = this.overBudget(site, site.budget, nowMs);
    return wait === 0 ? null : (Math.floor(nowMs / 1000) + wait) * 1000;
  }

  /** Take over a block that a web server began by itself. @returns false when there is one already */
  adopt(
    site: Site,
    client: Client,
    limit: BlockCause,
    untilMs: number,
    request: Tipping | null = null,
  ): boolean {
    const nowMs = this.now();
    if (this.engine.blockOf(site.number, client, nowMs) !== null) return false;
    const { requests, bytes } = this.engine.tally(site.number, client, nowMs);
    const startMs = Math.min(nowMs, untilMs - this.blockMs);
    const block = { site: site.number, client, limit, requests, bytes, startMs, untilMs };
    this.engine.put(block);
    this.noteBlock(block, request);
    return true;
  }

  /** The networks that ask the most, refused or not. @param site  null for all */
  heaviest(site: Site | null, limit: number): (Omit<HeavyNetwork, 'site'> & { readonly site: Site })[] {
    return this.sketch
      .heaviest(site?.number ?? null, limit, this.now())
      .map((each) => ({ ...each, site: this.sites.at(each.site) }));
  }

  /** What all clients together had of a site with a budget. */
  spent(site: Site): { readonly requests: number; readonly bytes: number } {
    return this.budgets.tally(site.number, EVERYBODY, Math.floor(this.now() / 1000));
  }

  /** Tell somebody what happens here from now on. @returns what {@link Share.mark} said when the counts were kept; null when none were */
  join(share: Share): string | null {
    this.share = share;
    this.engine.listen(share.counted);
    return this.mark;
  }

  /** When something was last changed, by the clock that all nodes go by; 0 when it never was. */
  changedMs(kind: Change['kind'], name: string): number {
    return this.changed.get(`${kind} ${name}`) ?? 0;
  }

  /** What was removed, and when. */
  removals(kind: 'site' | 'exemption'): { readonly name: string; readonly atMs: number }[] {
    const there =
      kind === 'site'
        ? this.storedSites().map(({ name }) => name)
        : this.ownExemptions().map(({ network, site }) => exemptionName(network, site));
    const known = new Set(there);
    return [...this.changed].flatMap(([key, atMs]) => {
      const name = key.slice(kind.length + 1);
      return key.startsWith(`${kind} `) && !known.has(name) ? [{ name, atMs }] : [];
    });
  }

  /** Let what was changed here yield to whatever others have. */
  yieldTo(kind: 'site' | 'exemption', others: (name: string) => boolean): void {
    for (const key of this.changed.keys())
      if (key.startsWith(`${kind} `) && others(key.slice(kind.length + 1))) this.changed.delete(key);
  }

  /** The sites that somebody set, as they are kept. */
  storedSites(): Site[] {
    return this.store.sites();
  }

  /** The exemptions that somebody set, as they are kept. */
  ownExemptions(): Exemption[] {
    return this.store.exemptions();
  }

  /** Do what writes a lot in one transaction. Where it cannot be written it is done all the same: it holds in memory. */
  together<T>(work: () => T): T {
    let done: { readonly value: T } | null = null;
    this.guarded(() =>
      this.store.together(() => {
        done = { value: work() };
      }),
    );
    return (done as { readonly value: T } | null)?.value ?? work();
  }

  /** That this machine shares with others from now on. */
  noteJoined(): void {
    if (this.changedMs('share', 'joined') === 0) this.noteChange('share', 'joined');
  }

  /** Add what another node counted of a client. */
  countElsewhere(site: Site, client: Client, second: number, requests: number, bytes: number): void {
    const nowMs = this.now();
    if (policyOf(site, nowMs).mode === 'off') return;
    if (requests > 0) this.sketch.add(site.number, client, nowMs, requests);
    const block = this.engine.merge(site.number, client, second, requests, bytes, nowMs);
    // Of a request that another node served nothing is known here.
    if (block) this.noteBlock(block, null);
  }

  /** Add what another node spent of a budget. */
  spendElsewhere(site: Site, second: number, requests: number, bytes: number): void {
    if (site.budget !== null)
      this.budgets.addLate(site.number, EVERYBODY, second, Math.floor(this.now() / 1000), requests, bytes);
  }

  /** The block that holds for a client. */
  blockOf(site: Site, client: Client): Block | null {
    return this.engine.blockOf(site.number, client, this.now());
  }

  /** Take over a block that holds on another node, in place of one of our own. */
  blockElsewhere(block: Block): void {
    const { site, client, limit, requests, bytes, startMs, untilMs } = block;
    const mine = this.engine.blockOf(site, client, this.now());
    const isSame = mine?.untilMs === untilMs && mine.startMs === startMs;
    if (isSame) return;
    const tipping = mine ? (this.tippings.get(mine) ?? null) : null;
    this.engine.put(block);
    if (tipping) this.tippings.set(block, tipping);
    if (mine) this.refusals.set(block, this.refusedIn(mine));
    this.guarded(() => this.store.saveBlock({ block, tipping }));
    if (mine) return;
    this.options.onEvent({
      event: 'blocked elsewhere',
      site: this.sites.at(site).name,
      client: client.text,
      limit,
      requests,
      bytes,
      until: new Date(untilMs).toISOString(),
    });
  }

  /** Another node lifted a block. */
  liftElsewhere(site: Site, client: Client): void {
    const block = this.engine.lift(site.number, client, this.now());
    if (block === null) return;
    this.lifted.set(`${site.number} ${client.text}`, block.untilMs);
    this.guarded(() => this.store.removeBlock(site.number, client.text));
    this.options.onEvent({ event: 'unblocked elsewhere', site: site.name, client: client.text });
  }

  /** Take a site as another node has it. @throws AppError E_EXISTS when one of its names is another site's */
  siteElsewhere(site: Site, atMs: number): void {
    this.sites.put(site);
    this.guarded(() => {
      this.store.saveSite(site);
      this.saveChange('site', site.name, atMs);
      this.record('site changed elsewhere', site.name, formatLimits(policyOf(site, this.now()).limits));
    });
  }

  siteRemovedElsewhere(name: string, atMs: number): void {
    const site = this.sites.called(name);
    this.guarded(() => {
      this.saveChange('site', name, atMs);
      if (site === null || site.number === 0) return;
      this.dropSite(site);
      this.record('site removed elsewhere', name, '');
    });
  }

  /** Take an exemption as another node has it. @param exemption  null when it was removed there */
  exemptionElsewhere(network: string, site: string | null, exemption: Exemption | null, atMs: number): void {
    const range = parseNetwork(network);
    const isOther = (each: Excused) =>
      LOOPBACK.includes(each.range) || each.network !== network || each.site !== site;
    const others = this.excused.filter(isOther);
    this.excused = exemption && range ? [...others, { ...exemption, range }] : others;
    this.guarded(() => {
      this.saveChange('exemption', exemptionName(network, site), atMs);
      if (exemption === null) this.store.removeExemption(network, site);
      else this.store.saveExemption(exemption);
      const what = exemption === null ? 'exemption removed elsewhere' : 'exempt elsewhere';
      this.record(what, network, exemption?.reason ?? '');
    });
  }

  /** What was counted, as a file that a next life takes up. */
  snapshot(): Uint8Array {
    const nowMs = this.now();
    const second = Math.floor(nowMs / 1000);
    const mark = this.share?.mark() ?? '';
    const kept = { counters: this.engine.pack(nowMs), budgets: this.budgets.pack(second), mark };
    return encodeSnapshot(kept, this, second);
  }

  /** Every block that holds, the latest first. */
  blocks(): { readonly block: Block; readonly tipping: Tipping | null }[] {
    return this.engine
      .blocks(this.now())
      .map((block) => ({ block, tipping: this.tippings.get(block) ?? null }))
      .sort((a, b) => b.block.startMs - a.block.startMs);
  }

  /** Block a client by hand. */
  block(site: Site, client: Client, forMs: number, reason: string): Block {
    const startMs = this.now();
    const block: Block = {
      site: site.number,
      client,
      limit: 'manual',
      requests: 0,
      bytes: 0,
      startMs,
      untilMs: startMs + forMs,
    };
    this.store.saveBlock({ block, tipping: null });
    this.engine.put(block);
    this.share?.blocked(block);
    this.totalOf(site).blocks.manual += 1;
    this.record('block', `${site.name} ${client.text}`, reason);
    return block;
  }

  /** End the blocks of a client, on one site or on all. @returns those that there were */
  unblock(client: Client, site: Site | null): Block[] {
    const sites = site === null ? this.sites.all() : [site];
    return sites.flatMap((each) => {
      const block = this.engine.lift(each.number, client, this.now());
      if (!block) return [];
      this.store.removeBlock(each.number, client.text);
      this.lifted.set(`${each.number} ${client.text}`, block.untilMs);
      this.share?.lifted(block);
      this.record('unblock', `${each.name} ${client.text}`, '');
      return [block];
    });
  }

  /** The client that a person names. @throws AppError E_CLIENT (exit 64) when it is no address */
  clientNamed(text: string): Client {
    const client = clientNamed(text, this.prefix);
    if (client) return client;
    throw new AppError(`'${text}' is no address.`, {
      code: 'E_CLIENT',
      exit: ExitCode.usage,
      hint: `Give an IPv4 or IPv6 address; of the latter the first ${this.prefix} bits count.`,
    });
  }

  /** Change a site, or add it. */
  saveSite(site: Site, action: string, detail: string): void {
    this.sites.put(site);
    this.store.saveSite(site);
    this.share?.siteSaved(site, this.noteChange('site', site.name));
    this.record(action, site.name, detail);
  }

  removeSite(site: Site): void {
    this.dropSite(site);
    this.share?.siteRemoved(site.name, this.noteChange('site', site.name));
    this.record('site removed', site.name, '');
  }

  private dropSite(site: Site): void {
    this.sites.drop(site.number);
    this.store.removeSite(site.number);
    this.engine.forget(site.number);
    this.budgets.forget(site.number);
  }

  exemptions(): Exemption[] {
    const nowMs = this.now();
    return this.excused
      .filter(({ untilMs }) => untilMs === null || nowMs < untilMs)
      .map(({ range: _, ...exemption }) => exemption);
  }

  get isFullOfExemptions(): boolean {
    return this.excused.length >= MOST_EXEMPTIONS;
  }

  /** @throws AppError E_NETWORK (exit 64), E_FULL (exit 64) */
  exempt(exemption: Exemption): Exemption {
    const range = this.network(exemption.network);
    if (this.isFullOfExemptions) {
      throw new AppError(`There are ${MOST_EXEMPTIONS} exemptions already.`, {
        code: 'E_FULL',
        exit: ExitCode.usage,
        hint: 'Join networks, or remove some.',
      });
    }
    const kept = { ...exemption, network: range.text };
    this.store.saveExemption(kept);
    this.readExemptions();
    this.share?.exempted(kept, this.noteChange('exemption', exemptionName(kept.network, kept.site)));
    this.record('exempt', range.text, exemption.reason);
    return kept;
  }

  /** @returns whether there was such an exemption */
  unexempt(network: string, site: string | null): boolean {
    const { text } = this.network(network);
    const removed = this.store.removeExemption(text, site);
    if (removed) {
      this.readExemptions();
      this.share?.unexempted(text, site, this.noteChange('exemption', exemptionName(text, site)));
      this.record('exemption removed', network, '');
    }
    return removed;
  }

  /** The exemption that lets a client pass, or null. @param site  null for one that holds on every site */
  exemptionOf(site: Site | null, address: string, nowMs: number): Exemption | null {
    const value = readIPv4(address);
    const parsed = value === null ? parseAddress(address) : null;
    const found = this.excused.find(
      ({ site: only, untilMs, range }) =>
        (only === null || only === site?.name) &&
        (untilMs === null || nowMs < untilMs) &&
        (value === null ? holds(range, parsed) : holdsIPv4(range, value)),
    );
    return found ?? null;
  }

  /** Who is nearest to the limits. @param site  null for all */
  top(site: Site | null, limit: number): Standing[] {
    return this.engine
      .nearest(site?.number ?? null, limit, this.now())
      .map(({ site: number, words, requests, bytes, share }) => ({
        site: this.sites.at(number),
        client: clientOfWords(words, this.prefix),
        requests,
        bytes,
        share,
      }));
  }

  /** How a client stands with a site. */
  standing(
    site: Site,
    client: Client,
  ): { readonly standing: Standing; readonly block: Block | null; readonly tipping: Tipping | null } {
    const nowMs = this.now();
    const { requests, bytes } = this.engine.tally(site.number, client, nowMs);
    const { limits } = policyOf(site, nowMs);
    const share = Math.max(requests / limits.requests, bytes / limits.bytes);
    const block = this.engine.blockOf(site.number, client, nowMs);
    const tipping = block ? (this.tippings.get(block) ?? null) : null;
    return { standing: { site, client, requests, bytes, share }, block, tipping };
  }

  /** Served and refused since so many milliseconds. */
  traffic(site: Site, sinceMs: number): Sums {
    this.flush();
    return this.store.traffic(site.number, Math.floor((this.now() - sinceMs) / MINUTE_MS) + 1);
  }

  /** Sums since the start, by site. */
  totalsOf(site: Site): Readonly<Totals> {
    return this.totalOf(site);
  }

  get tracked(): number {
    return this.engine.tracked;
  }

  get loss() {
    return this.engine.loss;
  }

  /** Writes that failed since the start. */
  get storeFailures(): number {
    return this.failures;
  }

  get nowMs(): number {
    return this.now();
  }

  /** Store the figures of the last moments. */
  flush(): void {
    const minute = Math.floor(this.now() / MINUTE_MS);
    const rows: Traffic[] = [...this.sums].map(([site, sums]) => ({ site, minute, ...sums }));
    this.sums = new Map();
    if (rows.length > 0) this.guarded(() => this.store.addTraffic(rows));
  }

  /** Forget what is over, such as once a minute. */
  prune(): void {
    this.guarded(() => this.store.prune(this.now()));
    for (const [key, untilMs] of this.lifted) if (untilMs <= this.now()) this.lifted.delete(key);
    this.readExemptions();
  }

  /** A web server may not know yet that a block was lifted. */
  private adoptUnlessLifted(
    site: Site,
    client: Client,
    limit: BlockCause,
    untilMs: number,
    request: Tipping,
  ): void {
    const lifted = this.lifted.get(`${site.number} ${client.text}`) ?? Number.NEGATIVE_INFINITY;
    // The end may have been rounded up to a whole millisecond.
    if (untilMs > this.now() && untilMs > lifted + 1) this.adopt(site, client, limit, untilMs, request);
  }

  private countRefusal(site: Site, block: Block): void {
    const refused = this.refusedIn(block) + 1;
    this.refusals.set(block, refused);
    if (refused === this.options.stubbornAfter)
      this.options.onEvent({ event: 'goes on asking', site: site.name, client: block.client.text, refused });
  }

  private refuse(
    site: Site,
    mode: Mode,
    refusal: Omit<Extract<Verdict, { kind: 'refuse' }>, 'kind'>,
  ): Verdict {
    if (mode === 'dry') {
      this.totalOf(site).wouldRefuse += 1;
      return this.serveFree(site);
    }
    this.sumOf(site).refusedRequests += 1;
    this.totalOf(site).refusedRequests += 1;
    if (refusal.because === 'site') this.totalOf(site).overBudget += 1;
    return { kind: 'refuse', ...refusal };
  }

  /** Seconds until a site that has spent its budget has some again; 0 when it has. */
  private overBudget(site: Site, budget: Limits, nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    const { requests, bytes } = this.budgets.tally(site.number, EVERYBODY, second);
    if (requests < budget.requests && bytes <= budget.bytes) return 0;
    if (nowMs - (this.toldOver.get(site.number) ?? Number.NEGATIVE_INFINITY) >= this.windowMs) {
      this.toldOver.set(site.number, nowMs);
      this.options.onEvent({ event: 'over budget', site: site.name, requests, bytes });
    }
    const windowSeconds = Math.round(this.windowMs / 1000);
    const earliest = this.budgets.earliest(site.number, EVERYBODY, second) ?? second;
    const ends = this.window === 'aligned' ? second - (second % windowSeconds) : earliest;
    return Math.max(1, ends + windowSeconds - second);
  }

  private spend(site: Site, requests: number, bytes: number): void {
    if (site.budget === null) return;
    const second = Math.floor(this.now() / 1000);
    this.budgets.add(site.number, EVERYBODY, second, requests, bytes);
    this.share?.spent(site.number, second, requests, bytes);
  }

  private serve(site: Site, client: Client, request: Tipping): Verdict {
    this.countServed(site);
    this.spend(site, 1, 0);
    return { kind: 'serve', account: (bytes) => this.accountFor(site, client, bytes, request) };
  }

  /** Serve without counting against anybody. */
  private serveFree(site: Site): Verdict {
    this.countServed(site);
    return { kind: 'serve', account: (bytes) => this.countBytes(site, bytes) };
  }

  private accountFor(site: Site, client: Client, bytes: number, request: Tipping): void {
    this.countBytes(site, bytes);
    this.spend(site, 0, bytes);
    const block = this.engine.account(site.number, client, bytes, this.now());
    if (block) this.noteBlock(block, request);
  }

  private countServed(site: Site): void {
    this.sumOf(site).servedRequests += 1;
    this.totalOf(site).servedRequests += 1;
  }

  private countBytes(site: Site, bytes: number): void {
    this.sumOf(site).servedBytes += bytes;
    this.totalOf(site).servedBytes += bytes;
  }

  /** @param request  that began it; null when nobody told of it */
  private noteBlock(block: Block, request: Tipping | null): void {
    const site = this.sites.at(block.site);
    const tipping = request && {
      method: cut(request.method),
      path: cut(request.path),
      userAgent: cut(request.userAgent),
    };
    if (tipping) this.tippings.set(block, tipping);
    this.totalOf(site).blocks[block.limit] += 1;
    // A store that cannot be written must not let anybody through: the block holds in memory.
    this.guarded(() => this.store.saveBlock({ block, tipping }));
    this.share?.blocked(block);
    const { client, limit, requests, bytes, untilMs } = block;
    const until = new Date(untilMs).toISOString();
    this.options.onEvent({
      event: 'blocked',
      site: site.name,
      client: client.text,
      limit,
      requests,
      bytes,
      until,
    });
  }

  /** Remember when something was changed; a change is always later than the one before. @returns when */
  private noteChange(kind: Change['kind'], name: string): number {
    const beforeMs = this.changed.get(`${kind} ${name}`) ?? 0;
    return this.saveChange(kind, name, Math.max(this.share?.nowMs() ?? this.now(), beforeMs + 1));
  }

  private saveChange(kind: Change['kind'], name: string, atMs: number): number {
    this.changed.set(`${kind} ${name}`, atMs);
    this.store.saveChange({ kind, name, atMs });
    return atMs;
  }

  private record(action: string, subject: string, detail: string): void {
    this.store.audit({ atMs: this.now(), action, subject, detail });
    this.options.onEvent({ event: action, subject, ...(detail !== '' && { detail }) });
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failures += 1;
      this.options.onEvent({ event: 'store failed', message: (error as Error).message });
    }
  }

  private network(text: string): Network {
    const range = parseNetwork(text);
    if (range) return range;
    throw new AppError(`'${text}' is no network.`, {
      code: 'E_NETWORK',
      exit: ExitCode.usage,
      hint: 'Give an address, or a network such as 192.0.2.0/24 or 2001:db8::/48.',
    });
  }

  private readExemptions(): void {
    const loopback = (this.options.exemptLoopback ?? true) ? LOOPBACK : [];
    const own = loopback.map((range) => ({
      network: range.text,
      site: null,
      reason: 'this machine',
      untilMs: null,
      range,
    }));
    const stored = this.store.exemptions().flatMap((exemption) => {
      const range = parseNetwork(exemption.network);
      return range ? [{ ...exemption, range }] : [];
    });
    this.excused = [...own, ...stored];
  }

  private takeUpCounters(file: Uint8Array | Unusable | null): void {
    if (file === null) return;
    const nowMs = this.now();
    const read = file instanceof Uint8Array ? decodeSnapshot(file, this, Math.floor(nowMs / 1000)) : file;
    if ('counters' in read) {
      try {
        this.engine.unpack(read.counters, nowMs);
        this.budgets.unpack(read.budgets, Math.floor(nowMs / 1000));
        this.mark = read.mark;
        return;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    const reason = 'counters' in read ? 'it makes no sense' : read.reason;
    this.options.onEvent({ event: 'counters ignored', reason });
  }

  /** Blocks of an earlier life hold for the time that they had left, and never longer than they were set for. */
  private takeUpBlocks(): void {
    const nowMs = this.now();
    this.store.prune(nowMs);
    for (const { block, tipping } of this.store.blocks()) {
      const untilMs = Math.min(block.untilMs, nowMs + block.untilMs - block.startMs);
      const taken = { ...block, untilMs };
      this.engine.put(taken);
      if (tipping) this.tippings.set(taken, tipping);
    }
  }

  private sumOf(site: Site): Sums {
    let sums = this.sums.get(site.number);
    if (!sums) {
      sums = { servedRequests: 0, servedBytes: 0, refusedRequests: 0 };
      this.sums.set(site.number, sums);
    }
    return sums;
  }

  private totalOf(site: Site) {
    let totals = this.totals.get(site.number);
    if (!totals) {
      totals = {
        ...{ servedRequests: 0, servedBytes: 0, refusedRequests: 0 },
        ...{ blocks: { requests: 0, bytes: 0, manual: 0 }, wouldRefuse: 0, overBudget: 0 },
      };
      this.totals.set(site.number, totals);
    }
    return totals;
  }
}
