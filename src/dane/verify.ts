import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../dns/types.ts';
import { isSuperseded, whyUnusable } from './tlsa.ts';

/** What became of one record. */
export type RecordVerdict = {
  readonly record: TlsaRecord;
  /**
   * - `matched`: it authenticates the server, at `depth` of the chain (0 is the server's own certificate)
   * - `rejected`: it matches, and something else is wrong: `reason`
   * - `unmatched`: nothing the server presents fits it
   * - `superseded`: passed over for a stronger digest; `unusable`: not for SMTP, or malformed
   */
  readonly state: 'matched' | 'rejected' | 'unmatched' | 'superseded' | 'unusable';
  readonly depth: number | null;
  readonly reason: string | null;
};

/**
 * Whether the server is who the DNS says.
 *
 * - `authenticated`: a usable record matches by its rules
 * - `mismatch`: usable records, none of which does
 * - `unusable`: no usable record at all; TLS is required, nothing is authenticated (RFC 7672 §2.2)
 */
export type DaneVerdict = {
  readonly result: 'authenticated' | 'mismatch' | 'unusable';
  readonly reason: string | null;
  readonly records: readonly RecordVerdict[];
};

export type DanePeer = {
  /** Certificates as the server sent them, DER, its own first; empty for an anonymous handshake. */
  readonly chain: readonly Uint8Array[];
  /** Names of which the certificate must cover one under usage 2: base domain, next-hop domain (§3.2.2). */
  readonly names: readonly string[];
  /** When validity is judged, milliseconds since the epoch; only usage 2 looks at it. */
  readonly nowMs: number;
};

/** Longest path that is built from the server's certificate. */
const MAX_DEPTH = 10;
/** RFC 5280 §4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

function spkiOf({ publicKey }: X509Certificate): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** What a record is compared with (RFC 6698 §2.1.2, §2.1.3), lower-case hexadecimal. */
export function tlsaData(
  certificate: X509Certificate,
  { selector, match }: Pick<TlsaRecord, 'selector' | 'match'>,
): string {
  const bytes = selector === 0 ? certificate.raw : spkiOf(certificate);
  if (match === 0) return bytes.toString('hex');
  return createHash(match === 1 ? 'sha256' : 'sha512')
    .update(bytes)
    .digest('hex');
}

function fits(record: TlsaRecord, certificate: X509Certificate): boolean {
  return tlsaData(certificate, record) === record.data.toLowerCase();
}

/** The whole certificate or key that a record of matching type 0 holds; null when it is none. */
function given({ selector, data }: TlsaRecord): X509Certificate | KeyObject | null {
  const bytes = Buffer.from(data, 'hex');
  try {
    return selector === 0
      ? new X509Certificate(bytes)
      : createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

/** Whether `issuer` signed `subject` and may sign certificates. */
function issued(subject: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  } catch {
    return false; // a key that this OpenSSL cannot use
  }
}

/** From the server's certificate upwards, through what it sent (in any order) and what the DNS gives in full. */
function pathOf(sent: readonly X509Certificate[], anchors: readonly X509Certificate[]): X509Certificate[] {
  const [leaf] = sent;
  if (!leaf) return [];
  const path = [leaf];
  const known = [...sent.slice(1), ...anchors];
  for (;;) {
    const top = path.at(-1);
    const next = top && known.find((each) => !path.includes(each) && issued(top, each));
    if (!next || path.length >= MAX_DEPTH) return path;
    path.push(next);
  }
}

function dateFault(path: readonly X509Certificate[], nowMs: number): string | undefined {
  for (const [depth, { validFrom, validTo }] of path.entries()) {
    const which = depth === 0 ? 'the certificate' : `the certificate ${depth} above it`;
    if (Date.parse(validTo) < nowMs)
      return `${which} expired on ${new Date(validTo).toISOString().slice(0, 10)}`;
    if (Date.parse(validFrom) > nowMs) return `${which} is not valid yet`;
  }
  return undefined;
}

/** Usage 2 trusts an authority: what it issued must be for this server and in date (RFC 7672 §3.1.2). */
function anchorFault(path: readonly X509Certificate[], { names, nowMs }: DanePeer): string | undefined {
  const [leaf] = path;
  if (!leaf) return 'the server has no certificate';
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages && !usages.includes(SERVER_AUTH) && !usages.includes(ANY_USAGE)) {
    return 'the certificate is not meant for servers';
  }
  const covered = names.some((name) => leaf.checkHost(name, { partialWildcards: false }) !== undefined);
  if (!covered) return `the certificate is for none of ${names.join(', ')}`;
  return dateFault(path, nowMs);
}

