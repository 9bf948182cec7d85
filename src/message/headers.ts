import { isAscii, isUtf8 } from 'node:buffer';

/** One header field of a message. */
export type Field = {
  /** As written, without the colon. */
  readonly name: string;
  /** Unfolded (RFC 5322 §2.2.3), without surrounding white space. */
  readonly value: string;
  /** Everything after the colon, folds kept, without the last line end. */
  readonly rawValue: string;
  /** Bytes of the whole field in the input: start, end (exclusive, after its line end). */
  readonly range: readonly [number, number];
};

/** @param name  in lower case; field names are alike in either case (RFC 5322 §1.2.2) */
export function isField(field: Field, name: string): boolean {
  return field.name.length === name.length && field.name.toLowerCase() === name;
}

/** The header section of a message, or a header block that somebody pasted. */
export type Header = {
  readonly fields: readonly Field[];
  /** Byte at which the body begins; null when the input ends with the header. */
  readonly bodyStart: number | null;
  /** There was more than is read: 1 MiB or 10,000 fields. */
  readonly truncated: boolean;
};

const MAX_BYTES = 1024 * 1024;
const MAX_FIELDS = 10_000;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const QUOTE_MARK = 0x3e;

/** A line of the input: where it starts, where its text ends, where the next one starts. */
type Line = { readonly start: number; readonly end: number; readonly next: number };

/** How the lines of this input are made. */
type Shape = {
  /** Lone CR ends a line (old Macintosh); told by the first line end. */
  readonly loneCr: boolean;
  /** Columns of white space and `>` before every line, when somebody pasted it so. */
  readonly indent: number;
};

/**
 * Read the header section. Takes LF, CRLF and lone CR, a byte order mark, blank lines and an mbox "From "
 * line in front, lines that are all indented or quoted, and a value that was wrapped without a space. Ends
 * at the first empty line or at the first line that can be no part of a header. Never throws, and looks at
 * no more than 1 MiB, however long the lines are.
 *
 * Bytes become text field by field: UTF-8 where that is valid (RFC 6532), else one character a byte.
 */
export function readHeader(input: Uint8Array): Header {
  const bytes = Buffer.from(input.buffer, input.byteOffset, Math.min(input.length, MAX_BYTES));
  const shape = { loneCr: endsLinesWithCr(bytes), indent: 0 };
  const start = skipPreamble(bytes, shape.loneCr);
  const indented = { loneCr: shape.loneCr, indent: indentAt(bytes, start) };
  const section = readLines(bytes, start, indented);
  const ascii = isAscii(bytes.subarray(start, section.end));
  const fields: Field[] = [];
  for (const field of section.fields) fields.push(closeField(bytes, field, indented, ascii));
  const cut = input.length > bytes.length && section.end === bytes.length;
  return {
    fields,
    bodyStart: section.bodyStart,
    truncated: section.truncated || cut,
  };
}

type Section = {
  readonly fields: readonly OpenField[];
  readonly bodyStart: number | null;
  readonly truncated: boolean;
  /** Where reading stopped. */
  readonly end: number;
};

function readLines(bytes: Buffer, start: number, shape: Shape): Section {
  const fields: OpenField[] = [];
  let open: OpenField | null = null;
  let at = start;
  while (at < bytes.length) {
    const line = lineAt(bytes, at, shape.loneCr);
    const text = textStart(bytes, line, shape);
    const colon = isBlank(bytes, text) ? -1 : colonOf(bytes, text, line.end);
    if (text === line.end) {
      return { fields, bodyStart: line.next, truncated: false, end: line.next };
    }
    if (colon !== -1) {
      if (fields.length === MAX_FIELDS) return { fields, bodyStart: null, truncated: true, end: line.start };
      open = { start: line.start, nameStart: text, colon, lines: [line] };
      fields.push(open);
    } else if (open !== null && continues(bytes, text, line, open, shape)) {
      open.lines.push(line);
    } else if (!isMboxLine(bytes, text)) {
      return { fields, bodyStart: line.start, truncated: false, end: line.start };
    }
    at = line.next;
  }
  return { fields, bodyStart: null, truncated: false, end: at };
}

type OpenField = {
  readonly start: number;
  readonly nameStart: number;
  readonly colon: number;
  readonly lines: Line[];
};

/** @param ascii  whether the whole header is, so that nothing needs to be asked about a single field */
function closeField(bytes: Buffer, field: OpenField, shape: Shape, ascii: boolean): Field {
  const last = field.lines.at(-1) ?? { end: field.colon + 1, next: field.colon + 1 };
  const latin1 = ascii || !isUtf8(bytes.subarray(field.start, last.end));
  const encoding = latin1 ? 'latin1' : 'utf8';
  const rawValue = bytes.toString(encoding, field.colon + 1, last.end);
  return {
    name: bytes.toString(encoding, field.nameStart, field.colon).trim(),
    value: field.lines.length === 1 ? rawValue.trim() : unfold(bytes, field, shape, encoding),
    rawValue,
    range: [field.start, last.next],
  };
}

