import type { Reason } from '../trust/facts.ts';
import { isAtOrBelow, isPublicSuffix } from '../trust/organization.ts';
import { bodyOf, type RawField } from './fields.ts';
import { identityDomain } from './signature.ts';
import type { FailureCause, Qualification, SignatureVerdict } from './types.ts';

export type QualifyContext = {
  /** All fields of the header. */
  readonly fields: readonly RawField[];
  /** Index of the DKIM-Signature field in the header, for the evidence; null if unknown. */
  readonly field: number | null;
  /** `d=` is aligned with the author's domain (RFC 9989 §4.10.2). */
  readonly aligned: boolean;
  /** The author's organizational domain; null when it could not be found out. */
  readonly orgDomain: string | null;
  /** Expiry is judged at this time, milliseconds since the epoch. */
  readonly nowMs: number;
  /** What is signed more than an hour after this time is signed in the future. */
  readonly latestMs: number;
};

const MIN_BITS = 1024;
const GOOD_BITS = 2048;
const HOUR_MS = 3_600_000;

/** What a reader sees or a client acts upon (RFC 6376 §5.4.1): unsigned, anybody may have written it. */
const TO_BE_SIGNED = [
  'from',
  'subject',
  'date',
  'to',
  'cc',
  'reply-to',
  'sender',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
] as const;

/** What every server on the way adds at the top, so that more of it than was signed means nothing. */
const TRACE =
  /^(?:(?:x-)?received|return-path|delivered-to|authentication-results|dkim-signature|arc-[a-z-]+|received-spf)$/;

/**
 * Judge by every point whether a signature may make its message trusted. A signature that verifies says only
 * that somebody signed some of it: it may leave out a field, cover a part of the body, or be a test.
 */
export function qualify(signature: SignatureVerdict, context: QualifyContext): Qualification {
  const { fields, field, aligned } = context;
  // Mail is often signed by the sender's provider as well: what is wrong with that signature explains nothing.
  const severity = aligned ? 'warn' : 'info';
  const evidence = field === null ? null : { field };
  const fail = (code: string, text: string): Reason => ({ code, severity, text, evidence });
  if (signature.cause === 'bound') {
    const disqualifiedBy = failure(signature).map(({ code, text }) => fail(code, text));
    return { qualifies: false, disqualifiedBy, warnings: [] };
  }
  const disqualifiedBy: Reason[] = [];
  const warnings: Reason[] = [];
  const add = (points: readonly Point[]) => {
    for (const { code, text } of points) disqualifiedBy.push(fail(code, text));
  };
  add(failure(signature));
  add(names(signature));
  for (const text of identity(signature)) disqualifiedBy.push(fail('dkim.identity', text));
  if (signature.key?.testing)
    add([{ code: 'dkim.testing-key', text: `The domain is testing DKIM: ${signature.key.name} has t=y.` }]);
  add(time(signature, context));
  for (const text of partialBody(signature)) disqualifiedBy.push(fail('dkim.partial-body', text));
  for (const { name, harmless } of unsignedFields(signature, context)) {
    const text = `The signature does not cover ${spell(name)}.`;
    (harmless ? warnings : disqualifiedBy).push(fail(`dkim.unsigned-header:${name}`, text));
  }
  for (const name of addedFields(fields, signature))
    disqualifiedBy.push(
      fail(`dkim.added-header:${name}`, `There is one ${spell(name)} more than was signed.`),
    );
  if (!aligned) {
    const text = `${signature.domain ?? 'Its domain'} is not aligned with the author's domain.`;
    disqualifiedBy.push(fail('dkim.unaligned', text));
  }
  for (const text of smallKey(signature)) warnings.push(fail('dkim.small-key', text));
  return { qualifies: signature.result === 'pass' && disqualifiedBy.length === 0, disqualifiedBy, warnings };
}

type Point = { readonly code: string; readonly text: string };

const CODES: Readonly<Record<FailureCause, string>> = {
  'body-hash': 'dkim.fail',
  signature: 'dkim.fail',
  'no-key': 'dkim.no-key',
  key: 'dkim.bad-key',
  'weak-key': 'dkim.weak-key',
  sha1: 'dkim.sha1',
  syntax: 'dkim.syntax',
  algorithm: 'dkim.algorithm',
  identity: 'dkim.identity',
  expired: 'dkim.expired',
  dns: 'dkim.temperror',
  'body-unknown': 'dkim.body-unknown',
  bound: 'dkim.not-evaluated',
};