type Matched = { readonly depth: number; readonly path: readonly X509Certificate[] };

/** Where in the path a usage 2 record stands. */
function anchorMatch(record: TlsaRecord, sent: readonly X509Certificate[]): Matched | undefined {
  const full = record.match === 0 ? given(record) : null;
  const path = pathOf(sent, full instanceof X509Certificate ? [full] : []);
  const depth = path.findIndex((certificate, index) => index > 0 && fits(record, certificate));
  if (depth > 0) return { depth, path: path.slice(0, depth + 1) };
  const top = path.at(-1);
  // A bare key (2 1 0) stands above the last certificate that was sent.
  if (top && full !== null && !(full instanceof X509Certificate) && verifies(top, full)) {
    return { depth: path.length, path };
  }
  return undefined;
}

function verifies(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function judgeRecord(
  record: TlsaRecord,
  all: readonly TlsaRecord[],
  sent: readonly X509Certificate[],
  peer: DanePeer,
): RecordVerdict {
  const unusable = whyUnusable(record);
  if (unusable !== undefined) return { record, state: 'unusable', depth: null, reason: unusable };
  if (isSuperseded(record, all)) {
    return { record, state: 'superseded', depth: null, reason: 'a SHA-512 digest is published as well' };
  }
  const [leaf] = sent;
  if (record.certUsage === 3) {
    // Neither names nor dates count here: the DNS names this very key (RFC 7672 §3.1.1).
    const matched = leaf !== undefined && fits(record, leaf);
    return { record, state: matched ? 'matched' : 'unmatched', depth: matched ? 0 : null, reason: null };
  }
  const matched = anchorMatch(record, sent);
  if (!matched) return { record, state: 'unmatched', depth: null, reason: null };
  const fault = anchorFault(matched.path, peer);
  return {
    record,
    state: fault === undefined ? 'matched' : 'rejected',
    depth: matched.depth,
    reason: fault ?? null,
  };
}

function readChain(chain: readonly Uint8Array[]): X509Certificate[] {
  return chain.slice(0, MAX_DEPTH).flatMap((der) => {
    try {
      return [new X509Certificate(der)];
    } catch {
      return [];
    }
  });
}

/**
 * Compare what a server presented with its TLSA records (RFC 7672 §3, RFC 7671 §5).
 *
 * Usage 3 matches the server's own certificate or key and nothing else is looked at. Usage 2 needs an authority in
 * the chain as it was sent, or given in full by the record; then names and dates count.
 */
export function verifyDane(records: readonly TlsaRecord[], peer: DanePeer): DaneVerdict {
  const sent = readChain(peer.chain);
  const verdicts = records.map((record) => judgeRecord(record, records, sent, peer));
  if (verdicts.some(({ state }) => state === 'matched')) {
    return { result: 'authenticated', reason: null, records: verdicts };
  }
  const usable = verdicts.filter(({ state }) => state !== 'unusable');
  if (usable.length === 0) {
    return { result: 'unusable', reason: 'no TLSA record is usable for SMTP', records: verdicts };
  }
  const rejected = usable.find(({ state }) => state === 'rejected');
  const reason = rejected?.reason ?? 'no TLSA record matches what the server presents';
  return { result: 'mismatch', reason, records: verdicts };
}
