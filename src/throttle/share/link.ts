import { setImmediate as turn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { makeClient, runScript } from '../../redis/client.ts';
import { nameOfRedis, type RedisServer } from '../../redis/place.ts';
import type { ThrottleShare } from '../../schema/throttle.ts';
import type { Client } from '../client.ts';
import type { Block } from '../engine.ts';
import type { Site } from '../site.ts';
import type { Exemption } from '../store.ts';
import { exemptionName, type Share, type Warden, type WardenEvent } from '../warden.ts';
import { SharedClock } from './clock.ts';
import { type Batch, Outbox } from './outbox.ts';
import { Pulse } from './pulse.ts';
import {
  blockOperation,
  exemptionOperation,
  reconcile,
  removalOperation,
  siteOperation,
} from './reconcile.ts';
import { BLOCKS, EXEMPTIONS, HEAR, LAYOUT, SCAN, SITES, STREAM, TELL, tellKeys } from './scripts.ts';
import { Taker } from './taker.ts';
import { blockField, liftValue, type Operation, readOperations } from './wire.ts';

export type ShareOptions = {
  readonly server: RedisServer;
  readonly password?: () => string;
  /** An unguessable name of this run of the service, of letters, digits, "-" and "_". */
  readonly life: string;
  /** In [0, 1), so that nodes do not all come back at once. */
  readonly random: () => number;
};

/** How long a connection and an answer may take: requests wait for neither. */
const LIMITS = { connectMs: 2000, answerMs: 2000 } as const;

/** How often counts are told, others are listened to, and a node that has nothing to tell shows itself. */
const TELL_MS = 250;
const HEAR_MS = 50;
const BEAT_MS = 5000;

/** What happens by hand is told at once, but not more often than this. */
const URGENT_MS = 20;

/** How long the last of it may take when the service stops. */
const STOP_MS = 1000;

/** Counts are kept for so much longer than they matter. */
const MARGIN_MS = 60_000;

/** Bytes of the stream, of an entry, of a value and of a hash that are read; entries that are read at a time. */
const MOST_STREAM = 64 * 1024 * 1024;
const MOST_ENTRY = 1024 * 1024;
const MOST_VALUE = 64 * 1024;
const HEARD_AT_ONCE = 20;
const MOST_KEPT = 64 * 1024 * 1024;

/** When it is tried again, growing from one to the other. */
const SOONEST_MS = 250;
const LATEST_MS = 5000;

/** Strange entries are told of once in a while. */
const QUIET_MS = 60_000;

/** What a life could not tell. */
type Untold = { readonly life: string; readonly batches: readonly Batch[] };

/** What the next life needs: the last batch of each life that is in the counts, and what nobody was told. */
type Mark = { readonly counted: Readonly<Record<string, number>>; readonly untold: readonly Untold[] };

type Told = readonly [state: string, timeMs: string, nodes: number, last: number, more: string];
type Heard = readonly [id: string, life?: string, number?: string, counts?: string, told?: string];

/** What is told of a server that was never reached. */
export function notShared(server: string, since: string, reason: string): ThrottleShare {
  const nothing = { nodes: 0, clockAheadMs: 0, waiting: 0, lost: 0, strange: 0, cut: 0 };
  return { server, state: 'away', since, reason, ...nothing };
}

/** Whether one entry of a stream lies behind another. */
function isLater(id: string, than: string): boolean {
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanSequence = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && sequence > thanSequence);
}

/**
 * Keeps this node in step with others over a Redis or Valkey server. The node decides by itself, from what it counted and
 * what it heard; no request waits for the server. While that is away the node goes on with what it knows, and tells
 * afterwards what still matters.
 */
