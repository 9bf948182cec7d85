import { createHash, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What a server's certificate says, and what stands against it. Names and texts are foreign. */
export type CertificateFacts = {
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and addresses it is for: subjectAltName, or the common name where there is none. */
  readonly names: readonly string[];
  readonly notBefore: string;
  readonly notAfter: string;
  /** Such as `EC prime256v1` or `RSA 2048`. */
  readonly key: string;
  /** What it was signed with, such as `ecdsa-with-SHA256`; null when that is not told. */
  readonly signature: string | null;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly spkiSha256: string;
  /** Whether the chain leads to a known authority and all of it is in date. Says nothing about the name. */
  readonly trusted: boolean;
  /** Why it is not trusted, as a clause. */
  readonly distrust: string | null;
  readonly selfSigned: boolean;
};

/** OpenSSL's verification results in words. */
const REASONS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its authority is not known here, or the server leaves out an intermediate one',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it is revoked',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_PURPOSE: 'it is not meant for servers',
  CERT_CHAIN_TOO_LONG: 'its chain is too long',
};

const DATE_REASONS = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** Most names of a certificate that are kept. */
const MAX_NAMES = 200;

/** `DNS:a.example, IP Address:192.0.2.1` as a list; Node quotes names that hold commas. */
function namesOf(leaf: X509Certificate): string[] {
  const entries = leaf.subjectAltName?.match(/(?:DNS|IP Address):(?:"(?:[^"\\]|\\.)*"|[^,]*)/g);
  if (entries) return entries.slice(0, MAX_NAMES).map((entry) => entry.slice(entry.indexOf(':') + 1));
  const common = /(?:^|\n)CN=([^\n]+)/.exec(leaf.subject)?.[1];
  return common ? [common] : [];
}

function keyOf({ publicKey }: X509Certificate): string {
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  const type = (publicKey.asymmetricKeyType ?? 'unknown').toUpperCase();
  return [type, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(' ');
}

/** The chain as the server sent it, leaf first; bounded, as a root names itself as issuer. */
export function chainOf(leaf: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: X509Certificate | undefined = leaf;
  while (next && chain.length < 10 && !chain.some((known) => known.fingerprint256 === next?.fingerprint256)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function datesHold(chain: readonly X509Certificate[], nowMs: number): boolean {
  return chain.every(
    ({ validFrom, validTo }) => Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo),
  );
}

/** OpenSSL's verdict on the chain, its opinion on the dates replaced by one as of `nowMs`. */
function distrust(socket: TLSSocket, chain: readonly X509Certificate[], nowMs: number): string | null {
  const error = socket.authorizationError as unknown;
  const code =
    error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error ?? '');
  if (code !== '' && !DATE_REASONS.has(code)) return REASONS[code] ?? code.toLowerCase().replaceAll('_', ' ');
  if (datesHold(chain, nowMs)) return null;
  const expired = chain.find(({ validTo }) => Date.parse(validTo) < nowMs);
  return expired ? `it expired on ${isoTime(expired.validTo)}` : 'it is not valid yet';
}

function isoTime(date: string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z');
}

function oneLine(distinguishedName: string): string {
  return distinguishedName.replaceAll('\n', ', ');
}

/**
 * The certificate on a finished handshake, and its facts; null for an anonymous one. To be asked for once a
 * connection: Node hands out the peer's certificate a single time.
 */
export function judgeLeaf(
  socket: TLSSocket,
  nowMs: number,
): { readonly leaf: X509Certificate; readonly facts: CertificateFacts } | null {
  const leaf = socket.getPeerX509Certificate();
  if (!leaf) return null;
  const reason = distrust(socket, chainOf(leaf), nowMs);
  const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
  const facts: CertificateFacts = {
    subject: oneLine(leaf.subject ?? ''),
    issuer: oneLine(leaf.issuer ?? ''),
    names: namesOf(leaf),
    notBefore: isoTime(leaf.validFrom),
    notAfter: isoTime(leaf.validTo),
    key: keyOf(leaf),
    signature: leaf.signatureAlgorithm ?? null,
    sha256: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    spkiSha256: createHash('sha256').update(spki).digest('hex'),
    trusted: reason === null,
    distrust: reason,
    selfSigned: leaf.checkIssued(leaf),
  };
  return { leaf, facts };
}

/** Whether a certificate is for a host: RFC 9525 §6.3, a wildcard as the whole left-most label only. */
export function coversHost({ names }: { readonly names: readonly string[] }, host: string): boolean {
  const wanted = host.toLowerCase();
  if (isIP(wanted) !== 0) return names.some((name) => name.toLowerCase() === wanted);
  return names.some((name) => {
    const pattern = name.toLowerCase();
    if (!pattern.startsWith('*.')) return pattern === wanted;
    return wanted.indexOf('.') > 0 && wanted.slice(wanted.indexOf('.')) === pattern.slice(1);
  });
}

/** What of a certificate decides whether a server is who it says. */
type Identity = Pick<CertificateFacts, 'names' | 'trusted' | 'distrust'>;

/**
 * Why a certificate does not do for a sender that looks at it; undefined when it does. `verify` wants the name of
 * the exchanger, `secure` that of the recipients' domain or one below it (Postfix: hostname; nexthop,
 * dot-nexthop), which a forged MX record cannot give.
 */
export function whyUnauthenticated(
  certificate: Identity | null,
  policy: 'verify' | 'secure',
  { host, nextHop }: { readonly host: string; readonly nextHop: string },
): string | undefined {
  if (!certificate) return 'the server has no certificate';
  if (!certificate.trusted) return `the certificate is not trusted, ${certificate.distrust}`;
  if (policy === 'verify')
    return coversHost(certificate, host) ? undefined : `the certificate is not for ${host}`;
  const below = certificate.names.some((name) => name.toLowerCase().endsWith(`.${nextHop}`));
  return below || coversHost(certificate, nextHop) ? undefined : `the certificate is not for ${nextHop}`;
}
