import { LOOPBACK, parseNetwork } from '../../net/network.ts';
import type { ThrottleExemption } from '../../schema/throttle.ts';
import { DROP_LIST } from '../nftables/writer.ts';

/** What the packet filter is told beforehand, and where the service writes its list. */
export type NftablesPlan = {
  /** Folder in which the service writes who is to be dropped. */
  readonly blocks: string;
  /** Folder in which these files are. */
  readonly folder: string;
  readonly ipv6Prefix: number;
  readonly exemptions: readonly ThrottleExemption[];
  /** Proxies of ours, whatever the service thinks of them. */
  readonly trusted: readonly string[];
  readonly trustedProxies: readonly string[];
};

const TABLE = 'inet postern_throttle';

/** Elements of a set, those of a family. */
function elements(networks: readonly string[], family: 4 | 6): string {
  const found = networks.flatMap((text) => {
    const network = parseNetwork(text);
    return network?.family === family ? [network.text] : [];
  });
  return found.length === 0 ? '' : `elements = { ${[...new Set(found)].join(', ')} }`;
}

function table({ exemptions, trusted, trustedProxies }: NftablesPlan): string {
  const spared = [
    ...LOOPBACK.map(({ text }) => text),
    ...exemptions.map(({ network }) => network),
    ...trusted,
    ...trustedProxies,
  ];
  return `# Written by "postern throttle compile nftables". apply.sh loads it when it is not there.
table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
    # This machine, proxies, and who was exempt when this was written: never dropped, whatever the list says.
    set keep4 {
        type ipv4_addr
        flags interval
        auto-merge
        ${elements(spared, 4)}
    }
    set keep6 {
        type ipv6_addr
        flags interval
        auto-merge
        ${elements(spared, 6)}
    }
    # Who goes on asking while refused; every element ends by itself.
    set drop4 {
        type ipv4_addr
        flags timeout
        size 65536
    }
    set drop6 {
        type ipv6_addr
        flags interval, timeout
        size 65536
    }
    chain early {
        type filter hook prerouting priority raw; policy accept;
        iif "lo" return
        ip saddr @keep4 return
        ip6 saddr @keep6 return
        ip saddr @drop4 counter drop
        ip6 saddr @drop6 counter drop
    }
}
`;
}

/** Makes commands of a list, and nothing of a list in which there is anything else. */
function filter({ ipv6Prefix }: NftablesPlan): string {
  const suffix = ipv6Prefix === 128 ? '' : `/${ipv6Prefix}`;
  return `# Written by "postern throttle compile nftables". Lines are an address and seconds, the last one is "end".
function fail() { failed = 1; exit 1 }
function isIPv4(text,    parts, count, at) {
    count = split(text, parts, ".")
    if (count != 4) return 0
    for (at = 1; at <= 4; at++)
        if (parts[at] !~ /^[0-9]+$/ || length(parts[at]) > 3 || parts[at] > 255) return 0
    return 1
}
function isIPv6(text,    rest) {
    rest = substr(text, length(text) - ${suffix.length - 1})
    if (${suffix === '' ? '0' : `rest != "${suffix}"`}) return 0
    text = substr(text, 1, length(text) - ${suffix.length})
    return length(text) <= 39 && text ~ /^[0-9a-f:]+$/ && text ~ /:/
}
ended { fail() }
$0 == "end" { ended = 1; next }
NF != 2 || $2 !~ /^[1-9][0-9]*$/ || length($2) > 6 { fail() }
isIPv4($1) { four[++fours] = $1 " timeout " $2 "s"; next }
isIPv6($1) { six[++sixes] = $1 " timeout " $2 "s"; next }
{ fail() }
END {
    if (failed || !ended) exit 1
    print "flush set ${TABLE} drop4"
    print "flush set ${TABLE} drop6"
    if (fours) {
        print "add element ${TABLE} drop4 {"
        for (at = 1; at <= fours; at++) print four[at] ","
        print "}"
    }
    if (sixes) {
        print "add element ${TABLE} drop6 {"
        for (at = 1; at <= sixes; at++) print six[at] ","
        print "}"
    }
}
`;
}

function script({ blocks, folder }: NftablesPlan): string {
  return `#!/bin/sh
# Written by "postern throttle compile nftables"; postern-throttle-nftables.service runs it.
set -eu
# Before it is read, so that what is written meanwhile asks anew.
rm -f '${blocks}/reload'
commands=$(awk -f '${folder}/list.awk' '${blocks}/${DROP_LIST}') || {
    echo 'the list is damaged: nothing is changed' >&2
    exit 1
}
nft list table ${TABLE} >/dev/null 2>&1 || nft -f '${folder}/postern-throttle.nft'
# One transaction: all of it, or nothing.
printf '%s\\n' "$commands" | nft -f -
`;
}

/**
 * A table of nftables with which the machine drops the packets of clients that go on asking while they are refused, and
 * what puts them there. The service, which is not trusted with it, gives a list of addresses.
 */
export function compileNftables(plan: NftablesPlan): ReadonlyMap<string, string> {
  return new Map([
    ['postern-throttle.nft', table(plan)],
    ['list.awk', filter(plan)],
    ['apply.sh', script(plan)],
  ]);
}
