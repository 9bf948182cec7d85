import 'reflect-metadata';
import { hash, randomBytes, webcrypto } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as x509 from '@peculiar/x509';
import { logo } from './logos.ts';

const crypto = webcrypto as unknown as Parameters<typeof x509.X509CertificateGenerator.create>[1];
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export type Keys = webcrypto.CryptoKeyPair;

/** DER of a tag and what is in it. */
export function der(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  const { length } = content;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 0x7f];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from(bytes));
}

export async function makeKeys(algorithm: object = EC): Promise<Keys> {
  return (await webcrypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify'])) as Keys;
}

export type Issue = {
  readonly subject: string;
  readonly keys: Keys;
  /** Itself when left out. */
  readonly by?: Issued;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly extensions?: readonly x509.Extension[];
  readonly signing?: object;
};

export type Issued = {
  readonly certificate: x509.X509Certificate;
  readonly keys: Keys;
  readonly pem: string;
};

/** A certificate with the identifiers of keys that strict verifiers ask for. */
export async function issue(given: Issue): Promise<Issued> {
  const { subject, keys, by, extensions = [], signing = EC } = given;
  const signer = by?.keys ?? keys;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: `01${randomBytes(8).toString('hex')}`,
      subject,
      issuer: by?.certificate.subject ?? subject,
      notBefore: new Date(given.notBefore ?? '2025-01-01T00:00:00Z'),
      notAfter: new Date(given.notAfter ?? '2027-12-31T00:00:00Z'),
      publicKey: keys.publicKey,
      signingKey: signer.privateKey,
      signingAlgorithm: signing as never,
      extensions: [
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never, false, crypto as never),
        await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey as never, false, crypto as never),
        ...extensions,
      ],
    },
    crypto,
  );
  return { certificate, keys, pem: `${certificate.toString('pem')}\n` };
}

export const MARK_PURPOSE = '1.3.6.1.5.5.7.3.31';

export const ext = {
  ca: (pathLength?: number) => new x509.BasicConstraintsExtension(true, pathLength, true),
  notCa: () => new x509.BasicConstraintsExtension(false, undefined, true),
  certSign: () =>
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  signOnly: () => new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  names: (...names: readonly string[]) =>
    new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
  purpose: (...purposes: readonly string[]) => new x509.ExtendedKeyUsageExtension([...purposes]),
  raw: (id: string, value: Uint8Array, critical = false) => new x509.Extension(id, critical, value as never),
  /** Domain names, as trees. */
  constraints: (permitted: readonly string[], excluded: readonly string[] = []) =>
    new x509.Extension(
      '2.5.29.30',
      true,
      der(0x30, ...trees(0xa0, permitted), ...trees(0xa1, excluded)) as never,
    ),
  policies: (...ids: readonly string[]) =>
    new x509.Extension('2.5.29.32', false, der(0x30, ...ids.map((id) => der(0x30, oid(id)))) as never),
  explicitPolicy: (skip: number) =>
    new x509.Extension('2.5.29.36', true, der(0x30, der(0x80, Buffer.from([skip]))) as never),
  inhibitAnyPolicy: (skip: number) =>
    new x509.Extension('2.5.29.54', true, der(0x02, Buffer.from([skip])) as never),
  mapping: (...pairs: readonly (readonly [string, string])[]) =>
    new x509.Extension(
      '2.5.29.33',
      true,
      der(0x30, ...pairs.map(([from, to]) => der(0x30, oid(from), oid(to)))) as never,
    ),
  /** The logo of the subject (RFC 9399), with the digest of what is said or of another thing. */
  logotype: (svg: Uint8Array, { digestOf = svg, packed = true, mediaType = 'image/svg+xml' } = {}) => {
    const data = packed ? gzipSync(svg) : Buffer.from(svg);
    const digest = hash('sha256', digestOf === svg ? data : digestOf, 'buffer');
    const algorithm = der(0x30, oid('2.16.840.1.101.3.4.2.1'));
    const details = der(
      0x30,
      der(0x16, mediaType),
      der(0x30, der(0x30, algorithm, der(0x04, digest))),
      der(0x30, der(0x16, `data:image/svg+xml;base64,${data.toString('base64')}`)),
    );
    const value = der(0x30, der(0xa2, der(0xa0, der(0x30, der(0x30, details)))));
    return new x509.Extension('1.3.6.1.5.5.7.1.12', false, value as never);
  },
};

function trees(tag: number, names: readonly string[]): readonly Buffer[] {
  return names.length === 0 ? [] : [der(tag, ...names.map((name) => der(0x30, der(0x82, name))))];
}

export const MARK_LOGO = Buffer.from(logo('<rect width="10" height="10" fill="#135"/>'));

/** A root, an authority below it, and the means to issue marks. */
export async function markAuthority(changes: { readonly purpose?: string } = {}) {
  const root = await issue({
    subject: 'C=CH, O=Example Marks, CN=Example Mark Root',
    keys: await makeKeys(),
    notBefore: '2020-01-01T00:00:00Z',
    notAfter: '2040-01-01T00:00:00Z',
    extensions: [ext.ca(), ext.certSign()],
  });
  const middle = await issue({
    subject: 'C=CH, O=Example Marks, CN=Example Mark CA',
    keys: await makeKeys(),
    by: root,
    extensions: [ext.ca(0), ext.certSign(), ext.purpose(changes.purpose ?? MARK_PURPOSE)],
  });
  return {
    root,
    middle,
    /** Leaf and authority, as a sender publishes them. */
    async mark(given: Partial<Issue> = {}): Promise<string> {
      const leaf = await issue({
        subject: 'C=CH, O=Example Bank, CN=Example Bank, 1.3.6.1.4.1.53087.1.13=Registered Mark',
        keys: await makeKeys(),
        by: middle,
        extensions: markExtensions(),
        ...given,
      });
      return leaf.pem + middle.pem;
    },
  };
}

export function markExtensions({
  names = ['bank.example'] as readonly string[],
  purpose = MARK_PURPOSE,
  logotype = ext.logotype(MARK_LOGO) as x509.Extension | null,
} = {}): readonly x509.Extension[] {
  return [
    ext.notCa(),
    ext.signOnly(),
    ext.names(...names),
    ext.purpose(purpose),
    ...(logotype === null ? [] : [logotype]),
  ];
}

/** A list of revoked certificates of an authority: the one with that serial, or none. */
export async function revocationList(
  by: Issued,
  given: { readonly serial?: string; readonly on?: string; readonly until?: number },
): Promise<Buffer> {
  const now = Date.now();
  const entry = { serialNumber: given.serial ?? '', revocationDate: new Date(given.on ?? now - 1000) };
  const crl = await x509.X509CrlGenerator.create(
    {
      issuer: by.certificate.subject,
      thisUpdate: new Date(now - 3_600_000),
      nextUpdate: new Date(given.until ?? now + 86_400_000),
      signingAlgorithm: EC,
      signingKey: by.keys.privateKey,
      entries: given.serial === undefined ? [] : [entry],
    },
    crypto,
  );
  return Buffer.from(crl.rawData);
}
