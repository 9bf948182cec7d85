import type { Block } from '../engine.ts';
import type { Site } from '../site.ts';
import type { Exemption } from '../store.ts';
import { exemptionName, type Warden } from '../warden.ts';
import type { SharedClock } from './clock.ts';
import type { Taker } from './taker.ts';
import {
  blockField,
  blockValue,
  type Operation,
  readBlockValue,
  readExemptionRecord,
  readSiteRecord,
  recordValue,
  siteRecord,
} from './wire.ts';

/** What the server keeps: names and values, as they were read. */
export type Kept = {
  readonly sites: ReadonlyMap<string, string>;
  readonly exemptions: ReadonlyMap<string, string>;
  readonly blocks: ReadonlyMap<string, string>;
};

/** A block of this node as others are told of it. */
export function blockOperation(op: 'b' | 'm', site: string, block: Block, clock: SharedClock): Operation {
  const { client, startMs, untilMs } = block;
  const times = { startMs: clock.toShared(startMs), untilMs: clock.toShared(untilMs) };
  return { op, field: blockField(site, client.text), value: blockValue({ ...block, ...times }) };
}

/** A site as others are told of it. @param atMs  when it was changed, by the clock of all */
export function siteOperation(site: Site, atMs: number, clock: SharedClock): Operation {
  const { temporary } = site;
  const later = temporary && { ...temporary, untilMs: clock.toShared(temporary.untilMs) };
  return { op: 's', field: site.name, value: recordValue(atMs, siteRecord({ ...site, temporary: later })) };
}

export function exemptionOperation(exemption: Exemption, atMs: number, clock: SharedClock): Operation {
  const { network, site, reason, untilMs } = exemption;
  const until = untilMs === null ? null : clock.toShared(untilMs);
  return {
    op: 'e',
    field: exemptionName(network, site),
    value: recordValue(atMs, { reason, untilMs: until }),
  };
}

export function removalOperation(op: 's' | 'e', name: string, atMs: number): Operation {
  return { op, field: name, value: recordValue(atMs, null) };
}

/**
 * Bring this node and the server together: take what is newer there, and find what others have to be told.
 *
 * What this node has from before it shared yields to what is shared, so whoever joins changes nothing for those who are
 * there; what only one of them has is had by both afterwards.
 */
export function reconcile(warden: Warden, kept: Kept, taker: Taker, clock: SharedClock): Operation[] {
  const isJoining = warden.changedMs('share', 'joined') === 0;
  const sites = ofSites(warden, kept.sites, taker, clock, isJoining);
  const exemptions = ofExemptions(warden, kept.exemptions, taker, clock, isJoining);
  const blocks = ofBlocks(warden, kept.blocks, taker, clock);
  warden.noteJoined();
  return [...sites, ...exemptions, ...blocks];
}

function ofSites(
  warden: Warden,
  kept: Kept['sites'],
  taker: Taker,
  clock: SharedClock,
  isJoining: boolean,
): Operation[] {
  const shared = new Map([...kept].map(([name, value]) => [name, readSiteRecord(name, value)?.atMs ?? -1]));
  if (isJoining) warden.yieldTo('site', (name) => (shared.get(name) ?? -1) >= 0);
  for (const [field, value] of kept) taker.takeKept({ op: 's', field, value });
  const isNews = (name: string) => Math.max(1, warden.changedMs('site', name)) > (shared.get(name) ?? 0);
  const own = warden.storedSites().filter(({ name }) => isNews(name));
  const gone = warden.removals('site').filter(({ name }) => isNews(name));
  return [
    ...own.map((site) => siteOperation(site, Math.max(1, warden.changedMs('site', site.name)), clock)),
    ...gone.map(({ name, atMs }) => removalOperation('s', name, atMs)),
  ];
}

function ofExemptions(
  warden: Warden,
  kept: Kept['exemptions'],
  taker: Taker,
  clock: SharedClock,
  isJoining: boolean,
): Operation[] {
  const shared = new Map(
    [...kept].map(([name, value]) => [name, readExemptionRecord(name, value)?.atMs ?? -1]),
  );
  if (isJoining) warden.yieldTo('exemption', (name) => (shared.get(name) ?? -1) >= 0);
  for (const [field, value] of kept) taker.takeKept({ op: 'e', field, value });
  const changedMs = (name: string) => Math.max(1, warden.changedMs('exemption', name));
  const isNews = (name: string) => changedMs(name) > (shared.get(name) ?? 0);
  return [
    ...warden.ownExemptions().flatMap((exemption) => {
      const name = exemptionName(exemption.network, exemption.site);
      return isNews(name) ? [exemptionOperation(exemption, changedMs(name), clock)] : [];
    }),
    ...warden
      .removals('exemption')
      .filter(({ name }) => isNews(name))
      .map(({ name, atMs }) => removalOperation('e', name, atMs)),
  ];
}

function ofBlocks(warden: Warden, kept: Kept['blocks'], taker: Taker, clock: SharedClock): Operation[] {
  for (const [field, text] of kept) taker.takeKept({ op: text.slice(0, 1), field, value: text.slice(2) });
  return warden.blocks().flatMap(({ block }) => {
    const site = warden.sites.at(block.site).name;
    const there = kept.get(blockField(site, block.client.text)) ?? '';
    const isThere = readBlockValue(there.slice(0, 1), there.slice(2))?.isLift === false;
    return isThere ? [] : [blockOperation('b', site, block, clock)];
  });
}
