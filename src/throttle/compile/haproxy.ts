import type { Check } from '../../report.ts';
import type { ThrottleExemption, ThrottleSite } from '../../schema/throttle.ts';
import { errorPage } from '../error-page.ts';
import { haproxyMaps, kibibytes, mappedOf } from '../haproxy/maps.ts';
import { parseLimits } from '../limits.ts';
import { OTHER } from '../site.ts';

/** What the configuration is made of: the state of the service, and where HAProxy stands. */
export type HaproxyPlan = {
  readonly sites: readonly ThrottleSite[];
  readonly exemptions: readonly ThrottleExemption[];
  readonly windowSeconds: number;
  readonly blockSeconds: number;
  readonly ipv6Prefix: number;
  /** Folder in which HAProxy finds the files. */
  readonly folder: string;
  /** Where it listens, and the web server behind it, as HAProxy writes them. */
  readonly bind: string;
  readonly server: string;
  readonly trusted: readonly string[];
  /** All machines that share blocks, this one with them; none where it stands alone. */
  readonly peers: readonly Peer[];
  /** Which of them this is. */
  readonly localPeer: string | null;
};

/** A machine that shares blocks, `NAME` and `HOST:PORT`. */
export type Peer = { readonly name: string; readonly at: string };

/** The page, with the seconds that are left put in by HAProxy: a percent sign is its own. */
function logFormatPage(): string {
  const { body } = errorPage({
    status: 429,
    retryAfter: 987_654,
    site: 'this site',
    accept: undefined,
    because: 'client',
  });
  return body.replaceAll('%', '%%').replace(/\d+ minutes?/, '%[var(txn.retry)] seconds');
}

/** Answers with the error page, in the status that the site wants. */
function refusal(condition: string): string {
  const page = (status: number, when: string) =>
    `    http-request return status ${status} content-type "text/html; charset=utf-8" hdr retry-after %[var(txn.retry)] hdr cache-control no-store lf-file @FOLDER@/page.html if ${when}`;
  return [page(503, `s503 ${condition}`), page(429, condition)].join('\n');
}

function peerSection(peers: readonly Peer[]): string {
  if (peers.length === 0) return '';
  const lines = peers.map(({ name, at }) => `    peer ${name} ${at}\n`).join('');
  return `\n# Machines that share blocks; whose block ends later is right.\npeers throttle_peers\n${lines}`;
}

/** An IPv4 address that comes as IPv6, from a listener for both or from a proxy, is that IPv4 address. */
function mapped(bind: string, trusted: readonly string[]): string {
  if (trusted.length === 0 && !bind.includes('::')) return '';
  return '    http-request set-src src,regsub(^::ffff:,) if { src -m beg ::ffff: }\n';
}

