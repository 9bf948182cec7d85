import { createHash } from 'node:crypto';
import { type Exempt, exemptPairs } from '../exempt-pairs.ts';
import { type Limits, parseLimits } from '../limits.ts';
import { OTHER, policyOf, type Site } from '../site.ts';

/** A site as the maps need it. */
export type MappedSite = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly limits: Limits;
  readonly mode: string;
  readonly refusal: number;
  /** Until then all clients of it wait, in seconds since the epoch; null when they need not. */
  readonly shedUntil: number | null;
};

/** File name of each map or list, and its rows; the value is empty in a list. */
export type HaproxyMaps = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Longest name of a site in a table, and how much of a longer one stands before the digits of its hash. */
const LONGEST_NAME = 29;
const KEPT = 16;
const HASHED = 12;

/** HAProxy counts bytes sent in whole kibibytes. */
export function kibibytes(bytes: number): number {
  return Math.floor(bytes / 1024);
}

/**
 * The name of a site in the tables of HAProxy, the same on every machine: a key has to hold an IPv6 address and a
 * number beside it, and what is longer than a key would be cut off there.
 */
export function tableName(site: string): string {
  if (site.length <= LONGEST_NAME) return site;
  return `${site.slice(0, KEPT)}~${createHash('sha256').update(site).digest('hex').slice(0, HASHED)}`;
}

/** The site as it is now, its policy of some hours put in place. @param shedUntilMs  see {@link MappedSite} */
export function mappedSite(site: Site, nowMs: number, shedUntilMs: number | null): MappedSite {
  const { limits, mode } = policyOf(site, nowMs);
  const { name, aliases, refusal } = site;
  return { name, aliases, limits, mode, refusal, shedUntil: shedUntilMs && Math.ceil(shedUntilMs / 1000) };
}

/** The site as the admin API tells of it. */
export function mappedOf(site: {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly policy: { readonly limits: string; readonly mode: string };
  readonly refusal: number;
}): MappedSite {
  const { name, aliases, policy, refusal } = site;
  const limits = parseLimits(policy.limits);
  return { name, aliases, refusal, mode: policy.mode, limits, shedUntil: null };
}

/** What HAProxy has to look up. Every site stands in every map, so that nothing depends on when a row was added. */
export function haproxyMaps(sites: readonly MappedSite[], exemptions: readonly Exempt[]): HaproxyMaps {
  const rows = (value: (site: MappedSite) => string | number) =>
    new Map(sites.map((site) => [tableName(site.name), String(value(site))]));
  const names = sites.flatMap(({ name, aliases }) =>
    [name, ...aliases].map((each) => [each, tableName(name)] as const),
  );
  const everywhere = exemptions.filter(({ site }) => site === null);
  const pairs = exemptPairs(exemptions);
  const networks = new Map(pairs.map(({ network }) => [network, network]));
  const isShed = ({ mode, shedUntil }: MappedSite) => mode === 'enforce' && shedUntil !== null;
  const shed = sites
    .filter(isShed)
    .map(({ name, shedUntil }) => [tableName(name), String(shedUntil)] as const);
  return new Map<string, ReadonlyMap<string, string>>([
    ['sites.map', new Map(names.filter(([name]) => name !== OTHER))],
    ['requests.map', rows(({ limits }) => limits.requests)],
    ['kib.map', rows(({ limits }) => kibibytes(limits.bytes))],
    ['shed.map', new Map(shed)],
    ['mode.map', rows((site) => (isShed(site) ? 'shed' : site.mode))],
    ['status.map', rows(({ refusal }) => refusal)],
    ['exempt.lst', new Map(everywhere.map(({ network }) => [network, '']))],
    ['exempt-networks.map', networks],
    ['exempt-pairs.lst', new Map(pairs.map(({ network, site }) => [`${network}|${tableName(site)}`, '']))],
  ]);
}

/** The commands of the runtime API that make rows out of others. @param file  as HAProxy names it */
export function mapCommands(
  file: string,
  current: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): string[] {
  const kind = file.endsWith('.lst') ? 'acl' : 'map';
  const row = (key: string, value: string) => (value === '' ? key : `${key} ${value}`);
  const gone = [...current.keys()]
    .filter((key) => !wanted.has(key))
    .map((key) => `del ${kind} ${file} ${key}`);
  const changed = [...wanted].flatMap(([key, value]) => {
    if (!current.has(key)) return [`add ${kind} ${file} ${row(key, value)}`];
    return current.get(key) === value ? [] : [`set ${kind} ${file} ${row(key, value)}`];
  });
  return [...gone, ...changed];
}
