import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { tlsaData } from './verify.ts';

/** What a PEM file holds that TLSA records are made of. */
export type PemContent =
  | { readonly kind: 'certificates'; readonly certificates: readonly [X509Certificate, ...X509Certificate[]] }
  | { readonly kind: 'key'; readonly key: KeyObject };

/** Most certificates of one file. */
const MAX_CERTIFICATES = 20;

function wrong(file: string, reason: string, cause?: unknown): AppError {
  return new AppError(`--cert: cannot use '${file}': ${reason}.`, {
    code: 'E_CERT',
    exit: ExitCode.input,
    hint: 'It takes a certificate in PEM form, with those above it or without, or a public key.',
    cause,
  });
}

/**
 * Certificates of a PEM file, the server's own first, or a public key. A private key beside a certificate is passed
 * over; alone it is refused, as it does not belong on the machine that makes records.
 *
 * @throws AppError E_CERT (exit 65) when there is neither
 */
export function readPem(text: string, file: string): PemContent {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const [first, ...rest] = blocks.slice(0, MAX_CERTIFICATES).map((block) => new X509Certificate(block));
    if (first) return { kind: 'certificates', certificates: [first, ...rest] };
    const key = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/.exec(text)?.[0];
    if (key) return { kind: 'key', key: createPublicKey(key) };
  } catch (cause) {
    throw wrong(file, 'it is damaged', cause);
  }
  if (/PRIVATE KEY-----/.test(text)) throw wrong(file, 'it holds a private key alone; give the certificate');
  throw wrong(file, 'it holds neither a certificate nor a public key');
}

/** The kind of a record: usage, selector, matching type. */
export type TlsaKind = Pick<TlsaRecord, 'certUsage' | 'selector' | 'match'>;

/**
 * The records of a kind for a file: one of the server's own certificate for usage 3, one of each authority above it for
 * usage 2.
 *
 * @throws AppError E_CERT (exit 65) when the file does not hold what the kind needs
 */
export function recordsFor(content: PemContent, kind: TlsaKind, file: string): TlsaRecord[] {
  if (content.kind === 'key') {
    if (kind.selector !== 1 || kind.certUsage !== 3)
      throw wrong(file, 'a public key alone makes records 3 1 x only');
    const spki = content.key.export({ type: 'spki', format: 'der' });
    const data =
      kind.match === 0
        ? spki.toString('hex')
        : createHash(kind.match === 1 ? 'sha256' : 'sha512')
            .update(spki)
            .digest('hex');
    return [{ ...kind, data }];
  }
  const [leaf, ...above] = content.certificates;
  const authorities = [...(leaf.ca ? [leaf] : []), ...above.filter(({ ca }) => ca)];
  if (kind.certUsage === 2 && authorities.length === 0) {
    throw wrong(file, 'usage 2 needs the certificate of an authority, and there is none in it');
  }
  const chosen = kind.certUsage === 3 ? [leaf] : authorities;
  return chosen.map((certificate) => ({ ...kind, data: tlsaData(certificate, kind) }));
}

/** Names that a certificate is for, without wildcards, for the names of records. */
export function hostNames(certificate: X509Certificate): string[] {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([A-Za-z0-9.-]+)(?:,|$)/g)].map(
    ([, name = '']) => name,
  );
  return [...new Set(names.map((name) => name.toLowerCase()))].slice(0, 50);
}
