import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

/** What opens an encrypted key container: a key that was agreed upon, or a passphrase. */
export type PskcKey = { readonly key: Uint8Array } | { readonly passphrase: string };

/** How a container says that its key is made from a passphrase (RFC 6030 §6.2). */
export type Derivation = {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly length: number;
  /** As Node names it. */
  readonly hash: string;
};

/** Most rounds of PBKDF2 that a file can make us count. */
const MAX_ITERATIONS = 10_000_000;

const CBC: Readonly<Record<string, string>> = {
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc': 'aes-128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes192-cbc': 'aes-192-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc': 'aes-256-cbc',
};

const MACS: Readonly<Record<string, string>> = {
  'http://www.w3.org/2000/09/xmldsig#hmac-sha1': 'sha1',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256': 'sha256',
};

/** A value that is encrypted, as the file has it. */
export type Encrypted = { readonly algorithm: string; readonly value: Uint8Array };

/** The key of a container; a sentence where there is none. */
export function containerKey(
  given: PskcKey | undefined,
  derivation: Derivation | undefined,
): Buffer | string {
  if (!given) return 'it is encrypted: its key is given with --pskc-key-file or --pskc-passphrase-file';
  if ('key' in given) return Buffer.from(given.key);
  if (!derivation) return 'its key is not made from a passphrase: give it with --pskc-key-file';
  const { salt, iterations, length, hash } = derivation;
  const sane = iterations >= 1 && iterations <= MAX_ITERATIONS && [16, 24, 32].includes(length);
  if (!sane) return `its key is made in a way that is not taken: ${iterations} rounds, ${length} bytes`;
  return pbkdf2Sync(given.passphrase, salt, iterations, length, hash);
}

/** A value in clear (XML Encryption §5.2: the first block is the initialisation vector); undefined for a wrong key. */
export function decryptValue({ algorithm, value }: Encrypted, key: Uint8Array): Buffer | undefined {
  const name = CBC[algorithm];
  if (name === undefined || value.length < 32 || value.length % 16 !== 0) return undefined;
  try {
    const cipher = createDecipheriv(name, key, value.subarray(0, 16));
    return Buffer.concat([cipher.update(value.subarray(16)), cipher.final()]);
  } catch {
    return undefined;
  }
}

/** Whether a value is the one that its sender encrypted (RFC 6030 §6.1.1): the code is over what is encrypted. */
export function isAuthentic(
  value: Uint8Array,
  mac: Uint8Array,
  algorithm: string,
  macKey: Uint8Array,
): boolean {
  const hash = MACS[algorithm];
  if (hash === undefined) return false;
  const expected = createHmac(hash, macKey).update(value).digest();
  return expected.length === mac.length && timingSafeEqual(expected, mac);
}
