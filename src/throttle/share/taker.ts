import { AppError } from '../../errors.ts';
import { clientNamed } from '../client.ts';
import { MOST_SITES, newSite, type Site } from '../site.ts';
import { exemptionName, type Warden } from '../warden.ts';
import type { SharedClock } from './clock.ts';
import {
  blockField,
  type CountRow,
  EVERYBODY,
  type Operation,
  readBlockField,
  readBlockValue,
  readCounts,
  readExemptionRecord,
  readSiteRecord,
} from './wire.ts';

/** Longest block that is believed. */
const LONGEST_MS = 366 * 86_400_000;

/** Clients whose lift is remembered. */
const MOST_LIFTED = 10_000;

/** Most nodes that are remembered. */
const MOST_LIVES = 10_000;

/** Names that nodes give themselves. */
const LIFE = /^[\w-]{1,32}$/;

/** The last batch of a node, and when it was seen, in milliseconds since the epoch. */
type Progress = { readonly number: number; readonly atMs: number };

export type TakerOptions = {
  readonly warden: Warden;
  readonly clock: SharedClock;
  /** The name of this node in the stream, another one with each start. */
  readonly life: string;
  /** For how long what a node told may be told again. */
  readonly keepMs: number;
  readonly onStrange: (what: string) => void;
};

/** Takes what other nodes tell into the warden of this one. */
export class Taker {
  private readonly options: TakerOptions;
  /** The last batch of each node that is in the counts of clients, and in those of budgets. */
  private readonly counted = new Map<string, Progress>();
  private readonly budgeted = new Map<string, Progress>();
  /** Until when a client's counts are void, in seconds by the clock of the server: its block was lifted then. */
  private readonly lifted = new Map<string, number>();
  /** The batch that the last operation of this node on a block is in. */
  private readonly unsettled = new Map<string, number>();

  constructor(options: TakerOptions) {
    this.options = options;
  }

  /** What is in the counts, for a next life. @param ownBatch  the last one of this node */
  mark(ownBatch: number): string {
    const { warden, keepMs, life } = this.options;
    for (const progress of [this.counted, this.budgeted])
      for (const [each, { atMs }] of progress) if (atMs < warden.nowMs - keepMs) progress.delete(each);
    const others = [...this.counted].map(([each, { number }]) => [each, number] as const);
    return JSON.stringify(Object.fromEntries([...others, [life, ownBatch]]));
  }

  /** Take up what an earlier life had in its counts; a machine of its own has left nothing. */
  restore(mark: string): void {
    if (mark === '') return;
    const atMs = this.options.warden.nowMs;
    for (const [life, number] of Object.entries(JSON.parse(mark) as Readonly<Record<string, number>>))
      remember(this.counted, life, { number, atMs }, MOST_LIVES);
  }

  /** Take a batch of counts, once. */
  takeCounts(life: string, number: number, text: string): void {
    if (life === this.options.life) return;
    if (!LIFE.test(life)) return this.options.onStrange('the name of a node');
    const forClients = number > (this.counted.get(life)?.number ?? 0);
    const forBudgets = number > (this.budgeted.get(life)?.number ?? 0);
    if (!forClients && !forBudgets) return;
    for (const row of readCounts(text)) {
      if (row === null) this.options.onStrange('counts');
      else if (row.client === EVERYBODY ? forBudgets : forClients) this.takeRow(row);
    }
    const progress = { number, atMs: this.options.warden.nowMs };
    if (forClients) remember(this.counted, life, progress, MOST_LIVES);
    if (forBudgets) remember(this.budgeted, life, progress, MOST_LIVES);
  }

  private takeRow({ site: name, second, client: text, requests, bytes }: CountRow): void {
    const { warden, clock } = this.options;
    const site = warden.sites.find(name);
    // A site that was removed here a moment ago.
    if (site === null) return;
    const localSecond = second - clock.aheadSeconds;
    if (text === EVERYBODY) {
      warden.spendElsewhere(site, localSecond, requests, bytes);
      return;
    }
    const client = clientNamed(text, warden.prefix);
    if (client === null) return this.options.onStrange('a client');
    if (this.lifted.size > 0 && second <= (this.lifted.get(blockField(name, text)) ?? 0)) return;
    warden.countElsewhere(site, client, localSecond, requests, bytes);
  }

