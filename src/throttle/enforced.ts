import type { Block } from './engine.ts';
import { policyOf } from './site.ts';
import type { Warden } from './warden.ts';

/** Most blocks that are written for a web server: testing that many takes nginx a third of a second. */
const MOST_BLOCKS = 200_000;

/** The blocks that a site enforces, without whoever was exempt since: what a web server is told. */
export function enforcedBlocks(warden: Warden): Block[] {
  const nowMs = warden.nowMs;
  return warden
    .blocks()
    .map(({ block }) => block)
    .filter(({ site: number, client }) => {
      const site = warden.sites.at(number);
      const address = client.text.replace(/\/\d+$/, '');
      return policyOf(site, nowMs).mode === 'enforce' && warden.exemptionOf(site, address, nowMs) === null;
    })
    .slice(0, MOST_BLOCKS);
}

/** An end as Retry-After has it where a server cannot subtract: a date (RFC 9110 §10.2.3). */
export function retryDate(untilMs: number): string {
  return new Date(Math.ceil(untilMs / 1000) * 1000).toUTCString();
}

/** When what was written is out of date by itself: a block ends, the policy of a few hours, or waiting. */
export function nextChangeMs(warden: Warden): number {
  const ends = [
    ...warden.blocks().map(({ block }) => block.untilMs),
    ...warden.sites.all().map((site) => warden.shedUntilMs(site) ?? Number.POSITIVE_INFINITY),
    ...warden.sites.all().map(({ temporary }) => temporary?.untilMs ?? Number.POSITIVE_INFINITY),
    ...warden.exemptions().map(({ untilMs }) => untilMs ?? Number.POSITIVE_INFINITY),
  ].filter((each) => each > warden.nowMs);
  return ends.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
}
