import { parseAddress } from '../../net/address.ts';
import { type Network, parseNetwork } from '../../net/network.ts';
import type { Client } from '../client.ts';
import type { Block } from '../engine.ts';
import { OTHER, policyOf, type Site } from '../site.ts';
import type { Warden } from '../warden.ts';

/** A block that somebody ended before its time: site, client as it is looked up, and its end in milliseconds. */
export type Lift = { readonly site: string; readonly client: string; readonly untilMs: number };

const MAPPED_WORD = 0xffff;

function hex(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A client as nginx has its address: 4 or 16 bytes, in hexadecimal. */
export function clientHex({ words }: Pick<Client, 'words'>): string {
  const [first, second, third, fourth] = words;
  const isIPv4 = first === 0 && second === 0 && third === MAPPED_WORD;
  return (isIPv4 ? [fourth] : words).map((word) => word.toString(16).padStart(8, '0')).join('');
}

function siteLines(site: Site, nowMs: number): string[] {
  const { limits, mode } = policyOf(site, nowMs);
  const { budget, name, aliases, refusal } = site;
  const most = budget === null ? ['-', '-'] : [budget.requests, budget.bytes];
  const names = name === OTHER ? [] : [name, ...aliases];
  return [
    ['site', name, limits.requests, limits.bytes, mode, refusal, ...most].join('\t'),
    ...names.map((host) => `host\t${host}\t${name}`),
  ];
}

function exemptLine(network: string, site: string | null): string[] {
  const range: Network | null = parseNetwork(network);
  const bytes = range === null ? null : parseAddress(range.text.replace(/\/\d+$/, ''))?.bytes;
  return range && bytes ? [`exempt\t${hex(bytes)}\t${range.bits}\t${site ?? '*'}`] : [];
}

/**
 * Everything that nginx needs to decide by itself: lines of fields between tabs, the first of which says what it is.
 * It ends with `end`, so that half a file is none.
 *
 * @param blocks  that hold
 * @param lifts   blocks that nginx may still have
 */
export function luaState(warden: Warden, blocks: readonly Block[], lifts: readonly Lift[]): string {
  const { nowMs, windowMs, blockMs, prefix } = warden;
  const lines = [
    `postern-lua\t${Math.round(windowMs / 1000)}\t${blockMs}\t${prefix}`,
    ...warden.sites.all().flatMap((site) => siteLines(site, nowMs)),
    ...warden.exemptions().flatMap(({ network, site }) => exemptLine(network, site)),
    ...blocks.map(
      ({ site, client, untilMs }) =>
        `block\t${warden.sites.at(site).name}\t${clientHex(client)}\t${Math.ceil(untilMs)}`,
    ),
    ...lifts.map(({ site, client, untilMs }) => `lift\t${site}\t${client}\t${Math.ceil(untilMs)}`),
    'end',
  ];
  return `${lines.join('\n')}\n`;
}
