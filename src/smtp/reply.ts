/** One reply of an SMTP server (RFC 5321 §4.2). Text is printable ASCII; other bytes are written `\xNN`. */
export type Reply = {
  readonly code: number;
  /** The text of each line, without code and separator. */
  readonly lines: readonly string[];
  /** What the server did that the standard does not allow, though it can be understood. */
  readonly oddities: readonly Oddity[];
};

/** `bare-lf`: a line ended without CR. `long-line`: over the 512 octets of RFC 5321 §4.5.3.1.5. */
export type Oddity = 'bare-lf' | 'long-line';

/** Why bytes of a server are no reply. */
export type ReplyFault =
  | { readonly kind: 'reply-too-long'; readonly message: string; readonly evidence: string }
  | { readonly kind: 'protocol'; readonly message: string; readonly evidence: string };

/**
 * Bounds of one reply. The standard's 512 octets a line are exceeded in the field; 16 KiB is more than any
 * banner we know of, and little enough to hold for thousands of connections.
 */
const MAX_LINE = 16 * 1024;
const MAX_LINES = 128;
const MAX_REPLY = 64 * 1024;
const STANDARD_LINE = 512;

const LF = 10;
const CR = 13;

/** Bytes as printable text of at most `limit` characters: what is not printable ASCII becomes `\xNN`. */
export function printable(bytes: Uint8Array, limit = 512): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limit))
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return bytes.length > limit ? `${text}…` : text;
}

/**
 * Turns what a server sends into replies, holding no more than the bounds above.
 *
 * Feed it with `push`, take replies with `next`; once `fault` is set nothing more is read.
 */
export class ReplyReader {
  fault: ReplyFault | undefined;
  private pending = Buffer.alloc(0);
  /** Where the search for the next line end goes on, so that dripped bytes are not searched again. */
  private searched = 0;
  private lines: string[] = [];
  private code: number | undefined;
  private size = 0;
  private readonly oddities = new Set<Oddity>();

  /** Bytes that arrived and belong to no reply taken yet. */
  get surplus(): Uint8Array {
    return this.pending;
  }

  /** Whether a reply has begun and not ended. */
  get inReply(): boolean {
    return this.lines.length > 0 || this.pending.length > 0;
  }

  push(chunk: Uint8Array): void {
    if (this.fault) return;
    this.pending = this.pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.pending, chunk]);
  }

  /** The next whole reply; undefined when there is none yet, or when `fault` says there will be none. */
  next(): Reply | undefined {
    while (!this.fault) {
      const end = this.pending.indexOf(LF, this.searched);
      if (end === -1) {
        this.searched = this.pending.length;
        if (this.pending.length > MAX_LINE) this.tooLong(`a line of more than ${MAX_LINE} bytes`);
        return undefined;
      }
      const last = this.takeLine(end);
      if (last) return this.finish();
    }
    return undefined;
  }

  /** Takes the line that ends at `end` into the reply; true when it was the last one. */
  private takeLine(end: number): boolean {
    const bare = end === 0 || this.pending[end - 1] !== CR;
    const content = this.pending.subarray(0, bare ? end : end - 1);
    this.pending = this.pending.subarray(end + 1);
    this.searched = 0;
    this.size += content.length;
    if (bare) this.oddities.add('bare-lf');
    if (content.length + 2 > STANDARD_LINE) this.oddities.add('long-line');
    if (content.length > MAX_LINE) this.tooLong(`a line of ${content.length} bytes`);
    if (this.lines.length >= MAX_LINES) this.tooLong(`more than ${MAX_LINES} lines`);
    if (this.size > MAX_REPLY) this.tooLong(`more than ${MAX_REPLY} bytes`);
    return !this.fault && this.readLine(content);
  }

  private readLine(content: Uint8Array): boolean {
    const match = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(printable(content, MAX_LINE));
    if (!match) {
      this.fault = {
        kind: 'protocol',
        message: 'what came is no SMTP reply',
        evidence: printable(content, 80),
      };
      return false;
    }
    const code = Number(match[1]);
    if (this.code !== undefined && this.code !== code) {
      this.fault = {
        kind: 'protocol',
        message: `one reply has the codes ${this.code} and ${code}`,
        evidence: printable(content, 80),
      };
      return false;
    }
    this.code = code;
    this.lines.push(match[3] ?? '');
    return match[2] !== '-';
  }

  private finish(): Reply {
    const reply = { code: this.code ?? 0, lines: this.lines, oddities: [...this.oddities] };
    this.lines = [];
    this.code = undefined;
    this.size = 0;
    this.oddities.clear();
    return reply;
  }

  private tooLong(what: string): void {
    const evidence = this.lines[0] ?? printable(this.pending, 80);
    this.fault = {
      kind: 'reply-too-long',
      message: `the reply has ${what}`,
      evidence: evidence.slice(0, 80),
    };
  }
}

/** A reply as it is shown: the code and the first line, at most `limit` characters. */
export function replyText({ code, lines }: Reply, limit = 200): string {
  const text = `${code} ${lines.join(' / ')}`.trimEnd();
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
