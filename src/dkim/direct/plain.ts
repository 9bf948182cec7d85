import type { KeyObject } from 'node:crypto';
import type { HeaderField } from '../fields.ts';
import { type TagList, withoutWhite } from '../tags.ts';
import type { Canonicalization, KeyRecord, SignatureTags } from '../types.ts';

// What is plain enough to be verified here. Every reader of the RFC reads it alike; whatever is not is left to mailauth,
// so this may refuse too much and must not take too much.

/** Printable ASCII and folds. */
const PLAIN_TEXT = /^[\t\x20-\x7e]*(?:\r\n[ \t][\t\x20-\x7e]*)*$/;
const KNOWN_TAGS = new Set(['v', 'a', 'b', 'bh', 'c', 'd', 'h', 'i', 'q', 's', 't', 'x']);
/** Others that signers add, and that mean nothing to a verifier; `l` is not among them. */
const OTHER_TAG = /^(?:z|[a-z]{2,8})$/;
/** Names that mailauth keeps for itself. */
const RESERVED = new Set(['header', 'value']);
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);
const SELECTOR = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const IDENTITY =
  /^(?:[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+)*)?@([A-Za-z0-9.-]+)$/;
const TIME = /^[0-9]{1,12}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** RFC 8301 §3.2 */
const MIN_BITS = 1024;
const PLAIN_RECORD = /^[\t\x20-\x7e]*$/;
const ALGORITHMS: Readonly<Record<string, 'rsa' | 'ed25519'>> = {
  'rsa-sha256': 'rsa',
  'ed25519-sha256': 'ed25519',
};
const CANONICALIZATIONS = new Set([
  undefined,
  'simple',
  'relaxed',
  'simple/simple',
  'simple/relaxed',
  'relaxed/simple',
  'relaxed/relaxed',
]);

/** A signature as it is verified. */
export type PlainSignature = {
  readonly keyType: 'rsa' | 'ed25519';
  readonly canonicalization: { readonly header: Canonicalization; readonly body: Canonicalization };
  readonly headers: readonly string[];
  /** Base64. */
  readonly bodyHash: string;
  readonly signature: string;
  /** The domain of `i=` is not `d=` but one below it. */
  readonly isBelow: boolean;
  /** Milliseconds since the epoch; null when it does not expire. */
  readonly expiresAtMs: number | null;
};

/** @returns null for a signature that is to be left to mailauth */
export function plainSignature(
  field: HeaderField,
  signature: SignatureTags,
  { tags }: TagList,
): PlainSignature | null {
  const { canonicalization, headers, bodyHash, signature: value, faults, badName, expiresAtMs } = signature;
  const keyType = ALGORITHMS[tags.get('a') ?? ''];
  const names = identityWithin(tags);
  const isPlain =
    field.isPlain && faults.length === 0 && !badName && PLAIN_TEXT.test(field.raw) && hasPlainTags(tags);
  if (!isPlain || keyType === undefined || names === null || canonicalization === null) return null;
  if (bodyHash === null || !value || !headers.includes('from')) return null;
  return {
    keyType,
    canonicalization,
    headers,
    bodyHash,
    signature: value,
    isBelow: names.isBelow,
    expiresAtMs,
  };
}

/** RFC 4648 §4, with its padding. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && BASE64.test(text);
}

function hasPlainTags(tags: ReadonlyMap<string, string>): boolean {
  for (const name of tags.keys())
    if (!KNOWN_TAGS.has(name) && (!OTHER_TAG.test(name) || RESERVED.has(name))) return false;
  const query = tags.get('q');
  return (
    CANONICALIZATIONS.has(tags.get('c')) &&
    (query === undefined || query === 'dns/txt') &&
    hasPlainTimes(tags)
  );
}

/** RFC 6376 §3.5: `x=` is later than `t=`. */
function hasPlainTimes(tags: ReadonlyMap<string, string>): boolean {
  const [signed, expires] = [tags.get('t'), tags.get('x')];
  if (signed !== undefined && !TIME.test(signed)) return false;
  if (expires === undefined) return true;
  return TIME.test(expires) && (signed === undefined || Number(expires) > Number(signed));
}

/** @returns null when a name is not plain, or `i=` outside of `d=` */
function identityWithin(tags: ReadonlyMap<string, string>): { readonly isBelow: boolean } | null {
  const [domain = '', selector = '', identity] = [tags.get('d'), tags.get('s'), tags.get('i')];
  // The name of the key is as long as a name may be: `._domainkey.` and both.
  if (!DOMAIN.test(domain) || !SELECTOR.test(selector) || domain.length + selector.length > 241) return null;
  if (identity === undefined) return { isBelow: false };
  const host = IDENTITY.exec(identity)?.[1]?.toLowerCase();
  // How underscores are hidden from mailauth's grammar changes what it takes for the domain of `i=`.
  if (host === undefined || !DOMAIN.test(host) || `${domain}${selector}`.includes('_')) return null;
  const signer = domain.toLowerCase();
  if (host !== signer && !host.endsWith(`.${signer}`)) return null;
  return { isBelow: host !== signer };
}

/**
 * Whether a key record is one about which there is nothing to say: as `readKey` found it, with its version in front, in
 * whole base64, of the right size (RFC 6376 §3.6.1, RFC 8301, RFC 8463 §4).
 */
export function isPlainKey(
  { text, state, type, bits }: KeyRecord,
  key: KeyObject,
  tags: ReadonlyMap<string, string>,
): boolean {
  if (text === null || state !== 'found' || type === null || key.asymmetricKeyType !== type) return false;
  if (type === 'rsa' && (bits ?? 0) < MIN_BITS) return false;
  return (
    PLAIN_RECORD.test(text) && hasVersionFirst(tags) && isWholeKey(withoutWhite(tags.get('p') ?? ''), type)
  );
}

function hasVersionFirst(tags: ReadonlyMap<string, string>): boolean {
  const [first] = tags.keys();
  return !tags.has('v') || (first === 'v' && tags.get('v') === 'DKIM1');
}

/** SubjectPublicKeyInfo for RSA, as nearly everybody publishes it; the bare 32 bytes for Ed25519. */
function isWholeKey(data: string, keyType: 'rsa' | 'ed25519'): boolean {
  if (!isBase64(data)) return false;
  const der = Buffer.from(data, 'base64');
  if (keyType === 'ed25519') return der.length === 32;
  const header = (der[1] ?? 0) < 0x80 ? 2 : 2 + ((der[1] ?? 0) & 0x7f);
  return der[0] === 0x30 && der[header] === 0x30;
}
