import type { KeyObject } from 'node:crypto';
import { trimBlanks } from '../message/blanks.ts';
import { BodyHash, bodyHash, headerVerifies, linesOf } from './canonical.ts';
import { bodyOf, type RawField } from './fields.ts';
import type { Diagnosis, SignatureTags } from './types.ts';

export type DiagnoseInput = {
  readonly signature: SignatureTags;
  /** All fields of the header, and the signature's own among them. */
  readonly fields: readonly RawField[];
  readonly own: RawField;
  readonly body: Uint8Array;
  /** Null when there is none, so that only the body can be looked into. */
  readonly key: KeyObject | null;
};

/** A change that somebody may have made, undone. */
type Repair<T> = Diagnosis & { readonly undone: T };

/** Larger bodies are not looked into. */
const MAX_BODY = 2 * 1024 * 1024;
/** Lines at the end that may be a footer, and at the start that may be a banner. */
const MAX_FOOTER = 400;
const MAX_BANNER = 20;
/** All repairs that are tried for one signature. */
const MAX_REPAIRS = 12;

/**
 * Tell which common change on the way explains that a signature fails: the first that, undone, makes it verify.
 * At most twelve are tried. Body and header are told apart, as `bh=` and `b=` cover one each.
 *
 * @returns null when none of them explains it, or when nothing is wrong with what was signed
 */
export function diagnose(input: DiagnoseInput): Diagnosis | null {
  const { signature, key } = input;
  if (signature.canonicalization === null || input.body.length > MAX_BODY) return null;
  const body = explainBody(input);
  if (body === 'unexplained') return null;
  const left = MAX_REPAIRS - (body?.tried ?? 0);
  const header = key === null ? 'no-key' : explainHeader({ ...input, key }, left);
  if (header === 'unexplained') return null;
  const found = [body?.repair ?? null, typeof header === 'object' ? header : null].filter(isThere);
  const [first] = found;
  if (first === undefined) return null;
  const changes = found.map(({ change }) => change).join('+');
  const undo = found.map(({ text }) => text).join(', and ');
  if (header === 'no-key')
    return {
      change: changes,
      text: `Its body is what was signed once ${undo}; without its key no more can be told.`,
    };
  return { change: changes, text: `It verifies once ${undo}.` };
}

function isThere<T>(value: T | null): value is T {
  return value !== null;
}

type BodyFound = { readonly repair: Diagnosis | null; readonly tried: number };

/** @returns null when the body is what was signed */
function explainBody({ signature, body, fields }: DiagnoseInput): BodyFound | null | 'unexplained' {
  const how = signature.canonicalization?.body ?? 'simple';
  if (signature.bodyLength !== null) return 'unexplained';
  const lines = linesOf(body);
  if (bodyHash(lines, how) === signature.bodyHash) return null;
  const footer = footerLength(lines, signature);
  if (footer !== null) {
    const text = `the last ${count(footer, 'line')} of the body ${footer === 1 ? 'is' : 'are'} taken off`;
    return { repair: { change: 'footer', text }, tried: 1 };
  }
  const banner = bannerLength(lines, signature);
  if (banner !== null) {
    const text = `the first ${count(banner, 'line')} of the body ${banner === 1 ? 'is' : 'are'} taken off`;
    return { repair: { change: 'banner', text }, tried: 2 };
  }
  const repairs = bodyRepairs(lines, fields);
  const at = repairs.findIndex(({ undone }) => bodyHash(undone, how) === signature.bodyHash);
  const repair = repairs[at];
  return repair === undefined ? 'unexplained' : { repair, tried: 3 + at };
}

function count(number: number, noun: string): string {
  return number === 1 ? noun : `${number} ${noun}s`;
}

/** How many lines at the end were added, told by hashing on: every length is tried in one pass. */
function footerLength(
  lines: readonly string[],
  { bodyHash: wanted, canonicalization }: SignatureTags,
): number | null {
  const hash = new BodyHash(canonicalization?.body ?? 'simple');
  for (const [index, line] of lines.entries()) {
    hash.add(line);
    const after = lines.length - index - 1;
    if (after > 0 && after <= MAX_FOOTER && hash.soFar() === wanted) return after;
  }
  return null;
}

function bannerLength(
  lines: readonly string[],
  { bodyHash: wanted, canonicalization }: SignatureTags,
): number | null {
  const how = canonicalization?.body ?? 'simple';
  for (let cut = 1; cut <= Math.min(MAX_BANNER, lines.length - 1); cut++)
    if (bodyHash(lines.slice(cut), how) === wanted) return cut;
  return null;
}

function bodyRepairs(lines: readonly string[], fields: readonly RawField[]): Repair<readonly string[]>[] {
  const encoding = encodingOf(fields);
  const repairs: Repair<readonly string[]>[] = [
    {
      change: 'from-quoting',
      text: 'the ">" that a mailbox file puts before "From " is taken off',
      undone: lines.map((line) => line.replace(/^>From /, 'From ')),
    },
    {
      change: 'dot-stuffing',
      text: 'doubled dots at the start of lines are single again (RFC 5321 §4.5.2)',
      undone: lines.map((line) => line.replace(/^\.\./, '.')),
    },
    {
      change: 'dots-lost',
      text: 'lines that begin with a dot have a second one again (RFC 5321 §4.5.2)',
      undone: lines.map((line) => line.replace(/^\./, '..')),
    },
  ];
  const decoded = encoding === null ? null : decode(lines, encoding);
  if (decoded !== null)
    repairs.push({
      change: `encoding-${encoding}`,
      text: `its ${encoding} is 8-bit again: a server turned it into 7-bit`,
      undone: decoded,
    });
  return repairs;
}