/** RFC 5322 §2.2.3: only the line end goes; a wrapped paste has lost the space that was there. */
function unfold(bytes: Buffer, field: OpenField, shape: Shape, encoding: 'latin1' | 'utf8'): string {
  let value = '';
  for (const line of field.lines) {
    const first = line === field.lines[0];
    const from = first ? field.colon + 1 : textStart(bytes, line, shape);
    if (!first && !isBlank(bytes, from)) value += ' ';
    value += bytes.toString(encoding, from, line.end);
  }
  return value.trim();
}

/** The line that starts at `at`. */
function lineAt(bytes: Buffer, at: number, loneCr: boolean): Line {
  if (loneCr) return lineAtCr(bytes, at);
  const lf = bytes.indexOf(LF, at);
  if (lf === -1) return { start: at, end: bytes.length, next: bytes.length };
  return { start: at, end: lf > at && bytes[lf - 1] === CR ? lf - 1 : lf, next: lf + 1 };
}

/** The same where CR, LF and CRLF all end a line; byte by byte, as the next of either may be far away. */
function lineAtCr(bytes: Buffer, at: number): Line {
  let end = at;
  while (end < bytes.length && bytes[end] !== CR && bytes[end] !== LF) end += 1;
  const length = bytes[end] === CR && bytes[end + 1] === LF ? 2 : 1;
  return { start: at, end, next: Math.min(end + length, bytes.length) };
}

function endsLinesWithCr(bytes: Buffer): boolean {
  const cr = bytes.indexOf(CR);
  if (cr === -1 || bytes[cr + 1] === LF) return false;
  const lf = bytes.indexOf(LF);
  return lf === -1 || cr < lf;
}

/** Where the first field may start: after a byte order mark, blank lines and an mbox line. */
function skipPreamble(bytes: Buffer, loneCr: boolean): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length) {
    const line = lineAt(bytes, at, loneCr);
    const empty = skipBlank(bytes, line.start, line.end) === line.end;
    if (!empty && !isMboxLine(bytes, line.start)) break;
    at = line.next;
  }
  return at;
}

/** RFC 4155: "From " and an address; Berkeley quoting puts `>` in front. */
function isMboxLine(bytes: Buffer, at: number): boolean {
  const from = bytes[at] === QUOTE_MARK ? at + 1 : at;
  return bytes.toString('latin1', from, from + 5) === 'From ';
}

/** Columns in front of the first line; only where it is a field, so that the rest can be taken alike. */
function indentAt(bytes: Buffer, start: number): number {
  let at = start;
  while (isBlank(bytes, at) || bytes[at] === QUOTE_MARK) at += 1;
  return colonOf(bytes, at, Math.min(bytes.length, at + 1000)) === -1 ? 0 : at - start;
}

/** Where the text of a line starts once the common indentation is taken off. */
function textStart(bytes: Buffer, line: Line, shape: Shape): number {
  const limit = Math.min(line.end, line.start + shape.indent);
  let at = line.start;
  while (at < limit && (isBlank(bytes, at) || bytes[at] === QUOTE_MARK)) at += 1;
  return at;
}

function isBlank(bytes: Buffer, at: number): boolean {
  return bytes[at] === SPACE || bytes[at] === TAB;
}

function skipBlank(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes, at)) at += 1;
  return at;
}

/** @returns where the colon after a field name stands; -1 when the line starts with none (RFC 5322 §2.2) */
function colonOf(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isNameByte(bytes[at] ?? 0)) at += 1;
  if (at === start) return -1;
  const colon = skipBlank(bytes, at, end); // RFC 5322 §4.5.3: space before the colon is obsolete
  return bytes[colon] === COLON && colon < end ? colon : -1;
}

/** Narrower than ftext: a name with brackets, quotes, commas or `@` is a piece of a value. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > SPACE && byte < 0x7f && !'()<>[]:;@\\,"='.includes(String.fromCharCode(byte)) ? 1 : 0,
);

function isNameByte(byte: number): boolean {
  return NAME_BYTES[byte] === 1;
}

/** Whether a line without a field name belongs to the field before it. */
function continues(bytes: Buffer, text: number, line: Line, open: OpenField, shape: Shape): boolean {
  if (isBlank(bytes, text) || shape.indent > 0) return true;
  const last = open.lines.at(-1) ?? line;
  const valueStart = open.lines.length === 1 ? open.colon + 1 : last.start;
  if (skipBlank(bytes, valueStart, last.end) === last.end) return true; // the value is on the next line
  const name = bytes.toString('latin1', open.nameStart, open.colon).trim().toLowerCase();
  return name.endsWith('received') && startsLikeTrace(bytes.toString('latin1', text, text + 12));
}

const TRACE_START = /^(?:(?:from|by|via|with|id|for|mon|tue|wed|thu|fri|sat|sun)[ ,\t\r\n]|[(;[<])/i;

function startsLikeTrace(text: string): boolean {
  return TRACE_START.test(text);
}
