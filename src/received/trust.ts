import { isInNetwork, isInside, sameNetwork } from './address.ts';
import type { Trace } from './types.ts';

/** Whom the reader trusts to write true Received fields. */
export type TrustOptions = {
  /** Names of own servers; `.example.org` and `example.org` also stand for every host below. */
  readonly trustedBy?: readonly string[];
  /** Addresses and networks (`192.0.2.0/24`) of own servers. */
  readonly trustedIps?: readonly string[];
  /** Names of the exchangers of the recipient's domain. */
  readonly mxHosts?: readonly string[];
};

/** Where the believable run ends. */
export type TrustRun = {
  /** How many hops from the top were written by the reader's own system. */
  readonly trusted: number;
  /** The hop, counted from the top, that took the message from outside; null when none did. */
  readonly border: number | null;
};

/**
 * Find the border the way SpamAssassin does: the newest field was written by our own server; as long as a
 * field shows that the message came from another machine of ours, the field below was written by that one.
 * The first field whose client is outside is the border. What stands below is the sender's to write, be it
 * a field that names our host (RFC 5321 §4.4, RFC 8601 §7.1).
 *
 * @param traces  newest first, as they stand in the message
 */
export function findBorder(traces: readonly Trace[], options: TrustOptions): TrustRun {
  for (const [index, trace] of traces.entries()) {
    const older = traces[index + 1];
    if (cameFromInside(trace, older, options)) continue;
    return { trusted: index + 1, border: index };
  }
  return { trusted: traces.length, border: null };
}

function cameFromInside(trace: Trace, older: Trace | undefined, options: TrustOptions): boolean {
  const { ip } = trace.from;
  if (ip === null) return isHandOver(trace);
  if (isInside(ip)) return true;
  if (options.trustedIps?.some((network) => isInNetwork(ip, network)) === true) return true;
  return older !== undefined && cameFromNamedServer(trace, ip, older, options);
}

/** Without an address there is only the form of the line: local, a store, a filter, LMTP, a field without from. */
function isHandOver(trace: Trace): boolean {
  if (trace.encrypted === 'local') return true;
  return trace.internal && (!trace.submission || trace.from.helo === null);
}

/**
 * From a server that is trusted by name: the name must be the one that our own server looked up (HELO is
 * whatever the client says), or stand with an address of the network of our own server; and the field below
 * must be that server's.
 */
function cameFromNamedServer(trace: Trace, ip: string, older: Trace, options: TrustOptions): boolean {
  const names = [...(options.trustedBy ?? []), ...(options.mxHosts ?? [])];
  if (names.length === 0 || !isNamed(older.by, names)) return false;
  if (trace.from.rdns !== null)
    return isNamed(trace.from.rdns, names) && !trace.flags.includes('may-be-forged');
  return isNamed(trace.from.helo, names) && isNeighbour(ip, trace.byIp);
}

/** Exchange writes no looked-up name, yet both addresses. */
function isNeighbour(ip: string, byIp: string | null): boolean {
  return byIp !== null && sameNetwork(ip, byIp, ip.includes(':') ? 32 : 16);
}

/** @returns whether a host is one of the names or below one of them */
export function isNamed(host: string | null, names: readonly string[]): boolean {
  if (host === null) return false;
  const plain = host.toLowerCase();
  return names.some((name) => {
    const wanted = name
      .toLowerCase()
      .replace(/^\*?\./, '')
      .replace(/\.$/, '');
    return wanted !== '' && (plain === wanted || plain.endsWith(`.${wanted}`));
  });
}