function encodingOf(fields: readonly RawField[]): string | null {
  const field = fields.findLast(({ name }) => name === 'content-transfer-encoding');
  return field === undefined ? null : bodyOf(field).trim().toLowerCase();
}

/** The body of a message that is no multipart, without its transfer encoding; null for what has none. */
function decode(lines: readonly string[], encoding: string): readonly string[] | null {
  if (encoding === 'base64') {
    const text = Buffer.from(lines.join(''), 'base64').toString('latin1');
    return linesOf(Buffer.from(text, 'latin1'));
  }
  if (encoding !== 'quoted-printable') return null;
  const text = lines
    .map(withoutBlanksAtEnd)
    .join('\r\n')
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return linesOf(Buffer.from(text, 'latin1'));
}

/** RFC 2045 §6.7 rule 3; the bar keeps the blanks at the start. */
function withoutBlanksAtEnd(line: string): string {
  return trimBlanks(`|${line}`, ' \t').slice(1);
}

/** @returns null when the header is what was signed */
function explainHeader(
  { signature, fields, own, key }: DiagnoseInput & { readonly key: KeyObject },
  most: number,
): Diagnosis | null | 'unexplained' {
  if (headerVerifies(fields, own, signature, key)) return null;
  const repairs = headerRepairs(fields, new Set(signature.headers)).slice(0, most);
  return repairs.find(({ undone }) => headerVerifies(undone, own, signature, key)) ?? 'unexplained';
}

type Fields = readonly RawField[];

/** Fields that lists and filters add, which breaks a signature that also covers their absence. */
const ADDED = ['reply-to', 'sender', 'list-unsubscribe', 'list-id', 'cc'] as const;
/** Where lists keep the author that they replaced. */
const KEPT_FROM = ['x-original-from', 'original-from', 'x-mailman-original-from'];

function headerRepairs(fields: Fields, signed: ReadonlySet<string>): Repair<Fields>[] {
  const repairs: Repair<Fields>[] = [];
  const subjects = signed.has('subject') ? plainSubjects(fields) : [];
  for (const { undone, tag } of subjects)
    repairs.push({ change: 'subject-tag', text: `"${tag}" is taken off the Subject`, undone });
  for (const [change, blank, text] of FOLDS)
    repairs.push({ change, text, undone: fields.map((field) => unfold(field, blank)) });
  const original = KEPT_FROM.map((name) => fields.find((field) => field.name === name)).find(Boolean);
  if (original !== undefined)
    repairs.push({
      change: 'from-rewritten',
      text: `From is what ${original.name} says`,
      undone: fields.map((field) => (field.name === 'from' ? withBody(field, bodyOf(original)) : field)),
    });
  for (const name of ADDED) {
    const at = fields.findIndex((field) => field.name === name);
    if (at === -1 || !signed.has(name)) continue;
    const without = fields.toSpliced(at, 1);
    const text = `the ${name} field is taken off`;
    repairs.push({ change: `added-${name}`, text, undone: without });
    const [plain] = plainSubjects(without);
    if (subjects.length > 0 && plain !== undefined)
      repairs.push({
        change: `subject-tag+added-${name}`,
        text: `"${plain.tag}" is taken off the Subject, and ${text}`,
        undone: plain.undone,
      });
  }
  if (signed.has('content-transfer-encoding'))
    repairs.push({
      change: 'encoding',
      text: 'Content-Transfer-Encoding is 8bit again',
      undone: fields.map((field) =>
        field.name === 'content-transfer-encoding' ? withBody(field, ' 8bit') : field,
      ),
    });
  return repairs;
}

const FOLDS = [
  ['re-folding', ' ', 'its fields are not folded: a server folded them anew'],
  ['re-folding', '', 'its fields are not folded: a server folded them anew'],
] as const;

function unfold(field: RawField, blank: string): RawField {
  return {
    ...field,
    raw: blank === '' ? field.raw.replace(/\r\n/g, '') : field.raw.replace(/\r\n[ \t]+/g, blank),
  };
}

function withBody(field: RawField, body: string): RawField {
  return { ...field, raw: `${field.raw.slice(0, field.raw.indexOf(':') + 1)}${body}` };
}

/** `[list]`, `***SPAM***`, `[EXTERNAL]:`, also behind `Re: `. */
const TAG =
  /^(\s*(?:(?:re|fwd?|aw|wg|sv)\s*:\s*)*)((?:\[[^\]]{1,60}\]|\*{2,5}\s?[\w ]{1,30}\s?\*{2,5}|\{[^}]{1,40}\})[:\s]*)/i;

function plainSubjects(fields: Fields): { readonly undone: Fields; readonly tag: string }[] {
  const at = fields.findLastIndex(({ name }) => name === 'subject');
  const field = fields[at];
  if (field === undefined) return [];
  const found = TAG.exec(bodyOf(field));
  const [whole = '', before = '', tag = ''] = found ?? [];
  if (found === null) return [];
  const rest = bodyOf(field).slice(whole.length);
  return [{ undone: fields.with(at, withBody(field, before + rest)), tag: tag.trim() }];
}
