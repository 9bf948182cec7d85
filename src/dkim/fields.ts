import { trimBlanks } from '../message/blanks.ts';

/** A header field as a verifier sees it. */
export type RawField = {
  /** Lower case, without white space around it. */
  readonly name: string;
  /** The whole field, one character a byte, folds kept, without the last line end. */
  readonly raw: string;
};

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/** A field by where it lies in its header: most fields are never needed as a text. */
export class HeaderField implements RawField {
  readonly name: string;
  /** Bytes of the header: its first one, its first colon, and the one after its last, without the line end. */
  readonly start: number;
  readonly colon: number;
  readonly end: number;
  /** The colon follows its name at once, and each further line begins with a blank. */
  readonly isPlain: boolean;
  private readonly head: Buffer;
  private text: string | null = null;

  constructor(head: Buffer, { start, colon, end, isPlain }: Extent) {
    this.head = head;
    this.start = start;
    this.colon = colon;
    this.end = end;
    this.isPlain = isPlain;
    this.name = isPlain ? plainName(head, start, colon) : nameOf(this.raw);
  }

  get raw(): string {
    this.text ??= this.head.toString('latin1', this.start, this.end);
    return this.text;
  }
}

type Extent = Pick<HeaderField, 'start' | 'colon' | 'end' | 'isPlain'>;

/**
 * Take a header section apart the way signatures cover it: a line that begins no field belongs to the one
 * before, whatever it looks like. (A reader for people would stop there or guess; adding it to a signed value
 * can only break a signature.)
 *
 * @param head  as in `Wire`, lines ending in CRLF; it has to stay as it is, as texts are taken from it later
 */
export function splitFields(head: Uint8Array): HeaderField[] {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const end = withoutLineEnds(bytes);
  const fields: HeaderField[] = [];
  let open = { start: 0, colon: colonAt(bytes, 0), isPlain: true };
  for (let line = lineAfter(bytes, 0, end); line !== -1; line = lineAfter(bytes, line, end)) {
    if (bytes[line] === SPACE || bytes[line] === TAB) continue;
    const colon = colonAt(bytes, line);
    if (colon === -1 && !startsLate(bytes, line, end)) {
      open.isPlain = false;
      continue;
    }
    fields.push(close(bytes, open, line - 2));
    open = { start: line, colon, isPlain: true };
  }
  if (end > 0) fields.push(close(bytes, open, end));
  return fields;
}

function withoutLineEnds(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end -= 1;
  return end;
}

/** Where the line after this one starts; -1 when it is the last. */
function lineAfter(bytes: Buffer, at: number, end: number): number {
  let lf = bytes.indexOf(LF, at);
  while (lf !== -1 && lf < end && (lf === at || bytes[lf - 1] !== CR)) lf = bytes.indexOf(LF, lf + 1);
  return lf === -1 || lf >= end ? -1 : lf + 1;
}

/** The colon right behind a name that starts here (RFC 5322 §2.2); -1 when there is none. */
function colonAt(bytes: Buffer, start: number): number {
  let at = start;
  for (let byte = bytes[at] ?? 0; byte > SPACE && byte < 0x7f && byte !== COLON; byte = bytes[at] ?? 0)
    at += 1;
  return at > start && bytes[at] === COLON ? at : -1;
}

/** A name and its colon, which the obsolete syntax lets white space stand between (RFC 5322 §4.5.8). */
const FIELD_START = /^[\x21-\x39\x3b-\x7e]+[ \t\r\n]*:/;

/** Whether a field starts here whose colon stands behind white space, be it on the next line. */
function startsLate(bytes: Buffer, line: number, end: number): boolean {
  const next = lineAfter(bytes, line, end);
  const after = next === -1 ? -1 : lineAfter(bytes, next, end);
  return FIELD_START.test(bytes.toString('latin1', line, after === -1 ? end : after - 2));
}

function close(bytes: Buffer, open: Omit<Extent, 'end'>, end: number): HeaderField {
  if (open.colon !== -1) return new HeaderField(bytes, { ...open, end });
  const colon = bytes.indexOf(COLON, open.start);
  return new HeaderField(bytes, {
    ...open,
    end,
    colon: colon === -1 || colon > end ? end : colon,
    isPlain: false,
  });
}

/** Names that most messages have. */
const USUAL = [
  ...[
    'arc-authentication-results',
    'arc-message-signature',
    'arc-seal',
    'authentication-results',
    'auto-submitted',
  ],
  ...['cc', 'content-disposition', 'content-language', 'content-transfer-encoding', 'content-type', 'date'],
  ...[
    'delivered-to',
    'dkim-signature',
    'errors-to',
    'feedback-id',
    'from',
    'importance',
    'in-reply-to',
    'list-archive',
  ],
  ...[
    'list-help',
    'list-id',
    'list-owner',
    'list-post',
    'list-subscribe',
    'list-unsubscribe',
    'list-unsubscribe-post',
  ],
  ...[
    'message-id',
    'mime-version',
    'organization',
    'precedence',
    'received',
    'received-spf',
    'references',
    'reply-to',
  ],
  ...[
    'return-path',
    'sender',
    'subject',
    'thread-index',
    'thread-topic',
    'to',
    'user-agent',
    'x-gm-message-state',
  ],
  ...[
    'x-google-dkim-signature',
    'x-google-smtp-source',
    'x-mailer',
    'x-original-to',
    'x-originating-ip',
    'x-priority',
  ],
  ...['x-received', 'x-spam-flag', 'x-spam-level', 'x-spam-score', 'x-spam-status', 'x-virus-scanned'],
] as const;

const USUAL_BY_LENGTH: readonly (readonly string[])[] = Array.from({ length: 32 }, (_, length) =>
  USUAL.filter((name) => name.length === length),
);

/** Making a text of bytes takes as long as comparing them with twenty, and texts that are one are compared at once. */
function plainName(head: Buffer, start: number, colon: number): string {
  for (const name of USUAL_BY_LENGTH[colon - start] ?? []) if (isNamed(head, start, name)) return name;
  return head.toString('latin1', start, colon).toLowerCase();
}

/** Whether a name stands here, in whatever case; it has letters and hyphens only, and a hyphen has that bit as well. */
function isNamed(head: Buffer, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at += 1)
    if (((head[start + at] as number) | 0x20) !== name.charCodeAt(at)) return false;
  return true;
}

function nameOf(raw: string): string {
  const name = /^[^:]*/.exec(raw)?.[0] ?? '';
  return trimBlanks(name.replace(/\r\n/g, ''), ' \t').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The text after the colon. */
export function bodyOf({ raw }: RawField): string {
  return raw.slice(raw.indexOf(':') + 1);
}
