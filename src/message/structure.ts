/** Something about the header's bytes that makes programs read it differently. */
export type StructureFault = {
  readonly code: `structure.${string}`;
  readonly text: string;
  /** The line that is meant, cut; null for the whole header. */
  readonly quote: string | null;
};

/** What a strict reader sees of a header. */
export type Structure = {
  readonly faults: readonly StructureFault[];
  /** Fields named From, however the name is written. */
  readonly fromFields: number;
};

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/** What is looked at; a header with more is told as too long by whoever reads it. */
const MAX_LINES = 50_000;
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_QUOTE = 200;

/** Fields that say who somebody is or what is shown of the message. */
const SHOWN = new Set(['from', 'sender', 'reply-to', 'to', 'subject', 'date']);

/**
 * Look over the bytes of a header as strictly as RFC 5322 §2.2 is written, and tell what a more generous
 * reader (headers.ts is one) would read otherwise.
 *
 * @param bytes  a message from its first byte; an mbox line or a byte order mark may stand in front
 */
export function inspectStructure(bytes: Uint8Array): Structure {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_BYTES));
  const scan = new Scan();
  let at = afterPreamble(view);
  for (let count = 0; count < MAX_LINES && at < view.length; count += 1) {
    const lf = view.indexOf(LF, at);
    const end = lf === -1 ? view.length : lf;
    const crlf = lf !== -1 && end > at && view[end - 1] === CR;
    const line = view.subarray(at, crlf ? end - 1 : end);
    if (lf !== -1) scan.lineEnd(crlf);
    if (line.length === 0) {
      if (count === 0) scan.add('leading-blank-line', 'An empty line stands before the header.', null);
      break;
    }
    scan.line(line);
    at = end + 1;
  }
  return scan.result();
}

/** A byte order mark, and the line that an mbox has before each message. */
function afterPreamble(view: Buffer): number {
  const start = view[0] === 0xef && view[1] === 0xbb && view[2] === 0xbf ? 3 : 0;
  if (!/^From +[^ :]/.test(view.toString('latin1', start, start + 20))) return start;
  const lf = view.indexOf(LF, start);
  return lf === -1 ? view.length : lf + 1;
}

class Scan {
  private readonly faults = new Map<string, StructureFault>();
  private fromFields = 0;
  private crlf = false;
  private lf = false;
  private open = false;
  private blankFold = false;

  /** One fault of a kind is enough. */
  add(kind: string, text: string, line: Buffer | null): void {
    const code = `structure.${kind}` as const;
    const quote = line === null ? null : line.toString('utf8', 0, Math.min(line.length, MAX_QUOTE));
    if (!this.faults.has(code)) this.faults.set(code, { code, text, quote });
  }

  lineEnd(crlf: boolean): void {
    if (crlf) this.crlf = true;
    else this.lf = true;
  }

  line(line: Buffer): void {
    if (line.includes(0)) this.add('nul', 'The header has a NUL byte, at which some programs stop.', line);
    if (line.includes(CR)) {
      this.add(
        'bare-cr',
        'The header has a CR without LF, which some programs take for the end of a line.',
        line,
      );
    }
    if (line[0] === SPACE || line[0] === TAB) this.continuation(line);
    else this.field(line);
  }

  private continuation(line: Buffer): void {
    if (!this.open) this.add('leading-space', 'The header begins with white space.', line);
    if (line.every((byte) => byte === SPACE || byte === TAB)) this.blankFold = true;
  }

  private field(line: Buffer): void {
    const colon = line.indexOf(COLON);
    const written = line.toString('latin1', 0, colon === -1 ? 0 : colon);
    const name = written.trimEnd();
    if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) {
      this.add('non-header-line', 'The header has a line that is no header field.', line);
      return;
    }
    this.open = true;
    const lower = name.toLowerCase();
    if (lower === 'from') this.from(line, written !== name);
    // RFC 5322 §3.2.2: a fold of white space alone; some programs take it for the end of the header.
    if (this.blankFold && SHOWN.has(lower)) {
      this.add('blank-line', `A line of white space alone stands before the field ${name}.`, line);
    }
  }

  private from(line: Buffer, spaced: boolean): void {
    this.fromFields += 1;
    if (spaced) this.add('from-spacing', 'White space stands between From and its colon.', line);
    if (this.fromFields === 2) this.add('several-from', 'The message has several From fields.', line);
  }

  result(): Structure {
    if (this.crlf && this.lf) {
      this.add(
        'mixed-line-endings',
        'Lines of the header end in CRLF and in LF: programs disagree on where it ends.',
        null,
      );
    }
    return { faults: [...this.faults.values()], fromFields: this.fromFields };
  }
}
