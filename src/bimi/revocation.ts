import { type Certificate, nameOf } from './certificate.ts';
import {
  bitsOf,
  Cursor,
  childrenOf,
  context,
  type Der,
  DerFault,
  inner,
  oidOf,
  readDer,
  TAG,
  timeOf,
} from './der.ts';
import type { Fetcher } from './fetching.ts';
import { isSignedBy, titleOf } from './path.ts';

/** A list of revoked certificates (RFC 5280 §5). */
type RevocationList = Pick<Certificate, 'issuer' | 'signed' | 'algorithm' | 'signature'> & {
  readonly nextUpdateMs: number | null;
  /** Times of revocation by serial number. */
  readonly revoked: ReadonlyMap<string, number>;
  /** It is about some certificates only, or says what has changed since another one. */
  readonly isPartial: boolean;
};

const MAX_LIST_BYTES = 1024 * 1024;
const PARTIAL = new Set(['2.5.29.27', '2.5.29.28']);

/**
 * Ask the authorities of a path whether they took a certificate of it back. Lists are fetched over https only, as
 * everything of the sender's is; most authorities serve them over http, and then it is not known.
 *
 * @param atMs  what was revoked later than that was good
 * @returns `good` only if every certificate below the root was told to be
 */
export async function findRevocation(
  path: readonly Certificate[],
  atMs: number,
  fetch: Fetcher,
): Promise<'good' | 'unknown' | { readonly reason: string }> {
  const states = await Promise.all(
    path.slice(0, -1).map((each, index) => revocationOf(each, path[index + 1] as Certificate, fetch)),
  );
  const at = states.findIndex((state) => typeof state === 'number' && state <= atMs);
  const [revoked, ms] = [path[at], states[at]];
  if (revoked !== undefined && typeof ms === 'number')
    return { reason: `${titleOf(revoked)} was revoked on ${new Date(ms).toISOString().slice(0, 10)}.` };
  return states.includes('unknown') ? 'unknown' : 'good';
}

/** When it was revoked; or that it was not, or that nobody knows. */
async function revocationOf(
  certificate: Certificate,
  issuer: Certificate,
  fetch: Fetcher,
): Promise<number | 'good' | 'unknown'> {
  const url = certificate.crlUrls.find((each) => URL.canParse(each) && new URL(each).protocol === 'https:');
  if (url === undefined) return 'unknown';
  const file = await fetch(url, { accept: 'application/pkix-crl', maxBytes: MAX_LIST_BYTES });
  const list = file.kind === 'found' ? readList(file.bytes) : null;
  if (list === null || list.isPartial || list.issuer.key !== issuer.subject.key) return 'unknown';
  if (issuer.keyUsage?.crlSign === false || !isSignedBy(list, issuer)) return 'unknown';
  const revokedMs = list.revoked.get(certificate.serial);
  if (revokedMs !== undefined) return revokedMs;
  // What an old list does not have may have been revoked since.
  return list.nextUpdateMs !== null && list.nextUpdateMs >= Date.now() ? 'good' : 'unknown';
}

/** @returns null for what cannot be read */
function readList(bytes: Buffer): RevocationList | null {
  try {
    return listOf(readDer(bytes));
  } catch (error) {
    if (error instanceof DerFault) return null;
    throw error;
  }
}

function listOf(element: Der): RevocationList {
  const outer = new Cursor(element);
  const body = outer.next(TAG.sequence);
  const algorithm = outer.next(TAG.sequence);
  const signature = bitsOf(outer.next(TAG.bitString));
  outer.end();
  const fields = new Cursor(body);
  fields.optional(TAG.integer);
  if (!fields.next(TAG.sequence).raw.equals(algorithm.raw)) throw new DerFault('names two algorithms');
  const issuer = nameOf(fields.next(TAG.sequence));
  timeOf(fields.any());
  const next = fields.optional(TAG.utcTime) ?? fields.optional(TAG.generalizedTime);
  const revoked = fields.optional(TAG.sequence);
  const extensions = fields.optional(context(0));
  fields.end();
  const ids =
    extensions === null ? [] : childrenOf(inner(extensions)).map((each) => oidOf(new Cursor(each).any()));
  return {
    issuer,
    signed: body.raw,
    algorithm: oidOf(new Cursor(algorithm).any()),
    signature,
    nextUpdateMs: next === null ? null : timeOf(next),
    revoked: new Map(revoked === null ? [] : childrenOf(revoked).map(entryOf)),
    isPartial: ids.some((id) => PARTIAL.has(id)),
  };
}

function entryOf(element: Der): readonly [string, number] {
  const parts = new Cursor(element);
  return [parts.next(TAG.integer).value.toString('hex'), timeOf(parts.any())];
}
