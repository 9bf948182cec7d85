import { createHash, type Hash, hash as hashOnce } from 'node:crypto';
import type { Canonicalization } from '../types.ts';

// Canonical forms made byte by byte in a buffer: a text for each line takes longer than all the cryptography.

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

const CRLF = Buffer.from('\r\n');

/** A field in the bytes of a header, see `HeaderField`. */
type Extent = { readonly start: number; readonly colon: number; readonly end: number };

/** Bytes that are left out, such as the value of `b=`; `to` is exclusive. */
export type Gap = { readonly from: number; readonly to: number };

/**
 * Write the canonical form of a plain field (RFC 6376 §3.4.1 and §3.4.2), without the final line end.
 *
 * @param out  with room for the whole field from `at` on
 * @returns where it ends in `out`; -1 when it has a CR or LF that ends no line
 */
export function writeField(
  head: Buffer,
  { start, colon, end }: Extent,
  how: Canonicalization,
  out: Buffer,
  at: number,
): number {
  if (how === 'simple') return at + head.copy(out, at, start, end);
  return writeValue(head, colon + 1, end, out, writeName(head, start, colon, out, at));
}

/** The same for a signature, whose own value is not in it (RFC 6376 §3.7). */
export function writeSignature(
  head: Buffer,
  { start, colon, end }: Extent,
  how: Canonicalization,
  out: Buffer,
  at: number,
  gap: Gap,
): number {
  if (how === 'simple') {
    const to = at + head.copy(out, at, start, gap.from);
    return to + head.copy(out, to, gap.to, end);
  }
  // Before the gap stands `=`, behind it `;` or nothing: no blanks meet.
  const to = writeValue(head, colon + 1, gap.from, out, writeName(head, start, colon, out, at));
  return to === -1 ? -1 : writeValue(head, gap.to, end, out, to, -1);
}

function writeName(head: Buffer, start: number, colon: number, out: Buffer, at: number): number {
  let to = at;
  for (let from = start; from < colon; from += 1) {
    const byte = head[from] as number;
    out[to++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  }
  out[to++] = COLON;
  return to;
}

/**
 * Blanks become one, those at the end none, folds are taken out.
 *
 * @param first  where the value begins in `out`: blanks before it are none of it
 */
function writeValue(head: Buffer, start: number, end: number, out: Buffer, at: number, first = at): number {
  let to = at;
  let blank = false;
  for (let from = start; from < end; ) {
    let byte = head[from] as number;
    if (byte === SPACE || byte === TAB) {
      blank = true;
      from += 1;
    } else if (byte === CR && head[from + 1] === LF) {
      from += 2;
    } else if (byte === CR || byte === LF) {
      return -1;
    } else {
      if (blank && to > first) out[to++] = SPACE;
      blank = false;
      // A word at a time.
      do {
        out[to++] = byte;
        from += 1;
        if (from === end) break;
        byte = head[from] as number;
      } while (byte > SPACE);
    }
  }
  return to;
}

/** A canonical body: its hash, base64, and its length. */
export type BodyDigest = { readonly hash: string; readonly octets: number };

/** Bytes of scratch that hashing takes. */
export const ROOM = 65_536;

/** Bytes of a body that are relaxed at a time; none of them makes more than one. */
const PIECE = ROOM / 2;

/**
 * Hash a body (RFC 6376 §3.4.3 and §3.4.4) without a copy of it. Most are canonical but for the empty lines at their
 * end, which a few searches tell.
 *
 * @param body  in wire form: no LF but after a CR; a CR of its own is content
 * @param room  scratch of {@link ROOM} bytes
 */
export function digestBody(body: Buffer, how: Canonicalization, room: Buffer): BodyDigest {
  if (how === 'relaxed' && hasLooseBlanks(body)) return new Relaxer(room).digest(body);
  let end = body.length;
  while (end >= 2 && body[end - 1] === LF && body[end - 2] === CR) end -= 2;
  // RFC 6376 §3.4.3: an empty body is one CRLF under simple, and nothing under relaxed.
  if (end === 0 && how === 'relaxed') return digestOnce(body.subarray(0, 0));
  if (end < body.length) return digestOnce(body.subarray(0, end + 2));
  return { hash: createHash('sha256').update(body).update(CRLF).digest('base64'), octets: end + 2 };
}

function digestOnce(canonical: Buffer): BodyDigest {
  return { hash: hashOnce('sha256', canonical, 'base64'), octets: canonical.length };
}

/** Whether relaxing changes anything inside of its lines. */
function hasLooseBlanks(body: Buffer): boolean {
  return body.at(-1) === SPACE || body.includes(TAB) || body.includes('  ') || body.includes(' \r\n');
}

/** Relaxes a body piece by piece into its room, and hashes that. */
class Relaxer {
  private readonly room: Buffer;
  /** How much of the room is filled. */
  private to = 0;
  /** Line ends and blanks that count once something follows. */
  private ends = 0;
  private blank = false;
  /** Null as long as all of it may be hashed at once. */
  private hash: Hash | null = null;
  private octets = 0;

  constructor(room: Buffer) {
    this.room = room;
  }

  digest(body: Buffer): BodyDigest {
    for (let at = 0; at < body.length; ) {
      let end = Math.min(at + PIECE, body.length);
      // A line end is not cut in two.
      if (end < body.length && body[end - 1] === CR) end -= 1;
      if (this.to > ROOM - PIECE) this.spill();
      this.relax(body, at, end);
      at = end;
    }
    this.ends = this.octets + this.to > 0 ? 1 : 0;
    this.writeEnds(this.to);
    if (this.hash === null) return digestOnce(this.room.subarray(0, this.to));
    this.spill();
    return { hash: this.hash.digest('base64'), octets: this.octets };
  }

  /** Nearly all of the time goes into this loop: its state is kept in local variables. */
  private relax(body: Buffer, start: number, end: number): void {
    const { room } = this;
    let { to, blank } = this;
    for (let at = start; at < end; ) {
      let byte = body[at] as number;
      if (byte === SPACE || byte === TAB) {
        blank = true;
        at += 1;
      } else if (byte === CR && body[at + 1] === LF) {
        blank = false;
        this.ends += 1;
        at += 2;
      } else {
        if (this.ends > 0) to = this.writeEnds(to);
        if (blank) room[to++] = SPACE;
        blank = false;
        // A word, and with it those that follow behind a single space.
        do {
          room[to++] = byte;
          at += 1;
          if (at === end) break;
          byte = body[at] as number;
        } while (byte > SPACE || (byte === SPACE && at + 1 < end && (body[at + 1] as number) > SPACE));
      }
    }
    this.to = to;
    this.blank = blank;
  }

  /** There may be any number of them, from earlier pieces as well. */
  private writeEnds(at: number): number {
    this.to = at;
    for (; this.ends > 0; this.ends -= 1) {
      if (this.to > ROOM - PIECE - 2) this.spill();
      this.room[this.to++] = CR;
      this.room[this.to++] = LF;
    }
    return this.to;
  }

  private spill(): void {
    this.hash ??= createHash('sha256');
    // What was handed over may be overwritten: hashing has taken it.
    this.hash.update(this.room.subarray(0, this.to));
    this.octets += this.to;
    this.to = 0;
  }
}
