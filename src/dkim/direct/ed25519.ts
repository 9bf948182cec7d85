import { type KeyObject, verify } from 'node:crypto';
import { createRequire } from 'node:module';

/** What is used of sodium-native, which binds libsodium. It throws when a length is wrong. */
export type Sodium = {
  crypto_sign_verify_detached(signature: Buffer, message: Buffer, publicKey: Buffer): boolean;
};

const require = createRequire(import.meta.url);

/** Signatures before libsodium is looked for: loading it takes as long as 250 are faster with it. */
const WORTH_LOADING = 250;

const SIGNATURE_BYTES = 64;

/** libsodium, where whoever runs this has put sodium-native beside it; null elsewhere. */
export function loadSodium(): Sodium | null {
  try {
    return require('sodium-native') as Sodium;
  } catch {
    return null;
  }
}

/**
 * Verifies Ed25519 signatures as OpenSSL does, in half the time where libsodium is there. libsodium takes nothing that
 * OpenSSL refuses; what it does not take OpenSSL judges, so the answer never depends on what is installed.
 */
export class Ed25519Verifier {
  private readonly load: () => Sodium | null;
  private before: number;
  private sodium: Sodium | null = null;
  private readonly bytes = new WeakMap<KeyObject, Buffer>();

  /** @param before  signatures before libsodium is looked for */
  constructor(before = WORTH_LOADING, load = loadSodium) {
    this.before = before;
    this.load = load;
  }

  /** RFC 8032 §5.1.7 for an Ed25519 key. */
  verify(message: Buffer, key: KeyObject, signature: Buffer): boolean {
    this.before -= 1;
    if (this.before === 0) this.sodium = this.load();
    const isTaken =
      this.sodium !== null &&
      signature.length === SIGNATURE_BYTES &&
      this.sodium.crypto_sign_verify_detached(signature, message, this.bytesOf(key));
    return isTaken || verify(null, message, key, signature);
  }

  private bytesOf(key: KeyObject): Buffer {
    const known = this.bytes.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
    this.bytes.set(key, bytes);
    return bytes;
  }
}
