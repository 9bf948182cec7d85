import { isInside, readAddress } from './address.ts';
import type { Hop, MessagePath } from './types.ts';

/** Gives each secret of a kind a name of its own, the same every time it is met. */
function pseudonyms(prefix: string): (text: string) => string {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text.toLowerCase());
    if (known !== undefined) return known;
    const name = `${prefix}${names.size + 1}`;
    names.set(text.toLowerCase(), name);
    return name;
  };
}

const MAILBOX = /[^\s<>()[\]:;,"@=]+@(?=[A-Za-z0-9\u0080-\uffff.-]+)/g;
const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}\b/gi;

/** Replaces a name wherever it stands as a word of its own. */
function replaceWord(text: string, word: string, by: string): string {
  const literal = word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\w.-])${literal}(?![\\w-])`, 'g'), by);
}

/** What the computer of somebody who logged in calls itself: no host name, and often its owner's. */
function deviceNames({ auth, from }: Hop): string[] {
  const { helo } = from;
  if (auth === null || helo === null || helo.includes('.') || helo.toLowerCase() === 'localhost') return [];
  return readAddress(helo) === null ? [helo] : [];
}

/**
 * A path that can be put into a ticket: the local part of mail addresses, ids, addresses inside of networks and
 * what the sender's computer calls itself are replaced, each by the same name wherever it stands. Host names and public addresses stay, as they are what
 * the ticket is about.
 */
export function redactPath(path: MessagePath): MessagePath {
  const user = pseudonyms('user');
  const queue = pseudonyms('id-');
  const inside = pseudonyms('inside-');
  const device = pseudonyms('device');
  const users = new Set(
    path.hops.flatMap(({ auth, from }) => [auth?.user, from.ident].filter((name) => name != null)),
  );
  const devices = new Set(path.hops.flatMap(deviceNames));
  const ids = new Set(path.hops.flatMap(({ id }) => (id === null ? [] : [id])));

  const redactText = (text: string): string => {
    let out = text.replace(MAILBOX, (local) => `${user(local.slice(0, -1))}@`);
    out = out.replace(ADDRESS, (ip) => (isInside(ip) ? inside(ip) : ip));
    for (const name of devices) out = replaceWord(out, name, device(name));
    for (const name of users) out = replaceWord(out, name, user(name));
    for (const id of ids) if (id.length > 3) out = out.replaceAll(id, queue(id));
    return out;
  };
  const maybe = (text: string | null): string | null => (text === null ? null : redactText(text));

  const redactHop = (hop: Hop): Hop => ({
    ...hop,
    from: {
      ...hop.from,
      helo: maybe(hop.from.helo),
      rdns: maybe(hop.from.rdns),
      ip: hop.from.ip !== null && isInside(hop.from.ip) ? null : hop.from.ip,
      ident: hop.from.ident === null ? null : user(hop.from.ident),
    },
    byIp: hop.byIp !== null && isInside(hop.byIp) ? null : hop.byIp,
    id: hop.id === null ? null : queue(hop.id),
    for: maybe(hop.for),
    envelopeFrom: maybe(hop.envelopeFrom),
    auth: hop.auth && {
      ...hop.auth,
      user: hop.auth.user === null ? null : user(hop.auth.user),
      evidence: redactText(hop.auth.evidence),
    },
    raw: redactText(hop.raw),
  });
  return {
    ...path,
    summary: redactText(path.summary),
    checks: path.checks.map((check) => ({
      ...check,
      message: redactText(check.message),
      ...(check.evidence !== undefined && { evidence: redactText(check.evidence) }),
    })),
    hops: path.hops.map(redactHop),
    annotations: path.annotations.map((annotation) => ({
      ...annotation,
      value: redactText(annotation.value),
    })),
  };
}