function configuration({
  windowSeconds,
  blockSeconds,
  ipv6Prefix,
  folder,
  bind,
  server,
  sites,
  trusted,
  peers,
  localPeer,
}: HaproxyPlan): string {
  const { requests, bytes } = parseLimits(
    sites.find(({ name }) => name === OTHER)?.policy.limits ?? '10000/200M',
  );
  const text = `# Written by "postern throttle compile haproxy". Sites and limits are in the maps beside it.
global
    maxconn 9000
    stats socket @FOLDER@/haproxy.sock mode 660 level admin
${localPeer === null ? '' : `    localpeer ${localPeer}\n`}
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
    timeout http-request 10s
    # Bytes are counted while a long response is being sent.
    option contstats

# What a client had in one window of the clock: its number is in the key, so every window begins at nought.
backend throttle_window
    stick-table type string len 64 size 2m expire ${windowSeconds + 1}s store http_req_cnt,bytes_out_cnt

# Who is blocked; gpt0 is the second at which that ends, gpc0 is set when it began by bytes. A flood of clients fills the table above, never this one.
backend throttle_block
    stick-table type string len 64 size 1m expire ${blockSeconds}s store gpt0,gpc0${peers.length > 0 ? ' peers throttle_peers' : ''}
${peerSection(peers)}
frontend throttle
    bind ${bind}
    http-request set-src hdr_ip(x-forwarded-for,-1) if { src -f @FOLDER@/trusted.lst }
${mapped(bind, trusted)}    http-request set-var(txn.site) req.hdr(host),lower,field(1,:),map(@FOLDER@/sites.map,${OTHER})
    http-request set-var(txn.ip) src,ipmask(32,${ipv6Prefix})
    http-request set-var(txn.key) var(txn.site),concat(|,txn.ip)
    http-request set-var(txn.now) date
    # A look-up by a converter does not touch the entry: it cannot prolong a block.
    http-request set-var(txn.until) var(txn.key),table_gpt0(throttle_block)
    http-request set-var(txn.retry) var(txn.until),sub(txn.now)
    http-request set-var(txn.mode) var(txn.site),map(@FOLDER@/mode.map,enforce)
    acl free src -f @FOLDER@/exempt.lst
    acl free var(txn.mode) -m str off
    acl dry var(txn.mode) -m str dry
    acl s503 var(txn.site),map(@FOLDER@/status.map,429) -m str 503
    acl blocked var(txn.retry) -m int gt 0
${refusal('blocked !free !dry')}
    http-request set-var(txn.window) date,div(${windowSeconds})
    http-request set-var(txn.counted) var(txn.key),concat(|,txn.window)
    http-request track-sc0 var(txn.counted) table throttle_window if !free !blocked
    http-request set-var(txn.requests) var(txn.site),map_str_int(@FOLDER@/requests.map,${requests})
    http-request set-var(txn.kib) var(txn.site),map_str_int(@FOLDER@/kib.map,${kibibytes(bytes)})
    http-request set-var(txn.morerequests) sc_http_req_cnt(0),sub(txn.requests)
    http-request set-var(txn.morekib) sc_kbytes_out(0),sub(txn.kib)
    acl over var(txn.morerequests) -m int gt 0
    acl over var(txn.morekib) -m int gt 0
    acl overbytes var(txn.morekib) -m int gt 0
    http-request track-sc1 var(txn.key) table throttle_block if over !free !blocked
    http-request sc-set-gpt0(1) date(${blockSeconds}) if over !free !blocked
    http-request sc-inc-gpc0(1) if overbytes !free !blocked
    http-request set-var(txn.retry) int(${blockSeconds}) if over !free !blocked
${refusal('over !free !dry')}
    default_backend site

backend site
    option forwardfor
    server origin ${server}
`;
  return text.replaceAll('@FOLDER@', folder);
}

/**
 * The files with which HAProxy 2.6 and later enforces the policies by itself, without asking anybody: exact counts in
 * windows aligned to the clock, blocks of fixed length that nothing prolongs.
 *
 * @returns name and content of each
 */
export function compileHaproxy(plan: HaproxyPlan): ReadonlyMap<string, string> {
  const { sites, exemptions, trusted } = plan;
  const networks = exemptions.filter(({ site }) => site === null).map(({ network }) => network);
  const maps = [...haproxyMaps(sites.map(mappedOf), networks)].map(([name, rows]): [string, string] => [
    name,
    [...rows].map(([key, value]) => `${value === '' ? key : `${key} ${value}`}\n`).join(''),
  ]);
  return new Map([
    ['haproxy.cfg', configuration(plan)],
    ...maps,
    ['trusted.lst', trusted.map((network) => `${network}\n`).join('')],
    ['page.html', logFormatPage()],
  ]);
}

/** What a configuration for HAProxy cannot keep: it has one list of exempt networks for all sites. */
export function lostExemptions(exemptions: readonly ThrottleExemption[]): Check[] {
  const lost = exemptions.filter(({ site }) => site !== null);
  if (lost.length === 0) return [];
  return [
    {
      id: 'throttle.compile.exemption',
      status: 'warn',
      message: 'Exemptions for single sites are left out: HAProxy has one list for all.',
      evidence: lost.map(({ network, site }) => `${network} on ${site}`).join(', '),
      fix: 'Exempt the network everywhere, or let the built-in front or nginx ask the service.',
    },
  ];
}
