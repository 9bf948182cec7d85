import { isCipherName } from './cipher.ts';
import { dateAt, type FoundDate } from './date.ts';
import { scan, type Token } from './scan.ts';

export type ClauseName = 'from' | 'by' | 'via' | 'with' | 'id' | 'for' | 'tls' | 'envelope-from';

/** What stands between one clause word and the next. */
export type Clause = { readonly words: string[]; readonly comments: string[] };

/** The clauses of a field (RFC 5321 §4.4), in whatever order they stood. */
export type Clauses = {
  readonly text: string;
  /** What stood in front of the first clause word. */
  readonly lead: Clause;
  readonly first: ReadonlyMap<ClauseName, Clause>;
  /** With clauses after the first: Mimecast writes "with ESMTP with STARTTLS". */
  readonly moreWith: readonly Clause[];
  /** Behind the last clause or behind the date. */
  readonly rest: Clause;
  readonly date: FoundDate | null;
  /** Longer than what is read. */
  readonly truncated: boolean;
};

const NAMES: ReadonlyMap<string, ClauseName> = new Map([
  ['from', 'from'],
  ['by', 'by'],
  ['via', 'via'],
  ['with', 'with'],
  ['id', 'id'],
  ['for', 'for'],
  ['tls', 'tls'], // RFC 8314 §4.3
  ['envelope-from', 'envelope-from'], // Haraka
]);

/** Characters of a field that are read; a real one has a few hundred. */
const MAX_LENGTH = 32_768;
const MAX_CLAUSES = 64;

/**
 * Take a field body apart.
 *
 * @param raw  the body, folds and all
 */
export function readClauses(raw: string): Clauses {
  const text = raw.slice(0, MAX_LENGTH).replace(/\s+/g, ' ');
  const tokens = scan(text);
  const found = findDate(text, tokens);
  return { text, ...sortIntoClauses(text, tokens, found), truncated: raw.length > MAX_LENGTH };
}

/** A date and where it starts. */
type PlacedDate = { readonly start: number; readonly date: FoundDate };

/**
 * The date stands after the last semicolon outside of comments (RFC 5321 §4.4). Some write comments or an
 * id after the semicolon, some a semicolon too many, SendGrid none at all.
 */
function findDate(text: string, tokens: readonly Token[]): PlacedDate | null {
  let tries = 4;
  for (let index = tokens.length - 1; index >= 0 && tries > 0; index -= 1) {
    if (tokens[index]?.kind !== 'semicolon') continue;
    const found = dateAfter(text, tokens, index);
    if (found !== null) return found;
    tries -= 1;
  }
  return dateAmongWords(text, tokens);
}

function dateAfter(text: string, tokens: readonly Token[], semicolon: number): PlacedDate | null {
  let index = semicolon + 1;
  while (tokens[index]?.kind === 'comment') index += 1;
  const start = tokens[index]?.start;
  const date = start === undefined ? null : dateAt(text, start);
  return date === null || start === undefined ? null : { start, date };
}

function dateAmongWords(text: string, tokens: readonly Token[]): PlacedDate | null {
  for (const token of tokens) {
    if (token.kind !== 'word' || !startsDate(token.text)) continue;
    const date = dateAt(text, token.start);
    if (date !== null) return { start: token.start, date };
  }
  return null;
}

/** `Tue,` or `Tue`, `6`, `2021-07-06`: the words with which a date can start. */
function startsDate(word: string): boolean {
  const code = word.charCodeAt(0);
  if (code >= 0x30 && code <= 0x39) return word.length <= 2 || word.charCodeAt(4) === 0x2d;
  return word.length === 4 ? word.endsWith(',') : word.length === 3;
}

function sortIntoClauses(text: string, tokens: readonly Token[], found: PlacedDate | null) {
  const first = new Map<ClauseName, Clause>();
  const moreWith: Clause[] = [];
  const lead: Clause = { words: [], comments: [] };
  const rest: Clause = { words: [], comments: [] };
  let current = lead;
  let opened = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined) break;
    if (found !== null && token.start >= found.start && token.start < found.date.end) {
      current = rest;
    } else if (token.kind === 'semicolon') {
      current = rest;
    } else if (token.kind === 'comment') {
      current.comments.push(token.text);
    } else {
      const name = opened < MAX_CLAUSES ? clauseName(text, tokens, index, current, first) : null;
      if (name === null) {
        current.words.push(token.text);
        continue;
      }
      opened += 1;
      current = { words: [], comments: [] };
      if (!first.has(name)) first.set(name, current);
      else if (name === 'with') moreWith.push(current);
    }
  }
  return { lead, first, moreWith, rest, date: found?.date ?? null };
}

/** @returns the clause that a word opens; null when it is a word like any other */
function clauseName(
  text: string,
  tokens: readonly Token[],
  index: number,
  current: Clause,
  first: ReadonlyMap<ClauseName, Clause>,
): ClauseName | null {
  const token = tokens[index];
  if (token === undefined || token.text.length > 13) return null;
  const name = NAMES.get(token.text.toLowerCase());
  if (name === undefined) return null;
  if (name === 'from' && first.size > 0) return isReversePath(tokens[index + 1]) ? 'envelope-from' : null;
  if (name === 'tls' && !opensTlsClause(tokens[index + 1], first)) return null;
  // A client may call itself "with": HELO is what stands before the bracket.
  const isHelo = current === first.get('from') && current.words.length + current.comments.length === 0;
  return isHelo && text.charCodeAt(token.end + 1) === 0x28 ? null : name;
}

/** Not the "TLS" of "over TLS secured channel": a suite follows, or the pairs of old OpenSMTPD. */
function opensTlsClause(next: Token | undefined, first: ReadonlyMap<ClauseName, Clause>): boolean {
  return (
    first.has('by') && next !== undefined && (isCipherName(next.text) || next.text.startsWith('version='))
  );
}

/** `for <a> from <b>` of XMail and IBM. */
function isReversePath(token: Token | undefined): boolean {
  return token?.text.startsWith('<') === true && token.text.endsWith('>');
}
