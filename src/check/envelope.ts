import { parseAuthenticationResults } from '../authres/parse.ts';
import type { Field } from '../message/headers.ts';
import { readAddress } from '../received/address.ts';
import type { Hop, MessagePath } from '../received/types.ts';

/** Where a value comes from, most trusted first. */
export type Origin =
  | 'given' // on the command line
  | 'received-spf' // RFC 7208 §9.1
  | 'authentication-results' // RFC 8601
  | 'received'
  | 'return-path'
  | 'unknown';

/** A value of the SMTP session and who tells it; null is not known, which is not empty. */
export type Told = { readonly value: string | null; readonly origin: Origin };

/** What SPF is asked about. */
export type Envelope = {
  readonly ip: Told;
  readonly helo: Told;
  /** `''` is the empty path of a bounce. */
  readonly mailFrom: Told;
  /** Name of the server that took the message in. */
  readonly mta: Told;
  /** Why there is no question for SPF to answer; null when there is one. */
  readonly noQuestion: string | null;
};

/** What the caller knows of the session. */
export type Given = {
  readonly ip?: string;
  readonly helo?: string;
  readonly mailFrom?: string;
  readonly mta?: string;
};

const UNKNOWN: Told = { value: null, origin: 'unknown' };

/**
 * Find out what the server at the border was told and by whom, for SPF. Only fields above the border's Received
 * line are read, and that line itself: what stands below is the sender's to write (RFC 8601 §7.1). Never falls
 * back to the From field.
 */
export function deriveEnvelope(fields: readonly Field[], path: MessagePath, given: Given): Envelope {
  const border = path.border === null ? null : (path.hops[path.border] ?? null);
  const above = border === null ? [] : fields.filter(({ range }) => range[0] < border.range[0]);
  const spf = receivedSpf(above);
  const results = ownResults(above, path, fields);
  const ip = first(
    told(given.ip, 'given'),
    told(addressIn(spf.get('client-ip')), 'received-spf'),
    told(addressIn(results), 'authentication-results'),
    told(border?.from.ip, 'received'),
  );
  const helo = first(
    told(given.helo, 'given'),
    told(spf.get('helo'), 'received-spf'),
    told(border?.from.helo, 'received'),
  );
  const mailFrom = first(
    told(given.mailFrom, 'given'),
    told(spf.get('envelope-from'), 'received-spf'),
    told(returnPath(above), 'return-path'),
    told(border?.envelopeFrom, 'received'),
  );
  const mta = first(told(given.mta, 'given'), told(border?.by, 'received'));
  const plain = { ...mailFrom, value: mailFrom.value?.trim().replace(/^<(.*)>$/, '$1') ?? null };
  return { ip, helo, mailFrom: plain, mta, noQuestion: whyNoQuestion(ip, helo, plain, border) };
}

function told(value: string | null | undefined, origin: Origin): Told {
  return value === null || value === undefined ? UNKNOWN : { value, origin };
}

function first(...candidates: readonly Told[]): Told {
  return candidates.find(({ value }) => value !== null) ?? UNKNOWN;
}

function whyNoQuestion(ip: Told, helo: Told, mailFrom: Told, border: Hop | null): string | null {
  if (border?.submission && ip.origin !== 'given')
    return 'The message was handed in by a user who had logged in: SPF has no part in that.';
  if (ip.value === null) return 'The address of the client is not known.';
  if (mailFrom.value === null && !isHeloAlone({ ip, helo, mailFrom }))
    return 'The return path (MAIL FROM) is not known.';
  if (mailFrom.value === '' && helo.value === null)
    return 'The return path is empty and the name that the client gave (HELO) is not known.';
  return null;
}

/** The caller gave what he knows, and that is the HELO name: the one question left (RFC 7208 §2.3). */
export function isHeloAlone({ ip, helo, mailFrom }: Pick<Envelope, 'ip' | 'helo' | 'mailFrom'>): boolean {
  return mailFrom.value === null && ip.origin === 'given' && helo.origin === 'given';
}

/** The pairs of the Received-SPF field nearest to the border. */
function receivedSpf(above: readonly Field[]): ReadonlyMap<string, string> {
  const field = above.findLast(({ name }) => name.toLowerCase() === 'received-spf');
  const pairs = new Map<string, string>();
  if (field === undefined) return pairs;
  const text = withoutComments(field.value.slice(0, 4096));
  for (const [, name = '', quoted, plain] of text.matchAll(/([a-z-]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/gi)) {
    const key = name.toLowerCase();
    if (!pairs.has(key)) pairs.set(key, quoted ?? plain ?? '');
  }
  return pairs;
}

function withoutComments(text: string): string {
  let depth = 0;
  let kept = '';
  for (const char of text) {
    if (char === '(') depth += 1;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) kept += char;
  }
  return kept;
}

/** `smtp.remote-ip` or `policy.iprev` of our own results (RFC 8601 §2.7.3, §2.7.7). */
function ownResults(
  above: readonly Field[],
  path: MessagePath,
  fields: readonly Field[],
): string | undefined {
  const own = ownAuthenticationResults(fields, path).filter((field) => above.includes(field));
  for (const field of own) {
    for (const { properties } of parseAuthenticationResults(field.value).results) {
      const ip = properties['smtp.remote-ip'] ?? properties['policy.iprev'];
      if (ip !== undefined) return ip;
    }
  }
  return undefined;
}

/** The Authentication-Results fields that the reader's own servers wrote. */
export function ownAuthenticationResults(fields: readonly Field[], path: MessagePath): Field[] {
  const own = new Set(
    path.annotations
      .filter(({ kind, trusted }) => kind === 'authentication-results' && trusted)
      .map(({ range }) => range[0]),
  );
  return fields.filter(({ range }) => own.has(range[0]));
}

function addressIn(text: string | undefined): string | null {
  return text === undefined ? null : (readAddress(text)?.ip ?? null);
}

/** RFC 5321 §4.4: one Return-Path, made at delivery. With several nobody knows which is ours. */
function returnPath(above: readonly Field[]): string | null {
  const found = above.filter(({ name }) => name.toLowerCase() === 'return-path');
  const value = found[0]?.value;
  if (found.length !== 1 || value === undefined) return null;
  return /<([^<>]*)>/.exec(value)?.[1] ?? value;
}
