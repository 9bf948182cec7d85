import { hash, type KeyObject, verify } from 'node:crypto';
import type { Wire } from '../../message/wire.ts';
import type { HeaderField } from '../fields.ts';
import type { Key } from '../key.ts';
import type { RawVerdict } from '../mailauth.ts';
import type { TagList } from '../tags.ts';
import type { Canonicalization, SignatureTags } from '../types.ts';
import { type BodyDigest, digestBody, type Gap, ROOM, writeField, writeSignature } from './canonical.ts';
import { Ed25519Verifier } from './ed25519.ts';
import { KeyCache } from './key-cache.ts';
import { type PlainSignature, plainSignature } from './plain.ts';

/** What verifying many messages shares: keys that were read, what verifies with them, and room to make canonical forms in. */
export class Workbench {
  private readonly keys = new KeyCache();
  private scratch = Buffer.alloc(0);
  readonly ed25519: Ed25519Verifier;

  constructor(ed25519 = new Ed25519Verifier()) {
    this.ed25519 = ed25519;
  }

  /** As `readKey`. */
  readonly read = (name: string, text: string): Key => this.keys.read(name, text);

  /** The same bytes each time; what was in them is lost with the next call. */
  room(length: number): Buffer {
    if (this.scratch.length < length) this.scratch = Buffer.allocUnsafeSlow(Math.max(length, ROOM));
    return this.scratch;
  }
}

/** A signature as it was read, and its key where it was found. */
export type Signed = {
  readonly field: HeaderField;
  readonly tags: SignatureTags;
  readonly list: TagList;
  readonly key: Key | undefined;
};

type Message = {
  readonly head: Buffer;
  readonly body: Buffer;
  readonly fields: readonly HeaderField[];
  readonly nowMs: number;
};

/**
 * Verify the DKIM signatures of a message at once, where everything about them is plain (RFC 6376 §6.1): then the
 * result is mailauth's, for a twentieth of the time.
 *
 * @returns null when anything is not plain, or no key could be asked for: the message is to be left to mailauth
 */
export function verifyDirectly(
  { head, body, lineEnds }: Wire,
  fields: readonly HeaderField[],
  signed: readonly Signed[],
  nowMs: number,
  workbench: Workbench,
): readonly RawVerdict[] | null {
  if (body === null || lineEnds === 'mixed') return null;
  const plain: PlainSignature[] = [];
  for (const { field, tags, list } of signed) {
    const each = plainSignature(field, tags, list);
    if (each === null) return null;
    plain.push(each);
  }
  return new DirectVerifier({ head, body, fields, nowMs }, workbench).verifyAll(signed, plain);
}

const COMMENTS = {
  body: 'body hash did not verify',
  signature: 'bad signature',
  key: 'no key',
  time: 'expired',
} as const;

class DirectVerifier {
  private readonly message: Message;
  private readonly workbench: Workbench;
  /** One hash for each canonicalization, whatever the number of signatures. */
  private readonly digests: Partial<Record<Canonicalization, BodyDigest>> = {};
  private names: ReadonlyMap<string, readonly HeaderField[]> | null = null;

  constructor(message: Message, workbench: Workbench) {
    this.message = message;
    this.workbench = workbench;
  }

  verifyAll(signed: readonly Signed[], plain: readonly PlainSignature[]): readonly RawVerdict[] | null {
    const verdicts: RawVerdict[] = [];
    for (const [index, each] of signed.entries()) {
      const verdict = this.verifyOne(each, plain[index] as PlainSignature);
      if (verdict === null) return null;
      verdicts.push(verdict);
    }
    return verdicts;
  }

  /** In mailauth's order: the body, the key, the header, the time. */
  private verifyOne({ field, key }: Signed, plain: PlainSignature): RawVerdict | null {
    const digest = this.digest(plain.canonicalization.body);
    if (digest.hash !== plain.bodyHash) return verdictOf('fail', COMMENTS.body, digest);
    if (key === undefined) return null;
    const { record, publicKey, isPlain } = key;
    if (record.state === 'missing') return verdictOf('neutral', COMMENTS.key, digest);
    if (!isPlain || publicKey === null || record.type !== plain.keyType) return null;
    if (plain.isBelow && record.strictIdentity) return null;
    const data = this.signedData(field, plain);
    if (data === null) return null;
    if (!this.verifies(data, plain, publicKey)) return verdictOf('fail', COMMENTS.signature, digest);
    const { expiresAtMs } = plain;
    if (expiresAtMs !== null && expiresAtMs < this.message.nowMs)
      return verdictOf('neutral', COMMENTS.time, digest);
    return verdictOf('pass', null, digest);
  }

  private digest(how: Canonicalization): BodyDigest {
    this.digests[how] ??= digestBody(this.message.body, how, this.workbench.room(ROOM));
    return this.digests[how];
  }

  /** What a signature covers of the header: the fields of `h=`, then itself without `b=` (RFC 6376 §3.7). */
  private signedData(own: HeaderField, { headers, canonicalization }: PlainSignature): Buffer | null {
    const { head } = this.message;
    const out = this.workbench.room(head.length + own.end - own.start);
    const how = canonicalization.header;
    const taken = new Map<string, number>();
    let at = 0;
    for (const name of headers) {
      const same = this.fieldsOf(name);
      if (same === undefined) continue;
      const before = taken.get(name) ?? 0;
      // Each name takes the lowest that is left (RFC 6376 §5.4.2).
      const field = same[same.length - 1 - before];
      if (field === undefined) continue;
      if (!field.isPlain) return null;
      taken.set(name, before + 1);
      at = writeField(head, field, how, out, at);
      if (at === -1) return null;
      out[at++] = 0x0d;
      out[at++] = 0x0a;
    }
    const gap = valueOfB(own);
    const end = gap === null ? -1 : writeSignature(head, own, how, out, at, gap);
    return end === -1 ? null : out.subarray(0, end);
  }

  /** Not by the thread pool: changing threads takes longer than the arithmetic. */
  private verifies(data: Buffer, { keyType, signature }: PlainSignature, key: KeyObject): boolean {
    const value = Buffer.from(signature, 'base64');
    if (keyType === 'rsa') return verify('sha256', data, key, value);
    return this.workbench.ed25519.verify(hash('sha256', data, 'buffer'), key, value);
  }

  private fieldsOf(name: string): readonly HeaderField[] | undefined {
    this.names ??= byName(this.message.fields);
    return this.names.get(name);
  }
}

function byName(fields: readonly HeaderField[]): ReadonlyMap<string, readonly HeaderField[]> {
  const names = new Map<string, HeaderField[]>();
  for (const field of fields) {
    const same = names.get(field.name);
    if (same === undefined) names.set(field.name, [field]);
    else same.push(field);
  }
  return names;
}

function verdictOf(result: RawVerdict['result'], comment: string | null, { octets }: BodyDigest): RawVerdict {
  return { result, comment, policy: null, bodyOctets: octets, signedOctets: octets };
}

/** Where the value of `b=` stands in the header. */
function valueOfB({ raw, start, colon }: HeaderField): Gap | null {
  for (let at = colon - start + 1; at > 0; at = raw.indexOf(';', at) + 1) {
    const semicolon = raw.indexOf(';', at);
    const end = semicolon === -1 ? raw.length : semicolon;
    const equals = raw.indexOf('=', at);
    if (equals !== -1 && equals < end && raw.slice(at, equals).trim() === 'b')
      return { from: start + equals + 1, to: start + end };
  }
  return null;
}
