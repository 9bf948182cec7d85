import { enforcedBlocks, retryDate } from '../enforced.ts';
import { exemptPairs } from '../exempt-pairs.ts';
import { OTHER, type Site } from '../site.ts';
import type { Warden } from '../warden.ts';

/** What nginx includes: file name and content. */
export type NginxFiles = ReadonlyMap<string, string>;

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

/**
 * Hosts of which all clients wait, so that nginx has one look-up for it: the site without a name is all hosts that are
 * not listed, so those that need not wait are, then.
 */
function shedLines(warden: Warden): string {
  const dates = warden.sites.all().map((site) => {
    const untilMs = warden.shedUntilMs(site);
    return { ...site, until: untilMs === null ? '' : retryDate(untilMs) };
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
  const blocks = enforcedBlocks(warden);
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
            `${quoted(`${warden.sites.at(block.site).name}|${block.client.text}`)} ${quoted(retryDate(block.untilMs))};\n`,
        )
        .join(''),
    ],
    ...shedFiles(warden),
  ]);
}
