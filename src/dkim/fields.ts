import { trimBlanks } from '../message/blanks.ts';

/** A header field as a verifier sees it. */
export type RawField = {
  /** Lower case, without white space around it. */
  readonly name: string;
  /** The whole field, one character a byte, folds kept, without the last line end. */
  readonly raw: string;
};

/** A name and its colon, which the obsolete syntax lets white space stand between (RFC 5322 §4.5.8). */
const FIELD_START = /^[\x21-\x39\x3b-\x7e]+[ \t\r\n]*:/;

/**
 * Take a header section apart the way signatures cover it: a line that begins no field belongs to the one
 * before, whatever it looks like. (A reader for people would stop there or guess; adding it to a signed value
 * can only break a signature.)
 *
 * @param head  as in `Wire`, lines ending in CRLF
 */
export function splitFields(head: Uint8Array): RawField[] {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  const lines = text.replace(/[\r\n]+$/, '').split('\r\n');
  if (lines.length === 1 && lines[0] === '') return [];
  const groups: string[][] = [];
  for (const [index, line] of lines.entries()) {
    const starts = FIELD_START.test(`${line}\r\n${lines[index + 1] ?? ''}`) || groups.length === 0;
    if (starts) groups.push([line]);
    else groups.at(-1)?.push(line);
  }
  return groups.map((group) => {
    const raw = group.join('\r\n');
    return { name: nameOf(raw), raw };
  });
}

function nameOf(raw: string): string {
  const name = /^[^:]*/.exec(raw)?.[0] ?? '';
  return trimBlanks(name.replace(/\r\n/g, ''), ' \t').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The text after the colon. */
export function bodyOf({ raw }: RawField): string {
  return raw.slice(raw.indexOf(':') + 1);
}
