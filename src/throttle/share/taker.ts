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
  type SiteRecord,
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
  /** The last batch of each node that is in the counts. */
  private readonly counted = new Map<string, Progress>();
  /** Until when a client's counts are void, in seconds by the clock of the server: its block was lifted then. */
  private readonly lifted = new Map<string, number>();
  /** The batch that the last operation of this node on a block is in. */
  private readonly unsettled = new Map<string, number>();

  constructor(options: TakerOptions) {
    this.options = options;
  }

  /** The last batch of each other node that is in the counts, for a next life. */
  progress(): Readonly<Record<string, number>> {
    const { warden, keepMs } = this.options;
    for (const [each, { atMs }] of this.counted) if (atMs < warden.nowMs - keepMs) this.counted.delete(each);
    return Object.fromEntries([...this.counted].map(([each, { number }]) => [each, number] as const));
  }

  /** Take up what an earlier life had in its counts. */
  restore(progress: Readonly<Record<string, number>>): void {
    const atMs = this.options.warden.nowMs;
    for (const [life, number] of Object.entries(progress))
      remember(this.counted, life, { number, atMs }, MOST_LIVES);
  }

  /** Take a batch of counts, once. */
  takeCounts(life: string, number: number, text: string): void {
    if (life === this.options.life) return;
    if (!LIFE.test(life)) return this.options.onStrange('the name of a node');
    if (number <= (this.counted.get(life)?.number ?? 0)) return;
    for (const row of readCounts(text)) {
      if (row === null) this.options.onStrange('counts');
      else this.takeRow(row);
    }
    remember(this.counted, life, { number, atMs: this.options.warden.nowMs }, MOST_LIVES);
  }

  private takeRow({ site: name, second, client: text, requests, bytes }: CountRow): void {
    const { warden, clock } = this.options;
    const site = warden.sites.called(name);
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

  /**
   * Take what is in the stream, where it is because the server took it.
   *
   * @param ownBatch  the batch of this node that it was in; null for another node's
   */
  takeOperation(operation: Operation, ownBatch: number | null): void {
    const { op, field, value } = operation;
    // Of two changes in the same millisecond the server took the first: if it is another node's, ours was not taken.
    if (op === 's') return this.takeSite(field, value, ownBatch === null);
    if (op === 'e') return this.takeExemption(field, value, ownBatch === null);
    // Something newer of this node is on its way.
    if (ownBatch !== null && (this.unsettled.get(field) ?? 0) > ownBatch) return;
    this.takeBlock(op, field, value);
  }

  /** Take what the server keeps. */
  takeKept({ op, field, value }: Operation): void {
    if (op === 's') this.takeSite(field, value, true);
    else if (op === 'e') this.takeExemption(field, value, true);
    else this.takeBlock(op, field, value);
  }

  private takeBlock(op: string, field: string, value: string): void {
    const { warden, clock, onStrange } = this.options;
    const [siteName = '', text = ''] = readBlockField(field) ?? [];
    const shared = readBlockValue(op, value);
    const client = clientNamed(text, warden.prefix);
    const tooLong = shared !== null && shared.untilMs - clock.now() > LONGEST_MS;
    if (shared === null || client === null || tooLong) return onStrange('a block');
    const site = warden.sites.called(siteName);
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

  /** @param tied  whether it may be of the same moment as what is here, and then counts */
  private takeSite(name: string, value: string, tied: boolean): void {
    const { warden, onStrange } = this.options;
    const record = readSiteRecord(name, value);
    if (record === null) return onStrange('a site');
    const { atMs, value: details } = record;
    const isTie = atMs === warden.changedMs('site', name);
    if (atMs < warden.changedMs('site', name) || (isTie && !tied)) return;
    const before = warden.sites.called(name);
    if (before === null && warden.sites.size > MOST_SITES) return onStrange('one site too many');
    const site = details && this.siteOf(before ?? newSite(warden.sites.nextNumber(), name), details);
    if (isTie && isSameSite(before, site)) return;
    if (site === null) return warden.siteRemovedElsewhere(name, atMs);
    try {
      warden.siteElsewhere(site, atMs);
    } catch (error) {
      // Its name is another name of a site here.
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** A site as it is here: a name that another one has here stays with that one. */
  private siteOf(base: Site, details: SiteRecord): Site {
    const { warden, clock, onStrange } = this.options;
    const isFree = (name: string) => warden.sites.isFree(name, base.number);
    const aliases = details.aliases.filter(isFree);
    if (aliases.length < details.aliases.length || !isFree(base.name)) onStrange(`a name of ${base.name}`);
    const { temporary } = details;
    const later = temporary && { ...temporary, untilMs: clock.toLocal(temporary.untilMs) };
    return { ...base, ...details, aliases, temporary: later };
  }

  private takeExemption(name: string, value: string, tied: boolean): void {
    const { warden, clock, onStrange } = this.options;
    const record = readExemptionRecord(name, value);
    if (record === null) return onStrange('an exemption');
    const { atMs, value: exemption, network, site } = record;
    const knownMs = warden.changedMs('exemption', exemptionName(network, site));
    if (atMs < knownMs || (atMs === knownMs && !tied)) return;
    const before = warden.exemptions().find((each) => each.network === network && each.site === site);
    if (atMs === knownMs && before?.reason === exemption?.reason) return;
    if (exemption !== null && warden.isFullOfExemptions) return onStrange('one exemption too many');
    const untilMs = exemption?.untilMs ?? null;
    const local = exemption && { ...exemption, untilMs: untilMs === null ? null : clock.toLocal(untilMs) };
    warden.exemptionElsewhere(network, site, local, atMs);
  }
}

/** Whether two sites are set alike; when a temporary policy ends is known to some milliseconds only. */
function isSameSite(one: Site | null, other: Site | null): boolean {
  const shown = (site: Site | null) =>
    site &&
    JSON.stringify([
      ...[site.aliases, site.policy.limits.requests, site.policy.limits.bytes, site.policy.mode],
      ...[site.temporary?.limits.requests, site.temporary?.limits.bytes, site.temporary?.mode],
      ...[site.budget?.requests, site.budget?.bytes, site.refusal, site.note],
    ]);
  return shown(one) === shown(other);
}

/** Put something at the end of a map that is bounded; what was not touched for longest goes. */
function remember<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