export class ShareLink implements Share {
  private readonly warden: Warden;
  private readonly options: ShareOptions;
  private readonly onEvent: (event: WardenEvent) => void;
  private readonly name: string;
  private readonly setup: string;
  private readonly keepMs: number;
  private readonly clock: SharedClock;
  private readonly outbox: Outbox;
  private readonly taker: Taker;
  private readonly pulse = new Pulse();
  /** The last entry that was heard, and the one up to which the rest of what the server keeps was read. */
  private heard = '0-0';
  private known = '0-0';
  private isConnected = false;
  private sinceMs: number;
  private reason: string | null = 'it was not reached yet';
  private toldReason = '';
  private nodes = 0;
  private isUrgent = false;
  private toldMs = Number.NEGATIVE_INFINITY;
  private strange = 0;
  private strangeToldMs = Number.NEGATIVE_INFINITY;
  private wasCut = 0;
  private isApart = false;
  private lostTold = 0;
  /** Of earlier lives. */
  private legacy: readonly Untold[] = [];
  private isForgotten = false;
  private stopped = false;
  private redis: Redis | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(warden: Warden, options: ShareOptions, onEvent: (event: WardenEvent) => void) {
    this.warden = warden;
    this.options = options;
    this.onEvent = onEvent;
    this.name = nameOfRedis(options.server);
    const { window, windowMs, blockMs, prefix } = warden;
    this.setup = `${LAYOUT} ${window} ${windowMs / 1000} ${blockMs / 1000} ${prefix}`;
    this.keepMs = windowMs + MARGIN_MS;
    this.clock = new SharedClock(() => warden.nowMs);
    this.outbox = new Outbox((site) => warden.sites.at(site).name, this.keepMs);
    this.taker = new Taker({
      warden,
      clock: this.clock,
      life: options.life,
      keepMs: this.keepMs,
      onStrange: (what) => this.noteStrange(what),
    });
    this.sinceMs = warden.nowMs;
  }

  start(): void {
    const mark = this.warden.join(this) ?? '';
    // Empty when the counts were made on a machine of its own.
    if (mark !== '') {
      const { counted, untold } = JSON.parse(mark) as Mark;
      this.taker.restore(counted);
      this.legacy = untold;
    }
    this.running = this.run();
  }

  /** Tell what there is, if the server is there, and end. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.pulse.kick();
    const late = setTimeout(() => this.redis?.disconnect(), STOP_MS);
    await this.running;
    clearTimeout(late);
  }

  /** How things stand. */
  describe(): ThrottleShare {
    return {
      server: this.name,
      state: this.isConnected ? 'connected' : 'away',
      since: new Date(this.sinceMs).toISOString(),
      reason: this.reason,
      nodes: this.isConnected ? this.nodes : 0,
      clockAheadMs: this.clock.aheadMs,
      waiting: this.outbox.waiting,
      lost: this.outbox.lostRows,
      strange: this.strange,
      cut: this.wasCut,
    };
  }

  // What happens here.

  readonly counted = (
    site: number,
    client: Client,
    second: number,
    requests: number,
    bytes: number,
  ): void => {
    if (this.outbox.add(site, client, second, requests, bytes)) this.seal();
  };

  spent(site: number, second: number, requests: number, bytes: number): void {
    if (this.outbox.add(site, null, second, requests, bytes)) this.seal();
  }

  blocked(block: Block): void {
    // While nobody hears it, it waits among the blocks: what the server lacks is found when it is back.
    if (!this.isConnected && block.limit !== 'manual') return;
    const site = this.warden.sites.at(block.site).name;
    this.operate(blockOperation(block.limit === 'manual' ? 'm' : 'b', site, block, this.clock));
  }

  lifted({ site, client, startMs, untilMs }: Block): void {
    const field = blockField(this.warden.sites.at(site).name, client.text);
    // Never before the block, whatever became known of the clock meanwhile.
    const atMs = Math.max(this.clock.now(), this.clock.toShared(startMs));
    this.taker.noteLift(field, atMs);
    this.operate({ op: 'x', field, value: liftValue(atMs, this.clock.toShared(untilMs)) });
  }

  siteSaved(site: Site, atMs: number): void {
    this.operate(siteOperation(site, atMs, this.clock));
  }

  siteRemoved(name: string, atMs: number): void {
    this.operate(removalOperation('s', name, atMs));
  }

  exempted(exemption: Exemption, atMs: number): void {
    this.operate(exemptionOperation(exemption, atMs, this.clock));
  }

  unexempted(network: string, site: string | null, atMs: number): void {
    this.operate(removalOperation('e', exemptionName(network, site), atMs));
  }

  mark(): string {
    this.seal();
    const { life } = this.options;
    const mark: Mark = {
      counted: { ...this.taker.progress(), [life]: this.outbox.last },
      untold: [...this.stillDue(), { life, batches: this.outbox.untold() }],
    };
    return JSON.stringify(mark);
  }

  /** What earlier lives could not tell and still matters. */
  private stillDue(): Untold[] {
    const sinceMs = this.warden.nowMs - this.keepMs;
    return this.legacy
      .map(({ life, batches }) => ({ life, batches: batches.filter(({ atMs }) => atMs > sinceMs) }))
      .filter(({ batches }) => batches.length > 0);
  }

