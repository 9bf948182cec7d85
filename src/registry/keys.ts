import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A public key by its id. */
export type PublicKey = { readonly id: string; readonly raw: Buffer; readonly key: KeyObject };

const RAW_BYTES = 32;

/** The 32 bytes of an Ed25519 key (RFC 8032) as a key that verifies; its id is their SHA-256. */
export function publicKeyFrom(raw: Buffer): PublicKey {
  if (raw.length !== RAW_BYTES) throw new RangeError(`an Ed25519 key has ${RAW_BYTES} bytes`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return { id: sha256(raw), raw, key: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** The public half of a key that signs. */
export function publicHalf(privateKey: KeyObject): PublicKey {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return publicKeyFrom(Buffer.from(x, 'base64url'));
}

/** A new key to sign with. */
export function makeSigningKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** Hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @throws {TypeError} when it is no public Ed25519 key in PEM */
export function publicKeyFromPem(pem: string): PublicKey {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 key');
  return publicKeyFrom(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'));
}