function failure({ cause, reason, algorithm, key }: SignatureVerdict): Point[] {
  const points: Point[] = [];
  if (cause !== null) points.push({ code: CODES[cause], text: reason ?? 'It does not verify.' });
  if (algorithm?.endsWith('-sha1') && cause !== 'sha1')
    points.push({ code: 'dkim.sha1', text: 'It uses SHA-1, which does not count any more (RFC 8301).' });
  const bits = key?.type === 'rsa' ? key.bits : null;
  if (bits !== null && bits < MIN_BITS && cause !== 'weak-key')
    points.push({
      code: 'dkim.weak-key',
      text: `The key has ${bits} bits; fewer than ${MIN_BITS} do not count.`,
    });
  // MC-15: whoever sees that the body was changed wants to hear that the key is gone as well.
  if (cause === 'body-hash' && key?.state === 'missing')
    points.push({ code: 'dkim.no-key', text: `Moreover there is no key at ${key.name}.` });
  return points;
}

function names({ badName, domain, selector }: SignatureVerdict): Point[] {
  if (badName)
    return [{ code: 'dkim.bad-name', text: `'${selector ?? ''}' at '${domain ?? ''}' is no name of a key.` }];
  if (domain !== null && isPublicSuffix(domain))
    return [{ code: 'dkim.public-suffix', text: `${domain} belongs to nobody: it is a public suffix.` }];
  return [];
}

/** RFC 6376 §3.5 and §3.6.1. */
function identity({ identity: auid, domain, key, cause }: SignatureVerdict): string[] {
  if (auid === null || domain === null || cause === 'identity') return [];
  // What it is without i= (RFC 6376 §3.5).
  const inside = auid === `@${domain}` ? domain : identityDomain(auid);
  if (inside === null || !isAtOrBelow(inside, domain)) return [`Its i=${auid} is not inside of d=${domain}.`];
  if (key?.strictIdentity === true && inside !== domain)
    return [`Its i=${auid} is a subdomain, which the key forbids (t=s).`];
  return [];
}

function time(
  { signedAtMs, expiresAtMs, cause }: SignatureVerdict,
  { nowMs, latestMs }: QualifyContext,
): Point[] {
  const points: Point[] = [];
  if (expiresAtMs !== null && expiresAtMs < nowMs && cause !== 'expired')
    points.push({ code: 'dkim.expired', text: `It expired on ${iso(expiresAtMs)}.` });
  if (signedAtMs !== null && signedAtMs > latestMs + HOUR_MS)
    points.push({
      code: 'dkim.future',
      text: `It says it was made on ${iso(signedAtMs)}, which is yet to come.`,
    });
  return points;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000', '');
}

/** RFC 6376 §8.2: behind `l=` octets anybody may have added anything. */
function partialBody({ bodyLength, bodyOctets, signedOctets }: SignatureVerdict): string[] {
  if (bodyLength === null) return [];
  if (bodyOctets === null || signedOctets === null)
    return [`It covers the first ${bodyLength} octets of the body only.`];
  if (signedOctets >= bodyOctets) return [];
  return [`It covers ${signedOctets} of ${bodyOctets} octets of the body; anybody may have added the rest.`];
}

type Unsigned = { readonly name: string; readonly harmless: boolean };

function unsignedFields({ headers }: SignatureVerdict, { fields, orgDomain }: QualifyContext): Unsigned[] {
  const signed = new Set(headers);
  const unsigned: Unsigned[] = [];
  for (const name of TO_BE_SIGNED) {
    if (signed.has(name)) continue;
    const present = fields.filter((field) => field.name === name);
    if (present.length === 0) continue;
    const isAddress = name === 'reply-to' || name === 'sender';
    unsigned.push({ name, harmless: isAddress && present.every((field) => isInside(field, orgDomain)) });
  }
  return unsigned;
}

/** Every `@` in it leads to the organization of the author. */
function isInside(field: RawField, orgDomain: string | null): boolean {
  if (orgDomain === null) return false;
  const domains = [...bodyOf(field).matchAll(/@([^\s<>()[\],;:"@]*)/g)].map(([, domain = '']) =>
    domain.toLowerCase().replace(/\.$/, ''),
  );
  return domains.length > 0 && domains.every((domain) => isAtOrBelow(domain, orgDomain));
}

/** Signed fields that the message has more of than were signed (RFC 6376 §8.15). */
function addedFields(fields: readonly RawField[], { headers }: SignatureVerdict): string[] {
  /** How many more may be there. */
  const left = new Map<string, number>();
  for (const name of headers) left.set(name, (left.get(name) ?? 0) + 1);
  const added: string[] = [];
  for (const { name } of fields) {
    const more = left.get(name);
    if (more === undefined) continue;
    left.set(name, more - 1);
    if (more === 0 && !TRACE.test(name)) added.push(name);
  }
  return added;
}

function smallKey({ key }: SignatureVerdict): string[] {
  const bits = key?.type === 'rsa' ? key.bits : null;
  if (bits === null || bits < MIN_BITS || bits >= GOOD_BITS) return [];
  return [`The key has ${bits} bits; ${GOOD_BITS} are recommended (RFC 8301).`];
}

/** The name as people write it: `reply-to` as Reply-To. */
function spell(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (letters) => letters.toUpperCase()).replace(/^Mime/, 'MIME');
}
