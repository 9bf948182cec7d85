import { isCipherName } from './cipher.ts';
import { dateAt, type FoundDate } from './date.ts';
import { scan, type Token } from './scan.ts';

/** What stands between one clause word and the next. */
export type Clause = { readonly words: string[]; readonly comments: string[] };

/** The clauses of a field (RFC 5321 §4.4), in whatever order they stood; the first of each name. */
type Named = {
  from: Clause | null;
  by: Clause | null;
  via: Clause | null;
  with: Clause | null;
  id: Clause | null;
  for: Clause | null;
  tls: Clause | null;
  envelopeFrom: Clause | null;
};

export type ClauseName = keyof Named;

/** A field taken apart. */
export type Clauses = Readonly<Named> & {
  /** What stood in front of the first clause word. */
  readonly lead: Clause;
  /** With clauses after the first: Mimecast writes "with ESMTP with STARTTLS". */
  readonly moreWith: readonly Clause[];
  /** Behind the last clause or behind the date. */
  readonly rest: Clause;
  /** All comments but those of the from clause, which may hold what the client said of itself. */
  readonly serverComments: readonly string[];
  readonly date: FoundDate | null;
  /** Longer than what is read. */
  readonly truncated: boolean;
};

const NAMES: ReadonlyMap<string, ClauseName> = new Map<string, ClauseName>([
  ['from', 'from'],
  ['by', 'by'],
  ['via', 'via'],
  ['with', 'with'],
  ['id', 'id'],
  ['for', 'for'],
  ['tls', 'tls'], // RFC 8314 §4.3
  ['envelope-from', 'envelopeFrom'], // Haraka
]);

/** The letters they start with, lower case. */
const INITIALS: ReadonlySet<number> = new Set([...NAMES.keys()].map((name) => name.charCodeAt(0)));

/** Characters of a field that are read; a real one has a few hundred. */
const MAX_LENGTH = 32_768;
const MAX_CLAUSES = 64;

/**
 * Take a field body apart.
 *
 * @param raw  the body, folds and all
 */
export function readClauses(raw: string): Clauses {
  const truncated = raw.length > MAX_LENGTH;
  const text = truncated ? raw.slice(0, MAX_LENGTH) : raw;
  const tokens = scan(text);
  return sortIntoClauses(tokens, findDate(text, tokens), truncated);
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
  const token = tokens[index];
  if (token === undefined) return null;
  const date = token.date ?? dateAt(text, token.start);
  return date === null ? null : { start: token.start, date };
}

function dateAmongWords(text: string, tokens: readonly Token[]): PlacedDate | null {
  for (const token of tokens) {
    if (token.kind !== 'date' && (token.kind !== 'word' || !startsDate(token.text))) continue;
    const date = token.date ?? dateAt(text, token.start);
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

function sortIntoClauses(tokens: readonly Token[], found: PlacedDate | null, truncated: boolean): Clauses {
  const clauses = noClauses(found?.date ?? null, truncated);
  const dateStart = found?.start ?? Number.POSITIVE_INFINITY;
  const dateEnd = found?.date.end ?? 0;
  let current = clauses.lead;
  let opened = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined) break;
    if (
      token.kind === 'semicolon' ||
      token.kind === 'date' ||
      (token.start >= dateStart && token.start < dateEnd)
    ) {
      current = clauses.rest;
    } else if (token.kind === 'comment') {
      current.comments.push(token.text);
      if (current !== clauses.from) clauses.serverComments.push(token.text);
    } else {
      const name = opened < MAX_CLAUSES ? clauseName(tokens, index, current, clauses) : null;
      if (name === null) {
        current.words.push(token.text);
        continue;
      }
      opened += 1;
      current = { words: [], comments: [] };
      open(clauses, name, current);
    }
  }
  return clauses;
}

/** The first clause of each name counts. (By name and not by key: `clauses[name] = …` would be looked up each time.) */
function open(clauses: Growing, name: ClauseName, clause: Clause): void {
  switch (name) {
    case 'from':
      clauses.from ??= clause;
      break;
    case 'by':
      clauses.by ??= clause;
      break;
    case 'via':
      clauses.via ??= clause;
      break;
    case 'with':
      if (clauses.with === null) clauses.with = clause;
      else clauses.moreWith.push(clause);
      break;
    case 'id':
      clauses.id ??= clause;
      break;
    case 'for':
      clauses.for ??= clause;
      break;
    case 'tls':
      clauses.tls ??= clause;
      break;
    case 'envelopeFrom':
      clauses.envelopeFrom ??= clause;
      break;
  }
}

/** The same while it is put together. */
type Growing = Named & {
  readonly lead: Clause;
  readonly moreWith: Clause[];
  readonly rest: Clause;
  readonly serverComments: string[];
  readonly date: FoundDate | null;
  readonly truncated: boolean;
};

function noClauses(date: FoundDate | null, truncated: boolean): Growing {
  return {
    from: null,
    by: null,
    via: null,
    with: null,
    id: null,
    for: null,
    tls: null,
    envelopeFrom: null,
    lead: { words: [], comments: [] },
    moreWith: [],
    rest: { words: [], comments: [] },
    serverComments: [],
    date,
    truncated,
  };
}

/** @returns the clause that a word opens; null when it is a word like any other */
function clauseName(
  tokens: readonly Token[],
  index: number,
  current: Clause,
  named: Named,
): ClauseName | null {
  const word = tokens[index]?.text ?? '';
  if ((word.length > 4 && word.length !== 13) || !INITIALS.has(word.charCodeAt(0) | 0x20)) return null;
  const name = NAMES.get(word) ?? NAMES.get(word.toLowerCase());
  if (name === undefined) return null;
  if (name === 'from' && isReversePath(tokens[index + 1])) return 'envelopeFrom';
  if (name === 'from' && named.from !== null) return null;
  if (name === 'tls' && !opensTlsClause(tokens[index + 1], named)) return null;
  // A client may call itself "with": HELO is what stands before the bracket.
  const isHelo = current === named.from && current.words.length + current.comments.length === 0;
  return isHelo && tokens[index + 1]?.kind === 'comment' ? null : name;
}

/** Not the "TLS" of "over TLS secured channel": a suite follows, or the pairs of old OpenSMTPD. */
function opensTlsClause(next: Token | undefined, named: Named): boolean {
  if (named.by === null || next === undefined) return false;
  return isCipherName(next.text) || next.text.startsWith('version=');
}

/** `for <a> from <b>` of XMail and IBM. */
function isReversePath(token: Token | undefined): boolean {
  return token?.text.startsWith('<') === true && token.text.endsWith('>');
}
