import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { MasterKey } from './master-key.ts';

const FORMAT = 1;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;

/**
 * Encrypt one secret: AES-256-GCM under a nonce of its own (NIST SP 800-38D).
 *
 * @param about  what the secret belongs to; it can be opened for nothing else
 * @returns format byte, nonce, ciphertext, tag
 */
export function seal(masterKey: MasterKey, secret: Uint8Array, about: string): Buffer {
  const nonce = randomBytes(NONCE_SIZE);
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(about));
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Uint8Array.of(FORMAT), nonce, ciphertext, cipher.getAuthTag()]);
}

/**
 * Decrypt what {@link seal} made.
 *
 * @returns undefined when the key, the owner or a byte is not the same
 */
export function unseal(masterKey: MasterKey, sealed: Uint8Array, about: string): Buffer | undefined {
  if (sealed[0] !== FORMAT || sealed.length < 1 + NONCE_SIZE + TAG_SIZE) return undefined;
  const nonce = sealed.subarray(1, 1 + NONCE_SIZE);
  const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_SIZE })
    .setAAD(Buffer.from(about))
    .setAuthTag(sealed.subarray(-TAG_SIZE));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_SIZE, -TAG_SIZE)), decipher.final()]);
  } catch {
    return undefined;
  }
}
