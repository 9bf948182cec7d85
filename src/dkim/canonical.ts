import { createHash, type Hash, type KeyObject, verify } from 'node:crypto';
import { trimBlanks } from '../message/blanks.ts';
import type { RawField } from './fields.ts';
import type { Canonicalization, SignatureTags } from './types.ts';

const CRLF = '\r\n';

/** RFC 6376 §3.4.1 and §3.4.2, without the final line end. */
export function canonicalField({ raw }: Pick<RawField, 'raw'>, how: Canonicalization): string {
  if (how === 'simple') return raw;
  const unfolded = raw.replace(/\r\n/g, '');
  const colon = unfolded.indexOf(':');
  const name = trimBlanks(unfolded.slice(0, colon), ' \t').replace(/[A-Z]/g, (letter) =>
    letter.toLowerCase(),
  );
  const value = unfolded
    .slice(colon + 1)
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
  return `${name}:${value}`;
}

/** The fields that `h=` names, each name taking the lowest that is left (RFC 6376 §5.4.2). */
export function selectFields(fields: readonly RawField[], names: readonly string[]): RawField[] {
  const left = new Map<string, RawField[]>();
  for (const field of fields) {
    const same = left.get(field.name);
    if (same === undefined) left.set(field.name, [field]);
    else same.push(field);
  }
  return names.flatMap((name) => left.get(name)?.pop() ?? []);
}

/** RFC 6376 §3.7: the value of `b=` is empty while the field itself is hashed. */
export function withoutSignatureValue(raw: string): string {
  const colon = raw.indexOf(':') + 1;
  const parts = raw.slice(colon).split(';');
  const at = parts.findLastIndex((part) => /^[ \t\r\n]*b[ \t\r\n]*=/.test(part));
  const part = parts[at];
  if (part !== undefined) parts[at] = part.slice(0, part.indexOf('=') + 1);
  return raw.slice(0, colon) + parts.join(';');
}

/**
 * Whether a signature's `b=` fits these fields, whatever the body: for a header without its message, and for
 * telling why a signature fails. The verdict on a whole message is mailauth's.
 *
 * @param own  the DKIM-Signature field itself
 */
export function headerVerifies(
  fields: readonly RawField[],
  own: RawField,
  tags: SignatureTags,
  key: KeyObject,
): boolean {
  const how = tags.canonicalization?.header;
  if (how === undefined || tags.signature === null) return false;
  const signed = selectFields(fields, tags.headers).map((field) => canonicalField(field, how) + CRLF);
  const data = Buffer.from(signed.join('') + withoutSignatureValue(canonicalField(own, how)), 'latin1');
  const signature = Buffer.from(tags.signature, 'base64');
  try {
    if (tags.algorithm === 'rsa-sha256') return verify('sha256', data, key, signature);
    if (tags.algorithm !== 'ed25519-sha256') return false;
    return verify(null, createHash('sha256').update(data).digest(), key, signature);
  } catch {
    return false; // the key is of another kind
  }
}

/** One line of a canonical body (RFC 6376 §3.4.3 and §3.4.4), latin1, without its line end. */
export function canonicalLine(line: string, how: Canonicalization): string {
  if (how === 'simple') return line;
  return line.replace(/[ \t]+/g, ' ').replace(/ $/, '');
}

/** Hash of a body, fed line by line; empty lines at the end do not count. */
export class BodyHash {
  private readonly hash: Hash = createHash('sha256');
  private empty = 0;
  private any = false;
  private readonly how: Canonicalization;

  constructor(how: Canonicalization) {
    this.how = how;
  }

  add(line: string): void {
    const canonical = canonicalLine(line, this.how);
    if (canonical === '') {
      this.empty += 1;
      return;
    }
    this.hash.update(CRLF.repeat(this.empty) + canonical + CRLF, 'latin1');
    this.empty = 0;
    this.any = true;
  }

  /** The hash of the lines so far, base64; more may be added. */
  soFar(): string {
    if (this.any) return this.hash.copy().digest('base64');
    // RFC 6376 §3.4.3: an empty body is one CRLF under simple, and nothing under relaxed.
    return createHash('sha256')
      .update(this.how === 'simple' ? CRLF : '')
      .digest('base64');
  }
}

/** The lines of a body in wire form, latin1. */
export function linesOf(body: Uint8Array): string[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  const lines = text.split(CRLF);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** The hash of a whole body, base64. */
export function bodyHash(lines: readonly string[], how: Canonicalization): string {
  const hash = new BodyHash(how);
  for (const line of lines) hash.add(line);
  return hash.soFar();
}
