import { isIP } from 'node:net';
import { connect, createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { type CertificateFacts, chainOf, judgeLeaf } from './certificate.ts';
import type { Fault } from './fault.ts';
import { printable } from './reply.ts';
import type { Tap } from './tap.ts';

/** Versions as RFC 8996 and RFC 8446 write them. */
export const TLS_VERSIONS = ['TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** What was negotiated. */
export type TlsFacts = {
  readonly version: TlsVersion | null;
  /** Cipher suite in the IANA registry's spelling. */
  readonly cipher: string;
  /** Key exchange group, such as `X25519MLKEM768`; null without an ephemeral key. */
  readonly group: string | null;
  readonly postQuantum: boolean;
  readonly certificate: CertificateFacts | null;
  /** Certificates as the server sent them, DER, its own first. */
  readonly chain: readonly Uint8Array[];
};

/**
 * The client's side of every handshake: all versions that this OpenSSL can still speak, since weak TLS is
 * better than none for opportunistic use (RFC 7435 §3) and a probe has to see what is there. The chain is
 * judged afterwards, against Node's roots and `extraCaPem`. Made once a run: reading the roots takes time.
 *
 * @param anonymous  offer suites without a certificate as well, after all others: for who looks at none anyway
 *   (RFC 7672 §8.2)
 * @throws Error when `extraCaPem` is no PEM certificate
 */
export function clientContext(extraCaPem?: string, { anonymous = false } = {}): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1',
    // OpenSSL's security level 1 forbids TLS 1.0 and 1.1, SHA-1 signatures and small keys.
    ciphers: anonymous ? 'ALL:+aNULL:!eNULL@SECLEVEL=0' : 'DEFAULT@SECLEVEL=0',
    ...(extraCaPem !== undefined && { ca: [...rootCertificates, extraCaPem] }),
  });
}

/**
 * A client that speaks one version only, to ask whether a server does. Nothing is verified with it; null when this
 * OpenSSL itself does not speak that version, so that it cannot be asked.
 */
export function contextFor(version: TlsVersion): SecureContext | null {
  const only = version === 'TLSv1.0' ? 'TLSv1' : version;
  try {
    return createSecureContext({ minVersion: only, maxVersion: only, ciphers: 'DEFAULT@SECLEVEL=0' });
  } catch {
    return null;
  }
}

/** Types of keys that a server may have a certificate for each of. */
export const KEY_TYPES = ['rsa', 'ecdsa'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

const SIGNATURES: Readonly<Record<KeyType, string>> = {
  rsa: 'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1',
  ecdsa: 'ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA1:ed25519:ed448',
};

/** A client that accepts certificates with one type of key only, to see whether the server has one. */
export function contextForKey(key: KeyType, extraCaPem?: string): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ciphers: 'DEFAULT@SECLEVEL=0',
    sigalgs: SIGNATURES[key],
    ...(extraCaPem !== undefined && { ca: [...rootCertificates, extraCaPem] }),
  });
}

function versionOf(socket: TLSSocket): TlsVersion | null {
  // Never from getCipher().version, which names the version that introduced the suite.
  switch (socket.getProtocol()) {
    case 'TLSv1':
      return 'TLSv1.0';
    case 'TLSv1.1':
      return 'TLSv1.1';
    case 'TLSv1.2':
      return 'TLSv1.2';
    case 'TLSv1.3':
      return 'TLSv1.3';
    default:
      return null;
  }
}

/** The facts of a finished handshake, the certificate judged as of `nowMs`. */
export function tlsFacts(socket: TLSSocket, nowMs: number): TlsFacts {
  const { standardName, name } = socket.getCipher();
  const key = socket.getEphemeralKeyInfo() as { type?: string; name?: string; size?: number } | null;
  const peer = judgeLeaf(socket, nowMs);
  const group = key?.name ?? (key?.type === 'DH' && key.size ? `DHE-${key.size}` : null);
  return {
    version: versionOf(socket),
    cipher: standardName ?? name,
    group,
    postQuantum: group !== null && /mlkem|kyber/i.test(group),
    certificate: peer?.facts ?? null,
    chain: peer ? chainOf(peer.leaf).map(({ raw }) => raw) : [],
  };
}

/** What a failed handshake threw: OpenSSL's reason codes, and what they mean to the person reading. */
export function describeTlsError(error: NodeJS.ErrnoException & { reason?: string }): Omit<Fault, 'phase'> {
  const code = error.code ?? '';
  // Reasons with `alert` come from the other side; without it, from our own OpenSSL.
  const alert = /^ERR_SSL_(?:SSL\/TLS|SSLV3|TLSV1|TLSV13)_ALERT_(.+)$/.exec(code)?.[1];
  if (alert) {
    const name = alert.toLowerCase();
    return {
      kind: 'alert',
      message: `the server refused the handshake with the alert ${name}`,
      evidence: name,
    };
  }
  // Node reports an orderly end before the handshake was done with this code, too.
  if (error.message.startsWith('Client network socket disconnected')) {
    return { kind: 'closed', message: 'the server closed the connection during the handshake' };
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return { kind: 'reset', message: 'the connection was reset during the handshake' };
  }
  const reason = error.reason ?? error.message;
  return {
    kind: 'handshake',
    message: `the handshake failed: ${reason.toLowerCase()}`,
    evidence: code || reason,
  };
}

/**
 * Start TLS on a connection after the server agreed to it (RFC 3207 §4). The certificate is not verified
 * here: whoever calls judges the facts.
 *
 * @param host  name of the exchanger, for SNI; an address is never sent (RFC 6066 §3)
 * @returns the encrypted socket, or what went wrong
 */
export function startTls(
  tap: Tap,
  { host, context, signal }: { host: string; context: SecureContext; signal: AbortSignal },
): Promise<TLSSocket | Omit<Fault, 'phase'>> {
  return new Promise((resolve) => {
    const socket = connect({
      socket: tap,
      secureContext: context,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(isIP(host) === 0 && host !== '' && { servername: host }),
    });
    const settle = (outcome: TLSSocket | Omit<Fault, 'phase'>) => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('secureConnect', onSecure);
      socket.removeListener('close', onClose);
      // What still goes wrong with a failed socket was told already.
      if (outcome !== socket) socket.on('error', () => undefined).destroy();
      else socket.removeListener('error', onError);
      resolve(outcome);
    };
    const foreign = (): Omit<Fault, 'phase'> => ({
      kind: 'not-tls',
      message: 'the server agreed to STARTTLS and then sent something that is not TLS',
      evidence: printable(tap.first, 80),
    });
    const onSecure = () => settle(socket);
    const onError = (error: Error) => settle(tap.isForeign ? foreign() : describeTlsError(error));
    const onClose = () =>
      settle(
        tap.isForeign
          ? foreign()
          : { kind: 'closed', message: 'the server closed the connection during the handshake' },
      );
    const onAbort = () => settle({ kind: 'timeout', message: 'the TLS handshake did not end in time' });
    socket.once('secureConnect', onSecure);
    socket.on('error', onError);
    socket.once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
