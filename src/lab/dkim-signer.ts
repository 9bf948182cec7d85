import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { canonicalField, canonicalLine, linesOf, selectFields } from '../dkim/canonical.ts';
import { splitFields } from '../dkim/fields.ts';
import type { Canonicalization } from '../dkim/types.ts';
import { toWire } from '../message/wire.ts';

/** How the laboratory signs: well by default, and otherwise where a test or a demonstration says so. */
export type Signing = {
  readonly domain: string;
  readonly selector: string;
  /** An RSA or Ed25519 private key. */
  readonly key: KeyObject;
  /** Names for `h=`, in order, as often as they stand; the default covers what is shown, once more each. */
  readonly names?: readonly string[];
  readonly canonicalization?: readonly [header: Canonicalization, body: Canonicalization];
  /** Tags beside or in place of the usual ones; null leaves one out. `l` is heeded, the others only stand. */
  readonly tags?: Readonly<Record<string, string | null>>;
};

/** What a reader is shown of a message, and what decides how (RFC 6376 §5.4.1). */
const SHOWN = [
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];

/**
 * Put a DKIM signature on top of a message (RFC 6376). For laboratories: what is asked for is signed, sound or
 * not.
 *
 * @returns the message in wire form
 */
export function signMessage(message: Uint8Array, signing: Signing): Buffer {
  const { domain, selector, key, names, canonicalization = ['relaxed', 'relaxed'], tags = {} } = signing;
  const [header, body] = canonicalization;
  const wire = toWire(message);
  const fields = splitFields(wire.head);
  const signed = names ?? [
    ...SHOWN,
    ...fields.map(({ name }) => name).filter((name) => SHOWN.includes(name)),
  ];
  const all: Readonly<Record<string, string | null>> = {
    v: '1',
    a: key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256',
    c: `${header}/${body}`,
    d: domain,
    s: selector,
    ...tags,
    h: signed.join(':'),
    bh: hashBody(wire.body ?? Buffer.alloc(0), body, tags['l'] ?? null),
  };
  const list = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const own = `DKIM-Signature: ${list.join(';\r\n ')};\r\n b=`;
  const data = [
    ...selectFields(fields, signed).map((field) => `${canonicalField(field, header)}\r\n`),
    canonicalField({ raw: own }, header),
  ].join('');
  const rest = wire.body === null ? [] : [Buffer.from('\r\n'), wire.body];
  return Buffer.concat([Buffer.from(`${own}${signData(data, key)}\r\n`, 'latin1'), wire.head, ...rest]);
}

function hashBody(body: Buffer, how: Canonicalization, length: string | null): string {
  const lines = linesOf(body).map((line) => canonicalLine(line, how));
  while (lines.at(-1) === '') lines.pop();
  const empty = how === 'simple' ? '\r\n' : '';
  const text = lines.length === 0 ? empty : `${lines.join('\r\n')}\r\n`;
  const covered = length === null ? text : text.slice(0, Number(length));
  return createHash('sha256').update(covered, 'latin1').digest('base64');
}

/** RFC 8463 §3: Ed25519 signs the hash. Folded, so that no line is too long. */
function signData(data: string, key: KeyObject): string {
  const bytes = Buffer.from(data, 'latin1');
  const signature =
    key.asymmetricKeyType === 'ed25519'
      ? sign(null, createHash('sha256').update(bytes).digest(), key)
      : sign('sha256', bytes, key);
  return signature.toString('base64').replaceAll(/(.{72})(?=.)/g, '$1\r\n ');
}

/** The record that publishes the key of a signer (RFC 6376 §3.6.1, RFC 8463 §4), as character strings. */
export function keyRecord(key: KeyObject, tags = ''): readonly string[] {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  // Ed25519 publishes the bare key: the last 32 bytes.
  const ed25519 = key.asymmetricKeyType === 'ed25519';
  const p = (ed25519 ? spki.subarray(-32) : spki).toString('base64');
  const record = `v=DKIM1; k=${ed25519 ? 'ed25519' : 'rsa'};${tags} p=${p}`;
  return record.match(/.{1,255}/g) ?? [];
}
