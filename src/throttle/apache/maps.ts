import { type Network, parseNetwork } from '../../net/network.ts';
import { enforcedBlocks, retryDate } from '../enforced.ts';
import { OTHER, type Site } from '../site.ts';
import type { Warden } from '../warden.ts';
import { clientKey } from './client-key.ts';

/** Rows of a map. */
export type Rows = ReadonlyMap<string, string>;

/** Most rows that say who is exempt. */
const MOST_EXEMPT = 200_000;

/** Groups of an IPv6 address after which exempt networks are looked up. */
const EXEMPT_GROUPS = 4;

/** Sites by their names; what is not named takes the quota of all other names. */
function siteRows(sites: readonly Site[]): Rows {
  return new Map(
    sites
      .filter(({ name }) => name !== OTHER)
      .flatMap(({ name, aliases }) => [name, ...aliases].map((each): [string, string] => [each, name])),
  );
}

/** Whole bytes or groups of a network that ends within one: each one that it may be. */
function within(units: readonly number[], bits: number, size: number): number[][] {
  const whole = Math.max(1, Math.ceil(bits / size));
  const first = units.slice(0, whole);
  const last = first.pop() ?? 0;
  return Array.from({ length: 2 ** (whole * size - bits) }, (_, more) => [...first, last + more]);
}

/**
 * Under which keys an address of a network is looked up: after 1, 2, 3 or 4 bytes of IPv4, groups of IPv6. Of a
 * network that ends in between there are all that lie in it, and one that is narrower than a client is that client.
 */
export function networkKeys({ family, bytes, bits }: Network): string[] {
  if (family === 4) return within([...bytes], bits, 8).map((each) => `4/${each.join('.')}`);
  const groups = Array.from(
    { length: EXEMPT_GROUPS },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  return within(groups, Math.min(bits, EXEMPT_GROUPS * 16), 16).map(
    (each) => `6/${each.map((value) => (value === 0 ? '' : value.toString(16))).join(':')}`,
  );
}

/** Who need not wait while a site is over its budget, by network and site, `*` for all sites. */
function exemptRows(warden: Warden): Rows {
  const rows = new Map<string, string>();
  for (const { network, site } of warden.exemptions()) {
    const range = parseNetwork(network);
    if (range === null || rows.size > MOST_EXEMPT) continue;
    for (const key of networkKeys(range)) rows.set(`${key} ${site ?? '*'}`, '1');
  }
  return rows;
}

function shedRows(warden: Warden): Rows {
  return new Map(
    warden.sites.all().flatMap((site): [string, string][] => {
      const untilMs = warden.shedUntilMs(site);
      return untilMs === null ? [] : [[site.name, retryDate(untilMs)]];
    }),
  );
}

/** The maps that Apache looks up, by name: who is blocked anywhere, and then where and until when. */
export function apacheMaps(warden: Warden): ReadonlyMap<string, Rows> {
  const blocks = enforcedBlocks(warden);
  const keyed = blocks.map((block) => ({ ...block, key: clientKey(block.client, warden.prefix) }));
  return new Map<string, Rows>([
    ['sites', siteRows(warden.sites.all())],
    ['exempt', exemptRows(warden)],
    ['shed', shedRows(warden)],
    [
      'blocks',
      new Map(
        keyed.map(({ site: number, key, untilMs }): [string, string] => {
          const site = warden.sites.at(number);
          return [`${site.name} ${key}`, `${site.refusal} ${retryDate(untilMs)}`];
        }),
      ),
    ],
    ['clients', new Map(keyed.map(({ key }): [string, string] => [key, key]))],
  ]);
}
