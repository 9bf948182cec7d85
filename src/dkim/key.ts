import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Resolver } from '../dns/types.ts';
import { isPlainKey } from './direct/plain.ts';
import { readTags, withoutWhite } from './tags.ts';
import type { KeyRecord } from './types.ts';

/** A key record, and the key in it where there is one. */
export type Key = {
  readonly record: KeyRecord;
  readonly publicKey: KeyObject | null;
  /** Nothing about it could be read in two ways. */
  readonly isPlain: boolean;
};

/** RFC 8463 §4 publishes the 32 bytes alone; this makes a SubjectPublicKeyInfo of them. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const NOTHING = {
  text: null,
  type: null,
  bits: null,
  testing: false,
  strictIdentity: false,
  faults: [],
} as const;

/** The name of the key record (RFC 6376 §3.6.2.1). */
export function keyName(selector: string, domain: string): string {
  return `${selector}._domainkey.${domain}`;
}

/**
 * Look up and read the key record of a signature. Also for signatures that fail for another reason: an
 * administrator wants to hear of both.
 *
 * @param read  reads the record, such as one that remembers
 */
export async function lookUpKey(
  selector: string,
  domain: string,
  dns: Resolver,
  read = readKey,
): Promise<Key> {
  const name = keyName(selector, domain);
  const answer = await dns.resolve(name, 'TXT');
  switch (answer.kind) {
    case 'found':
      // Of several records any may be taken (RFC 6376 §3.6.2.2); verifiers take the first.
      return read(name, (answer.records[0] ?? []).join(''));
    case 'failed':
      return without({ ...NOTHING, name, state: 'unavailable', faults: [answer.rcode] });
    default:
      return without({ ...NOTHING, name, state: 'missing' });
  }
}

function without(record: KeyRecord): Key {
  return { record, publicKey: null, isPlain: false };
}

/** Read a key record (RFC 6376 §3.6.1, RFC 8463). */
export function readKey(name: string, text: string): Key {
  const { tags, faults: listFaults } = readTags(text);
  const faults = [...listFaults];
  const flags = listOf(tags.get('t'));
  const base = { name, text, testing: flags.includes('y'), strictIdentity: flags.includes('s') };
  if (tags.has('v') && tags.get('v') !== 'DKIM1') faults.push('its version is not DKIM1');
  if (tags.has('s') && !listOf(tags.get('s')).some((service) => service === '*' || service === 'email'))
    faults.push('it is not meant for mail');
  if (tags.has('h') && !listOf(tags.get('h')).includes('sha256')) faults.push('it does not allow sha256');
  const data = withoutWhite(tags.get('p') ?? '');
  const type = tags.get('k')?.toLowerCase() ?? 'rsa';
  if (!tags.has('p')) faults.push('it has no key');
  else if (data === '') return without({ ...base, state: 'revoked', type: null, bits: null, faults });
  const publicKey = faults.length > 0 && !tags.has('p') ? null : decode(data, type);
  if (publicKey === null) faults.push('its key cannot be read');
  const record: KeyRecord = {
    ...base,
    state: faults.length === 0 ? 'found' : 'invalid',
    type: type === 'rsa' || type === 'ed25519' ? type : null,
    bits: bitsOf(publicKey),
    faults,
  };
  return { record, publicKey, isPlain: publicKey !== null && isPlainKey(record, publicKey, tags) };
}

function listOf(value: string | undefined): string[] {
  return withoutWhite(value ?? '')
    .toLowerCase()
    .split(':');
}

/** RSA as SubjectPublicKeyInfo, which is what people publish, or bare (RFC 8017 A.1.1). */
function decode(data: string, type: string): KeyObject | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
  const der = Buffer.from(data, 'base64');
  const forms = type === 'ed25519' ? [Buffer.concat([ED25519_PREFIX, der])] : [der];
  for (const format of ['spki', 'pkcs1'] as const) {
    for (const key of forms) {
      try {
        const publicKey = createPublicKey({ key, format: 'der', type: format });
        if (publicKey.asymmetricKeyType === type) return publicKey;
      } catch {
        // The other form, or no key at all.
      }
    }
  }
  return null;
}

function bitsOf(key: KeyObject | null): number | null {
  if (key === null) return null;
  return key.asymmetricKeyType === 'ed25519' ? 256 : (key.asymmetricKeyDetails?.modulusLength ?? null);
}
