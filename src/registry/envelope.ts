import { type KeyObject, sign, verify } from 'node:crypto';
import { DocumentFault, type Place, Place as PlaceOf, parseStrictJson } from '../trust/json.ts';
import { canonicalJson } from './canonical.ts';
import { type PublicKey, publicHalf } from './keys.ts';

/** A signature by the key with this id. */
export type Signature = { readonly keyId: string; readonly bytes: Buffer };

/** Bytes, what they are, and who signed that they are it (DSSE 1.0). */
export type Envelope = {
  readonly type: string;
  readonly payload: Buffer;
  readonly signatures: readonly Signature[];
};

/** Largest envelope: a root with hundreds of keys, base64 included. */
export const MAX_ENVELOPE_BYTES = 512 * 1024;
const MAX_SIGNATURES = 100;
const SIGNATURE_BYTES = 64;
const HEX_DIGEST = /^[0-9a-f]{64}$/;

/** What a signature is over: the type as well as the bytes, each with its length (DSSE 1.0, PAE). */
export function preAuthentication({ type, payload }: Pick<Envelope, 'type' | 'payload'>): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `),
    payload,
  ]);
}

/** The same bytes with one signature more; a second one by the same key takes the place of the first. */
export function signEnvelope(envelope: Envelope, key: KeyObject): Envelope {
  const keyId = publicHalf(key).id;
  const bytes = sign(null, preAuthentication(envelope), key);
  return withSignature(envelope, { keyId, bytes });
}

export function withSignature(envelope: Envelope, signature: Signature): Envelope {
  const others = envelope.signatures.filter(({ keyId }) => keyId !== signature.keyId);
  const signatures = [...others, signature].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
  return { ...envelope, signatures };
}

/** Of these keys the ones whose signature is there and verifies: each counts once, however often it signed. */
export function signersOf(envelope: Envelope, keys: readonly PublicKey[]): readonly string[] {
  const signed = preAuthentication(envelope);
  const made = new Map(envelope.signatures.map(({ keyId, bytes }) => [keyId, bytes]));
  const distinct = new Map(keys.map((each) => [each.id, each]));
  return [...distinct.values()]
    .filter(({ id, key }) => isSignedBy(signed, made.get(id), key))
    .map(({ id }) => id);
}

function isSignedBy(signed: Buffer, signature: Buffer | undefined, key: KeyObject): boolean {
  return signature !== undefined && verify(null, signed, key, signature);
}

export function writeEnvelope({ type, payload, signatures }: Envelope): Buffer {
  const text = canonicalJson({
    payloadType: type,
    payload: payload.toString('base64'),
    signatures: signatures.map(({ keyId, bytes }) => ({ keyid: keyId, sig: bytes.toString('base64') })),
  });
  return Buffer.from(`${text}\n`);
}

/**
 * Read an envelope. Nothing is verified yet.
 *
 * @throws {DocumentFault} with the path of the fault
 */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const root = new PlaceOf(parseStrictJson(bytes, { maxBytes: MAX_ENVELOPE_BYTES, maxDepth: 3 }));
  root.only(['payloadType', 'payload', 'signatures']);
  const signatures = root.get('signatures').list(signatureFrom, { max: MAX_SIGNATURES });
  const ids = new Set(signatures.map(({ keyId }) => keyId));
  if (ids.size < signatures.length) throw new DocumentFault('signatures', 'has two of one key');
  return {
    type: root.get('payloadType').string({ max: 200 }),
    payload: base64(root.get('payload'), MAX_ENVELOPE_BYTES),
    signatures,
  };
}

function signatureFrom(place: Place): Signature {
  place.only(['keyid', 'sig']);
  const bytes = base64(place.get('sig'), 200);
  if (bytes.length !== SIGNATURE_BYTES) place.get('sig').fail(`has not ${SIGNATURE_BYTES} bytes`);
  return { keyId: place.get('keyid').string({ of: HEX_DIGEST }), bytes };
}

/** Strict base64 (RFC 4648 §4): one spelling for each sequence of bytes. */
export function base64(place: Place, max: number): Buffer {
  const text = place.string({ max });
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : place.fail('is not base64');
}
