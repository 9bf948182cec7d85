import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** Kinds of keys that can be made. RFC 8301 §3.2 has verifiers take RSA keys of up to 4096 bits. */
export const KEY_TYPES = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** A new key pair: the private half to be kept, the public one to be published. */
export type DkimKey = {
  /** PKCS #8 in PEM form, which OpenSSL and every signer read. */
  readonly privatePem: string;
  /** Text of the TXT record (RFC 6376 §3.6.1, RFC 8463 §4 for Ed25519). */
  readonly record: string;
};

const generate = promisify(generateKeyPair);

/** Make a key pair. RSA takes a second or more where it is long. */
export async function makeKey(type: KeyType): Promise<DkimKey> {
  const privatePem = type === 'ed25519' ? await makeEd25519() : await makeRsa(Number(type.slice(4)));
  return { privatePem, record: recordOf(privatePem) };
}

async function makeRsa(modulusLength: number): Promise<string> {
  const { privateKey } = await generate('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

async function makeEd25519(): Promise<string> {
  const { privateKey } = await generate('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

/** An Ed25519 key is published bare, without the frame that says what it is: its last 32 bytes. */
const ED25519_BYTES = 32;

function recordOf(privatePem: string): string {
  const key = createPublicKey(privatePem);
  const der = key.export({ type: 'spki', format: 'der' });
  if (key.asymmetricKeyType === 'ed25519')
    return `v=DKIM1; k=ed25519; p=${der.subarray(-ED25519_BYTES).toString('base64')}`;
  return `v=DKIM1; k=rsa; p=${der.toString('base64')}`;
}
