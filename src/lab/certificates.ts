import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/** A certificate with its key, as a TLS server takes them. */
export type IssuedCertificate = {
  readonly keyPem: string;
  /** Leaf first, then what leads to the authority, without the root. */
  readonly chainPem: string;
  /** Of the leaf's SubjectPublicKeyInfo, hexadecimal: what `TLSA 3 1 1` holds. */
  readonly spkiSha256: string;
};

export type LeafOptions = {
  /** DNS names and addresses it is for. */
  readonly names: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly keyType?: 'ec' | 'rsa';
};

/** A certificate authority of the laboratory. */
export type Authority = {
  readonly certificatePem: string;
  issue(options: LeafOptions): Promise<IssuedCertificate>;
};

const DAY_MS = 86_400_000;

const KEYS = {
  ec: { generate: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  rsa: {
    generate: {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    sign: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  },
} as const;

type Pair = Awaited<ReturnType<typeof makeKeys>>;

async function makeKeys(type: 'ec' | 'rsa') {
  const keys = (await webcrypto.subtle.generateKey(KEYS[type].generate, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return { type, keys };
}

async function privatePem({ keys }: Pair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

async function spkiSha256({ keys }: Pair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return createHash('sha256').update(Buffer.from(der)).digest('hex');
}

type Shape = {
  readonly subject: string;
  readonly issuer: string;
  readonly owner: Pair;
  readonly signer: Pair;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: x509.Extension[];
};

async function makeCertificate({ subject, issuer, owner, signer, ...rest }: Shape): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      // RFC 5280 §4.1.2.2: positive and not zero.
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      subject,
      issuer,
      notBefore: new Date(rest.notBeforeMs),
      notAfter: new Date(rest.notAfterMs),
      publicKey: owner.keys.publicKey,
      signingKey: signer.keys.privateKey,
      signingAlgorithm: KEYS[signer.type].sign,
      extensions: rest.extensions,
    },
    webcrypto as unknown as Parameters<typeof x509.X509CertificateGenerator.create>[1],
  );
  return `${certificate.toString('pem')}\n`;
}

function leafExtensions(names: readonly string[]): x509.Extension[] {
  const alternatives = names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(alternatives),
  ];
}

function validity(options: LeafOptions, nowMs: number) {
  return {
    notBeforeMs: options.notBeforeMs ?? nowMs - DAY_MS,
    notAfterMs: options.notAfterMs ?? nowMs + 90 * DAY_MS,
  };
}

/** An authority of its own key, known to nobody but who is given its certificate. */
export async function createAuthority(name: string, nowMs: number): Promise<Authority> {
  const root = await makeKeys('ec');
  const rootName = `CN=${name}`;
  const certificatePem = await makeCertificate({
    subject: rootName,
    issuer: rootName,
    owner: root,
    signer: root,
    notBeforeMs: nowMs - 3650 * DAY_MS,
    notAfterMs: nowMs + 3650 * DAY_MS,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    certificatePem,
    issue: async (options) => {
      const owner = await makeKeys(options.keyType ?? 'ec');
      const chainPem = await makeCertificate({
        subject: `CN=${options.names[0] ?? ''}`,
        issuer: rootName,
        owner,
        signer: root,
        ...validity(options, nowMs),
        extensions: leafExtensions(options.names),
      });
      return { keyPem: await privatePem(owner), chainPem, spkiSha256: await spkiSha256(owner) };
    },
  };
}

/** A certificate that nobody vouches for. */
export async function selfSigned(options: LeafOptions, nowMs: number): Promise<IssuedCertificate> {
  const owner = await makeKeys(options.keyType ?? 'ec');
  const name = `CN=${options.names[0] ?? ''}`;
  const chainPem = await makeCertificate({
    subject: name,
    issuer: name,
    owner,
    signer: owner,
    ...validity(options, nowMs),
    extensions: leafExtensions(options.names),
  });
  return { keyPem: await privatePem(owner), chainPem, spkiSha256: await spkiSha256(owner) };
}