  nowMs(): number {
    return this.clock.now();
  }

  private operate(operation: Operation): void {
    this.taker.noteOwn(operation.field, this.outbox.operate(operation));
    if (this.outbox.isLong) this.seal();
    this.isUrgent = true;
    this.pulse.kick();
  }

  private seal(): void {
    this.outbox.seal(this.warden.nowMs, this.clock.aheadSeconds);
    const lost = this.outbox.lostRows;
    if (lost > 0 && this.lostTold === 0) this.onEvent({ event: 'share lost', server: this.name, rows: lost });
    this.lostTold = lost;
  }

  // The connection.

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopped) {
      try {
        await this.attend(() => {
          failures = 0;
        });
      } catch (error) {
        if (!this.stopped) this.noteAway((error as Error).message);
      }
      if (this.stopped) return;
      const delay = Math.min(LATEST_MS, SOONEST_MS * 2 ** failures) * (0.5 + this.options.random() / 2);
      failures = Math.min(failures + 1, 10);
      await this.rest(delay);
    }
  }

  /** Wait, whatever happens here meanwhile, unless the service stops. */
  private async rest(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    for (let left = ms; left > 0 && !this.stopped; left = untilMs - performance.now())
      await this.pulse.wait(left);
  }

  /** One connection, for as long as it holds. */
  private async attend(onConnected: () => void): Promise<void> {
    const redis = await this.connect();
    try {
      await this.enter(redis);
      this.noteConnected();
      onConnected();
      while (!this.stopped) {
        await this.tellWhatIsDue(redis);
        if (this.isForgotten) await this.enter(redis);
        while (await this.hear(redis)) await turn();
        await this.pulse.wait(this.isUrgent ? URGENT_MS : HEAR_MS);
      }
      await this.tellAll(redis);
    } finally {
      redis.disconnect();
    }
  }

  private async connect(): Promise<Redis> {
    const { server, password } = this.options;
    const redis = await makeClient({
      server,
      flag: 'share',
      againMs: null,
      ...LIMITS,
      ...(password && { password }),
    });
    this.redis = redis;
    // Whoever asks is told only that there is no connection.
    let last: Error | undefined;
    redis.on('error', (error: Error) => {
      last = error;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it does not answer')), LIMITS.connectMs + LIMITS.answerMs);
    });
    try {
      await Promise.race([redis.connect(), late]);
      return redis;
    } catch (error) {
      redis.disconnect();
      throw last ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async tell(
    redis: Redis,
    number: number,
    after: number,
    values: readonly string[],
    life = this.options.life,
  ): Promise<Told> {
    const askedMs = this.warden.nowMs;
    const fixed = [life, number, after, this.keepMs, MOST_STREAM, this.setup];
    const told = (await runScript(redis, TELL, tellKeys(life), [...fixed, ...values])) as Told;
    const [state, timeMs, nodes, , more] = told;
    if (state === 'other')
      throw new Error(`the other nodes count differently ("${more}", here "${this.setup}")`);
    this.clock.note(Number(timeMs), askedMs, this.warden.nowMs);
    this.noteClock();
    this.nodes = nodes;
    this.toldMs = performance.now();
    return told;
  }

  /** Tell what the server lacks, see what it has, take it, and find out what else it lacks. */
  private async enter(redis: Redis): Promise<void> {
    this.isForgotten = false;
    const [, , , last] = await this.tell(redis, 0, 0, ['']);
    this.outbox.acknowledge(last);
    await this.tellLegacy(redis);
    // What was lifted here meanwhile is not to be found there.
    await this.tellAll(redis);
    const [, , , , latest] = await this.tell(redis, 0, 0, ['']);
    // A server that came back without what was heard already begins anew.
    if (isLater(this.heard, latest)) this.heard = '0-0';
    const kept = {
      sites: await this.scan(redis, SITES),
      exemptions: await this.scan(redis, EXEMPTIONS),
      blocks: await this.scan(redis, BLOCKS),
    };
    // Operations up to here are in what was read just now.
    this.known = latest;
    const news = this.warden.together(() => reconcile(this.warden, kept, this.taker, this.clock));
    for (const operation of news) this.operate(operation);
  }

  /** Tell what earlier lives could not, under their names: the server knows whether they did after all. */
  private async tellLegacy(redis: Redis): Promise<void> {
    for (const { life, batches } of this.stillDue())
      for (const [at, batch] of batches.entries())
        await this.tellBatch(redis, batch, batches[at - 1]?.number ?? 0, life);
    this.legacy = [];
  }

  private async scan(redis: Redis, key: string): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    let cursor = '0';
    let size = 0;
    do {
      const [next, pairs, strange] = (await runScript(redis, SCAN, [key], [cursor, MOST_VALUE])) as [
        string,
        string[],
        number,
      ];
      for (let at = 0; at < pairs.length; at += 2) found.set(pairs[at] ?? '', pairs[at + 1] ?? '');
      size += pairs.reduce((sum, each) => sum + each.length, 0);
      if (strange > 0) this.noteStrange('a value that is too large');
      cursor = next;
    } while (cursor !== '0' && size < MOST_KEPT && !this.stopped);
    if (size >= MOST_KEPT) this.noteStrange('more than there can be');
    return found;
  }

  private async tellWhatIsDue(redis: Redis): Promise<void> {
    const passedMs = performance.now() - this.toldMs;
    if (this.isUrgent ? passedMs < URGENT_MS : passedMs < TELL_MS) return;
    this.isUrgent = false;
    await this.tellAll(redis);
    if (passedMs < BEAT_MS) return;
    const [, , , last] = await this.tell(redis, 0, 0, ['']);
    if (last < this.outbox.told) this.isForgotten = true;
  }

  private async tellAll(redis: Redis): Promise<void> {
    if (!this.outbox.isEmpty) this.seal();
    for (let due = this.outbox.next(this.warden.nowMs); due; due = this.outbox.next(this.warden.nowMs)) {
      const [state, , , last, more] = await this.tellBatch(redis, due.batch, due.after);
      this.outbox.acknowledge(last);
      if (more === 'cut') this.noteCut();
      // It lost something, such as when somebody emptied it.
      if (state === 'behind') this.isForgotten = true;
      else this.taker.settle(due.batch.number);
    }
  }

  private tellBatch(
    redis: Redis,
    { number, counts, operations }: Batch,
    after: number,
    life = this.options.life,
  ): Promise<Told> {
    const values = operations.flatMap(({ op, field, value }) => [op, field, value]);
    return this.tell(redis, number, after, [counts, ...values], life);
  }

  /** @returns whether there may be more */
  private async hear(redis: Redis): Promise<boolean> {
    const entries = (await runScript(
      redis,
      HEAR,
      [STREAM],
      [this.heard, HEARD_AT_ONCE, MOST_ENTRY],
    )) as Heard[];
    for (const entry of entries) {
      this.heard = entry[0];
      this.take(entry);
      // Requests go first.
      await turn();
    }
    return entries.length > 0 && !this.stopped;
  }

  private take([id, life, ofBatch, counts = '', told = '']: Heard): void {
    const number = Number(ofBatch);
    if (life === undefined || !Number.isSafeInteger(number)) return this.noteStrange('an entry');
    const ownBatch = life === this.options.life ? number : null;
    if (isLater(id, this.known))
      for (const operation of readOperations(told)) {
        if (operation === null) this.noteStrange('an operation');
        else this.taker.takeOperation(operation, ownBatch);
      }
    this.taker.takeCounts(life, number, counts);
  }

  // What somebody may want to know.

  private noteConnected(): void {
    this.reason = null;
    if (this.isConnected) return;
    this.isConnected = true;
    this.sinceMs = this.warden.nowMs;
    this.onEvent({ event: 'share connected', server: this.name, nodes: this.nodes });
  }

  private noteAway(reason: string): void {
    if (this.isConnected || this.toldReason !== reason) {
      this.toldReason = reason;
      this.onEvent({ event: 'share away', server: this.name, reason });
    }
    if (this.isConnected) this.sinceMs = this.warden.nowMs;
    this.isConnected = false;
    this.reason = reason;
  }

  private noteClock(): void {
    const { isApart, aheadMs } = this.clock;
    if (isApart && !this.isApart) this.onEvent({ event: 'share clock', server: this.name, aheadMs });
    this.isApart = isApart;
  }

  private noteStrange(what: string): void {
    this.strange += 1;
    if (performance.now() - this.strangeToldMs < QUIET_MS) return;
    this.strangeToldMs = performance.now();
    this.onEvent({ event: 'share strange', server: this.name, what, times: this.strange });
  }

  private noteCut(): void {
    this.wasCut += 1;
    if (this.wasCut === 1) this.onEvent({ event: 'share cut', server: this.name, bytes: MOST_STREAM });
  }
}
