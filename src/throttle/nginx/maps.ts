import type { Block } from '../engine.ts';
import { exemptPairs } from '../exempt-pairs.ts';
import { OTHER, policyOf, type Site } from '../site.ts';
import type { Warden } from '../warden.ts';

/** What nginx includes: file name and content. */
export type NginxFiles = ReadonlyMap<string, string>;

/** Most blocks that are written: testing that many takes nginx a third of a second. */
const MOST_BLOCKS = 200_000;

function quoted(text: string): string {
  return `"${text.replace(/["\\$]/g, '')}"`;
}

/** Sites by their names; what is not named takes the quota of all other names. */
function siteLines(sites: readonly Site[]): string {
  return sites
    .filter(({ name }) => name !== OTHER)
    .flatMap(({ name, aliases }) => [name, ...aliases].map((each) => `${quoted(each)} ${quoted(name)};\n`))
    .join('');
}

/** The blocks that a site enforces, without whoever was exempt since. */
function enforced(warden: Warden): Block[] {
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

/** As nginx sends it in Retry-After: it cannot subtract, so what it sends is the date (RFC 9110 §10.2.3). */
function dateOf(untilMs: number): string {
  return new Date(Math.ceil(untilMs / 1000) * 1000).toUTCString();
}

/**
 * Hosts of which all clients wait, so that nginx has one look-up for it: the site without a name is all hosts that are
 * not listed, so those that need not wait are, then.
 */
function shedLines(warden: Warden): string {
  const dates = warden.sites.all().map((site) => {
    const untilMs = warden.shedUntilMs(site);
    return { ...site, until: untilMs === null ? '' : dateOf(untilMs) };
  });
  const rest = dates.find(({ name }) => name === OTHER)?.until ?? '';
  const hosts = dates
    .filter(({ name, until }) => name !== OTHER && until !== rest)
    .flatMap(({ name, aliases, until }) =>
      [name, ...aliases].map((each) => `${quoted(each)} ${quoted(until)};\n`),
    );
  return `${rest === '' ? '' : `default ${quoted(rest)};\n`}${hosts.join('')}`;
}

/** Who waits when all clients of a site had too much together, and who need not. */
function shedFiles(warden: Warden): [name: string, content: string][] {
  const exemptions = warden.exemptions();
  const everywhere = new Set(exemptions.filter(({ site }) => site === null).map(({ network }) => network));
  const pairs = exemptPairs(exemptions);
  const networks = new Set(pairs.map(({ network }) => network));
  const rows = new Set(pairs.map(({ network, site }) => `${quoted(`${site}|${network}`)} 1;\n`));
  return [
    ['exempt.geo', [...everywhere].map((network) => `${network} 1;\n`).join('')],
    ['networks.geo', [...networks].map((network) => `${network} ${quoted(network)};\n`).join('')],
    ['exempt.map', [...rows].join('')],
    ['shed.map', shedLines(warden)],
  ];
}

/**
 * The blocks as nginx looks them up: a client by its network, then client and site.
 */
export function nginxFiles(warden: Warden): NginxFiles {
  const sites = warden.sites.all();
  const blocks = enforced(warden);
  const clients = new Set(blocks.map(({ client }) => client.text));
  return new Map([
    ['sites.map', siteLines(sites)],
    [
      'status.map',
      sites
        .filter(({ refusal }) => refusal === 503)
        .map(({ name }) => `${quoted(name)} 1;\n`)
        .join(''),
    ],
    ['clients.geo', [...clients].map((text) => `${text} ${quoted(text)};\n`).join('')],
    [
      'blocks.map',
      blocks
        .map(
          (block) =>
            `${quoted(`${warden.sites.at(block.site).name}|${block.client.text}`)} ${quoted(dateOf(block.untilMs))};\n`,
        )
        .join(''),
    ],
    ...shedFiles(warden),
  ]);
}

/** When the files are out of date by themselves: a block ends, the policy of a few hours, or waiting. */
export function nextChangeMs(warden: Warden): number {
  const ends = [
    ...warden.blocks().map(({ block }) => block.untilMs),
    ...warden.sites.all().map((site) => warden.shedUntilMs(site) ?? Number.POSITIVE_INFINITY),
    ...warden.sites.all().map(({ temporary }) => temporary?.untilMs ?? Number.POSITIVE_INFINITY),
    ...warden.exemptions().map(({ untilMs }) => untilMs ?? Number.POSITIVE_INFINITY),
  ].filter((each) => each > warden.nowMs);
  return ends.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
}
