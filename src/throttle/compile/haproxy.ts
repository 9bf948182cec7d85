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
function logFormatPage(because: 'client' | 'site'): string {
  const refused = { status: 429, retryAfter: 987_654, site: 'this site', accept: undefined } as const;
  const { body } = errorPage({ ...refused, because });
  return body.replaceAll('%', '%%').replace(/\d+ minutes?/, '%[var(txn.retry)] seconds');
}

function page(status: number, file: string, when: string): string {
  return `    http-request return status ${status} content-type "text/html; charset=utf-8" hdr retry-after %[var(txn.retry)] hdr cache-control no-store lf-file @FOLDER@/${file} if ${when}`;
}

/** Counts a request under a kind, and, where the kind is refused, answers with the error page as the site wants it. */
function counted(kind: string, condition: string): string {
  return `    http-request track-sc2 var(txn.site),concat(|${kind}) table throttle_sums if ${condition}`;
}

function refusal(condition: string): string {
  return [
    counted('refused', condition),
    // The rare question last: it is not asked of who is served.
    page(503, 'page.html', `${condition} s503`),
    page(429, 'page.html', condition),
  ].join('\n');
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
    stick-table type string len 80 size 2m expire ${windowSeconds + 1}s store http_req_cnt,bytes_out_cnt

# Who is blocked; gpt0 is the second at which that ends, gpc0 is set when it began by bytes. A flood of clients fills the table above, never this one.
backend throttle_block
    stick-table type string len 80 size 1m expire ${blockSeconds}s store gpt0,gpc0${peers.length > 0 ? ' peers throttle_peers' : ''}

# What each site served and refused, for the figures of the service and for budgets.
backend throttle_sums
    stick-table type string len 80 size 500k expire 1d store http_req_cnt,bytes_out_cnt
${peerSection(peers)}
frontend throttle
    bind ${bind}
    http-request set-src hdr_ip(x-forwarded-for,-1) if { src -f @FOLDER@/trusted.lst }
${mapped(bind, trusted)}    http-request set-var(txn.site) req.hdr(host),lower,field(1,:),map(@FOLDER@/sites.map,${OTHER})
    http-request set-var(txn.ip) src,ipmask(32,${ipv6Prefix})
    http-request set-var(txn.key) var(txn.site),concat(|,txn.ip)
    http-request set-var(txn.mode) var(txn.site),map(@FOLDER@/mode.map,enforce)
    # Exempt everywhere, or on this site: the narrowest network that names the client, and the pair of both.
    http-request set-var(txn.network) src,map_ip(@FOLDER@/exempt-networks.map)
    acl exempt src -f @FOLDER@/exempt.lst
    acl exempt var(txn.network),concat(|,txn.site) -m str -f @FOLDER@/exempt-pairs.lst
    acl exempt var(txn.mode) -m str off
    http-request set-var(txn.free) bool(true) if exempt
    acl free var(txn.free) -m bool
    acl dry var(txn.mode) -m str dry
    acl shed var(txn.mode) -m str shed
    acl s503 var(txn.site),map(@FOLDER@/status.map,429) -m str 503
    # A look-up by a converter does not touch the entry: it cannot prolong a block.
    acl listed var(txn.key),in_table(throttle_block)
    http-request set-var(txn.now) date if listed
    http-request set-var(txn.until) var(txn.key),table_gpt0(throttle_block) if listed
    http-request set-var(txn.retry) var(txn.until),sub(txn.now) if listed
    acl blocked var(txn.retry) -m int gt 0
${refusal('blocked !free !dry')}
    # All clients together had too much: the service says so, and until when, so that it ends without the service, too.
    http-request set-var(txn.now) date if shed
    http-request set-var(txn.until) var(txn.site),map_str_int(@FOLDER@/shed.map,0) if shed
    http-request set-var(txn.wait) var(txn.until),sub(txn.now) if shed
    acl waits var(txn.wait) -m int gt 0
    http-request set-var(txn.retry) var(txn.wait) if waits !free
${counted('over', 'waits !free')}
${page(503, 'busy.html', 'waits !free')}
    http-request set-var(txn.window) date,div(${windowSeconds})
    http-request set-var(txn.counted) var(txn.key),concat(|,txn.window)
    http-request track-sc0 var(txn.counted) table throttle_window if !free !blocked
    http-request set-var(txn.requests) var(txn.site),map_str_int(@FOLDER@/requests.map,${requests})
    http-request set-var(txn.kib) var(txn.site),map_str_int(@FOLDER@/kib.map,${kibibytes(bytes)})
    http-request set-var(txn.morerequests) sc_http_req_cnt(0),sub(txn.requests)
    http-request set-var(txn.morekib) sc_kbytes_out(0),sub(txn.kib)
    acl overrequests var(txn.morerequests) -m int gt 0
    acl overbytes var(txn.morekib) -m int gt 0
    http-request set-var(txn.over) bool(true) if overrequests !free !blocked
    http-request set-var(txn.over) bool(true) if overbytes !free !blocked
    acl over var(txn.over) -m bool
    http-request track-sc1 var(txn.key) table throttle_block if over
    http-request sc-set-gpt0(1) date(${blockSeconds}) if over
    http-request sc-inc-gpc0(1) if over overbytes
    http-request set-var(txn.retry) int(${blockSeconds}) if over
${refusal('over !dry')}
${counted('dry', 'over')}
${counted('dry', 'blocked !free')}
${counted('free', 'free')}
    http-request track-sc2 var(txn.site) table throttle_sums
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
  const maps = [...haproxyMaps(sites.map(mappedOf), exemptions)].map(([name, rows]): [string, string] => [
    name,
    [...rows].map(([key, value]) => `${value === '' ? key : `${key} ${value}`}\n`).join(''),
  ]);
  return new Map([
    ['haproxy.cfg', configuration(plan)],
    ...maps,
    ['trusted.lst', trusted.map((network) => `${network}\n`).join('')],
    ['page.html', logFormatPage('client')],
    ['busy.html', logFormatPage('site')],
  ]);
}