  /** This node does something with a block itself. @param batch  that will tell of it */
  noteOwn(field: string, batch: number): void {
    this.unsettled.set(field, batch);
  }

  /** What this node told up to a batch has been put in order with what others told. */
  settle(batch: number): void {
    for (const [field, each] of this.unsettled) if (each <= batch) this.unsettled.delete(field);
  }

  /** @param ownBatch  the batch of this node that it was in; null for another node's */
  takeOperation({ op, field, value }: Operation, ownBatch: number | null = null): void {
    if (op === 's') return this.takeSite(field, value);
    if (op === 'e') return this.takeExemption(field, value);
    // Something newer of this node is on its way.
    if (ownBatch !== null && (this.unsettled.get(field) ?? 0) > ownBatch) return;
    this.takeBlock(op, field, value);
  }

  private takeBlock(op: string, field: string, value: string): void {
    const { warden, clock, onStrange } = this.options;
    const [siteName = '', text = ''] = readBlockField(field) ?? [];
    const shared = readBlockValue(op, value);
    const client = clientNamed(text, warden.prefix);
    const tooLong = shared !== null && shared.untilMs - clock.now() > LONGEST_MS;
    if (shared === null || client === null || tooLong) return onStrange('a block');
    const site = warden.sites.find(siteName);
    if (site === null) return;
    // Where a clock was set back a block holds for the time that it was set for, and no longer.
    const ahead = Math.max(0, clock.toLocal(shared.startMs) - warden.nowMs);
    const startMs = clock.toLocal(shared.startMs) - ahead;
    const untilMs = clock.toLocal(shared.untilMs) - ahead;
    if (shared.isLift) {
      this.noteLift(field, shared.startMs);
      const block = warden.blockOf(site, client);
      if (block !== null && block.startMs <= startMs) warden.liftElsewhere(site, client);
      return;
    }
    const { limit, requests, bytes } = shared;
    if (untilMs > warden.nowMs)
      warden.blockElsewhere({ site: site.number, client, limit, requests, bytes, startMs, untilMs });
  }

  /** What was counted until then counts no more, whoever tells of it later. */
  noteLift(field: string, atMs: number): void {
    remember(this.lifted, field, Math.floor(atMs / 1000), MOST_LIFTED);
  }

  private takeSite(name: string, value: string): void {
    const { warden, onStrange } = this.options;
    const record = readSiteRecord(name, value);
    if (record === null) return onStrange('a site');
    const { atMs, value: site } = record;
    if (atMs <= warden.changedMs('site', name)) return;
    if (site === null) return warden.siteRemovedElsewhere(name, atMs);
    const before = warden.sites.find(name);
    if (before === null && warden.sites.size > MOST_SITES) return onStrange('one site too many');
    const base = before?.name === name ? before : newSite(warden.sites.nextNumber(), name);
    const temporary = site.temporary && {
      ...site.temporary,
      untilMs: this.options.clock.toLocal(site.temporary.untilMs),
    };
    this.put({ ...base, ...site, temporary }, atMs);
  }

  /** A name that another site has here stays with that one. */
  private put(site: Site, atMs: number): void {
    const { warden, onStrange } = this.options;
    const isFree = (name: string) => (warden.sites.find(name)?.number ?? site.number) === site.number;
    const aliases = site.aliases.filter(isFree);
    if (aliases.length < site.aliases.length || !isFree(site.name)) onStrange(`a name of ${site.name}`);
    try {
      warden.siteElsewhere({ ...site, aliases }, atMs);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  private takeExemption(name: string, value: string): void {
    const { warden, clock, onStrange } = this.options;
    const record = readExemptionRecord(name, value);
    if (record === null) return onStrange('an exemption');
    const { atMs, value: exemption, network, site } = record;
    if (atMs <= warden.changedMs('exemption', exemptionName(network, site))) return;
    if (exemption !== null && warden.isFullOfExemptions) return onStrange('one exemption too many');
    const untilMs = exemption?.untilMs ?? null;
    const local = exemption && { ...exemption, untilMs: untilMs === null ? null : clock.toLocal(untilMs) };
    warden.exemptionElsewhere(network, site, local, atMs);
  }
}

/** Put something at the end of a map that is bounded; what was not touched for longest goes. */
function remember<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
