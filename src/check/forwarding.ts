import type { Field } from '../message/headers.ts';
import { parseSrs, readAddress, unquoted } from '../srs/address.ts';
import type { Authentication } from './authenticate.ts';
import type { Envelope } from './envelope.ts';

/** Results that a forwarder can be the reason of: the mail came from a server that the domain did not name. */
const FAILURES: ReadonlySet<string> = new Set(['fail', 'softfail', 'neutral']);

type Sign = { readonly is: string; readonly seen: (fields: ReadonlyMap<string, number>) => boolean };

const SIGNS: readonly Sign[] = [
  { is: 'a mailing list’s fields', seen: (names) => names.has('list-id') || names.has('list-post') },
  { is: 'Resent fields', seen: (names) => names.has('resent-from') || names.has('resent-to') },
  { is: 'X-Forwarded fields', seen: (names) => names.has('x-forwarded-to') || names.has('x-forwarded-for') },
  { is: 'several Delivered-To fields', seen: (names) => (names.get('delivered-to') ?? 0) > 1 },
  { is: 'ARC sets', seen: (names) => names.has('arc-seal') },
];

/**
 * Say whether forwarding explains why SPF does not pass: a forwarder that keeps the return path sends from its own
 * address, which the sender's domain never named. The signs stand in the message and prove nothing; a DKIM
 * signature that still verifies does, as it shows that the message itself is the author's.
 *
 * @returns a sentence, or null where nothing speaks for it
 */
export function explainByForwarding(
  fields: readonly Field[],
  envelope: Envelope,
  { spf, dmarc }: Authentication,
): string | null {
  if (spf === null || spf.identity !== 'mailfrom' || !FAILURES.has(spf.result)) return null;
  const names = new Map<string, number>();
  for (const { name } of fields) {
    const key = name.toLowerCase();
    names.set(key, (names.get(key) ?? 0) + 1);
  }
  const signs = SIGNS.filter(({ seen }) => seen(names)).map(({ is }) => is);
  const signed = dmarc.aligned.dkim;
  if (signs.length === 0 && !signed) return null;
  const evidence = [...(signed ? ['the author’s DKIM signature still verifies'] : []), ...has(signs)].join(
    '; ',
  );
  if (isRewritten(envelope))
    return `It was forwarded by a server that rewrites return paths (SRS), and SPF is ${spf.result} for that server’s own domain (${evidence}).`;
  return `Forwarding may be why SPF is ${spf.result}: ${evidence}. A forwarder that rewrites the return path (SRS, "postern srs forward") would mend it.`;
}

function has(signs: readonly string[]): string[] {
  return signs.length === 0 ? [] : [`it has ${signs.join(', ')}, if they can be believed`];
}

function isRewritten({ mailFrom }: Pick<Envelope, 'mailFrom'>): boolean {
  return /^srs[01][-+=]/i.test(mailFrom.value ?? '');
}

/** The sender that an SRS return path was made from, as it says and unverified; null for other paths. */
export function senderBeforeSrs({ mailFrom }: Pick<Envelope, 'mailFrom'>): string | null {
  if (!isRewritten({ mailFrom })) return null;
  try {
    const address = readAddress(mailFrom.value ?? '');
    const srs = address === null ? null : parseSrs(unquoted(address.local));
    return srs?.kind === 'srs0' ? `${srs.user}@${srs.host}` : null;
  } catch {
    return null; // cut off or made up: there is nothing to show
  }
}
