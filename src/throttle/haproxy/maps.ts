import { type Limits, parseLimits } from '../limits.ts';
import { OTHER, policyOf, type Site } from '../site.ts';

/** A site as the maps need it. */
export type MappedSite = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly limits: Limits;
  readonly mode: string;
  readonly refusal: number;
};

/** File name of each map or list, and its rows; the value is empty in a list. */
export type HaproxyMaps = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** HAProxy counts bytes sent in whole kibibytes. */
export function kibibytes(bytes: number): number {
  return Math.floor(bytes / 1024);
}

/** The site as it is now, its policy of some hours put in place. */
export function mappedSite(site: Site, nowMs: number): MappedSite {
  const { limits, mode } = policyOf(site, nowMs);
  return { name: site.name, aliases: site.aliases, limits, mode, refusal: site.refusal };
}

/** The site as the admin API tells of it. */
export function mappedOf(site: {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly policy: { readonly limits: string; readonly mode: string };
  readonly refusal: number;
}): MappedSite {
  const { name, aliases, policy, refusal } = site;
  return { name, aliases, refusal, mode: policy.mode, limits: parseLimits(policy.limits) };
}

/**
 * What HAProxy has to look up. Every site stands in every map, so that nothing depends on when a row was added.
 *
 * @param networks  that are exempt everywhere
 */
export function haproxyMaps(sites: readonly MappedSite[], networks: readonly string[]): HaproxyMaps {
  const rows = (value: (site: MappedSite) => string | number) =>
    new Map(sites.map((site) => [site.name, String(value(site))]));
  const names = sites.flatMap(({ name, aliases }) => [name, ...aliases].map((each) => [each, name] as const));
  return new Map<string, ReadonlyMap<string, string>>([
    ['sites.map', new Map(names.filter(([name]) => name !== OTHER))],
    ['requests.map', rows(({ limits }) => limits.requests)],
    ['kib.map', rows(({ limits }) => kibibytes(limits.bytes))],
    ['mode.map', rows(({ mode }) => mode)],
    ['status.map', rows(({ refusal }) => refusal)],
    ['exempt.lst', new Map(networks.map((network) => [network, '']))],
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
