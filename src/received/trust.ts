import { isInNetwork, isInside, readAddress, sameNetwork } from './address.ts';
import { isNamed, organisation } from './names.ts';
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
 * @param lines  newest first, as they stand in the message
 */
export function findBorder(lines: readonly { readonly trace: Trace }[], options: TrustOptions): TrustRun {
  const own = lines[0]?.trace.by ?? null;
  const border = lines.findIndex(({ trace }, index) => {
    const older = lines[index + 1]?.trace ?? null;
    return !cameFromInside(trace, older, own, options);
  });
  return border === -1 ? { trusted: lines.length, border: null } : { trusted: border + 1, border };
}

function cameFromInside(
  trace: Trace,
  older: Trace | null,
  own: string | null,
  options: TrustOptions,
): boolean {
  const { ip } = trace.from;
  if (ip === null) return isHandOver(trace, older);
  if (isInside(ip) || isFetched(trace)) return true;
  if (options.trustedIps?.some((network) => isInNetwork(ip, network)) === true) return true;
  if (older === null) return false;
  if (isHandedOverByLmtp(trace, older)) return true;
  return isDeliveredByExchange(trace, older) || cameFromNamedServer(trace, ip, older, own, options);
}

/**
 * A line without a client address: on one machine, or handed over inside of one system. A server that writes
 * no client at all (Zoho) may have taken the message from anywhere, unless the line below is its own as well.
 */
function isHandOver(trace: Trace, older: Trace | null): boolean {
  if (trace.encrypted === 'local') return true;
  if (!trace.internal || trace.submission || older === null) return false;
  if (trace.by !== null && readAddress(trace.by) !== null) return true; // Gmail: "by 2002:a17:… with SMTP"
  const organisationOfBy = organisation(trace.by);
  return organisationOfBy !== null && organisationOfBy === organisation(older.by);
}

/** fetchmail: the reader's own program went and got it. */
function isFetched(trace: Trace): boolean {
  return /^(?:POP3|IMAP)/i.test(trace.with ?? '');
}

/**
 * LMTP is for the way to the mailbox and not for wide areas (RFC 2033 §1): whoever spoke it is ours, with whatever
 * address, when the line below is one that it wrote.
 */
function isHandedOverByLmtp(trace: Trace, older: Trace): boolean {
  if (!/^(?:UTF8)?LMTPS?A?$/i.test(trace.with ?? '')) return false;
  const writer = organisation(older.by);
  return (
    writer !== null && (writer === organisation(trace.from.rdns) || writer === organisation(trace.from.helo))
  );
}

/** Exchange hands over to the mailbox "with HTTPS"; webmail that writes the same has no line below. */
function isDeliveredByExchange(trace: Trace, older: Trace): boolean {
  return trace.with === 'HTTPS' && trace.from.helo?.toLowerCase() === older.by?.toLowerCase();
}

/**
 * From a server that is trusted by name: the name must be the one that our own server looked up (HELO is
 * whatever the client says), or be named in the options and stand with an address of our own server's
 * network; and the field below must be that server's.
 */
function cameFromNamedServer(
  trace: Trace,
  ip: string,
  older: Trace,
  own: string | null,
  options: TrustOptions,
): boolean {
  const given = [...(options.trustedBy ?? []), ...(options.mxHosts ?? [])];
  const { rdns, helo } = trace.from;
  if (rdns === null) return isNamed(older.by, given) && isNamed(helo, given) && isNeighbour(ip, trace.byIp);
  const names = own === null ? given : [...given, own];
  return isNamed(older.by, names) && isNamed(rdns, names) && !trace.flags.includes('may-be-forged');
}

/** Exchange writes no looked-up name, yet both addresses. */
function isNeighbour(ip: string, byIp: string | null): boolean {
  return byIp !== null && sameNetwork(ip, byIp, ip.includes(':') ? 32 : 16);
}
