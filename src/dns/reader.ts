/**
 * Walks the bytes of a DNS message (RFC 1035 §4) without believing a single length in them. Names and the
 * frames of records are read here, because a name with a dot or a control character inside a label must
 * stay distinguishable from one without: those bytes are escaped as in a zone file (RFC 4343 §2.1).
 */

/** Thrown inside the decoder only; {@link decodeReply} turns it into a value. */
export class Malformed extends Error {}

/** The most records of one message that are looked at; more is nobody's honest answer. */
export const MAX_RECORDS = 512;

/** A name has at most 127 labels; pointers to pointers beyond that are there to cost us time. */
const MAX_POINTERS = 127;

/** The frame of one record; the data is not looked at yet. */
export type Frame = {
  /** Lower case, escaped, without the final dot. */
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  /** Seconds as sent; in an OPT record something else (RFC 6891 §6.1.3). */
  readonly ttl: number;
  /** Where the data begins in the message. */
  readonly start: number;
  /** Where the data ends. */
  readonly end: number;
};

/** A place in a message. */
export class Reader {
  readonly bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  u8(): number {
    this.#need(1);
    return this.bytes.readUInt8(this.#advance(1));
  }

  u16(): number {
    this.#need(2);
    return this.bytes.readUInt16BE(this.#advance(2));
  }

  u32(): number {
    this.#need(4);
    return this.bytes.readUInt32BE(this.#advance(4));
  }

  /** A copy, so that a kept answer does not keep the whole message alive. */
  take(length: number): Buffer {
    this.#need(length);
    const from = this.#advance(length);
    return Buffer.from(this.bytes.subarray(from, from + length));
  }

  /** A name in its own case, escaped, without the final dot; `.` for the root. */
  name(): string {
    const labels: string[] = [];
    let at = this.offset;
    let lengthBytes = 1;
    let end: number | null = null; // behind the first pointer, where reading goes on
    let pointers = 0;
    let floor = at; // RFC 1035 §4.1.4: a pointer goes to a prior place, which also rules out loops
    for (;;) {
      const head = this.#at(at);
      if (head >= 0xc0) {
        const target = ((head & 0x3f) << 8) | this.#at(at + 1);
        if (target >= floor) throw new Malformed('a name points forward or at itself');
        pointers += 1;
        if (pointers > MAX_POINTERS) throw new Malformed('a name of too many pointers');
        end ??= at + 2;
        at = floor = target;
      } else if (head > 0x3f) {
        throw new Malformed('a label of an unknown kind');
      } else if (head === 0) {
        this.offset = end ?? at + 1;
        return labels.length === 0 ? '.' : labels.join('.');
      } else {
        lengthBytes += head + 1;
        if (lengthBytes > 255) throw new Malformed('a name longer than 255 bytes');
        if (at + 1 + head > this.bytes.length) throw new Malformed('a name that ends too soon');
        labels.push(escapeLabel(this.bytes.subarray(at + 1, at + 1 + head)));
        at += head + 1;
      }
    }
  }

  /** The frame of the next record. */
  frame(): Frame {
    const owner = lowerName(this.name());
    const type = this.u16();
    const klass = this.u16();
    const ttl = this.u32();
    const length = this.u16();
    this.#need(length);
    const start = this.#advance(length);
    return { owner, type, class: klass, ttl, start, end: start + length };
  }

  #need(length: number): void {
    if (this.offset + length > this.bytes.length) throw new Malformed('a message that ends too soon');
  }

  #advance(length: number): number {
    const from = this.offset;
    this.offset += length;
    return from;
  }

  #at(offset: number): number {
    const value = this.bytes[offset];
    if (value === undefined) throw new Malformed('a name that ends too soon');
    return value;
  }
}

/** RFC 1035 §5.1: `\.` and `\\` for what would read as something else, `\DDD` for what cannot be printed. */
function escapeLabel(label: Uint8Array): string {
  let text = '';
  for (const byte of label) {
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** Lower case of ASCII only (RFC 4343 §3); escaped names hold nothing else. */
export function lowerName(name: string): string {
  return name.toLowerCase();
}
