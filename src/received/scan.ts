import { type FoundDate, plainDateAt } from './date.ts';

/**
 * A piece of a Received field (RFC 5322 §3.2): a word, a comment without its brackets, a semicolon, or a date in the
 * common form behind one, which saves taking it apart into six words.
 */
export type Token = {
  readonly kind: 'word' | 'comment' | 'semicolon' | 'date';
  readonly text: string;
  /** Place in the text that was scanned. */
  readonly start: number;
  readonly end: number;
  readonly date: FoundDate | null;
};

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;
const LITERAL = 0x5b;
const LITERAL_END = 0x5d;
const BACKSLASH = 0x5c;

/** No server writes more; what follows is not looked at. */
const MAX_TOKENS = 512;
/** How far the end of a quoted string, an address or a literal is looked for. */
const MAX_REACH = 1024;
/** How many brackets and quotes that never close are stepped over, each at the price of one look ahead. */
const MAX_UNCLOSED = 8;

/** What may still be spent on looking for an end that does not come. */
type Patience = {
  comments: number;
  groups: number;
  /** Where the last quoted string, address or literal was met; -1 before the first. */
  group: number;
};

/**
 * Split the body of a Received field. Comments nest to any depth (a counter, no recursion), quoted strings
 * and domain literals are one word, brackets that do not match are stepped over. Linear in the length.
 *
 * @param text  the body; folds and control characters count as white space
 */
export function scan(text: string): Token[] {
  const tokens: Token[] = [];
  const patience: Patience = { comments: MAX_UNCLOSED, groups: MAX_UNCLOSED, group: -1 };
  let at = 0;
  while (at < text.length && tokens.length < MAX_TOKENS) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === CLOSE) {
      at += 1;
    } else if (code === SEMICOLON) {
      tokens.push({ kind: 'semicolon', text: ';', start: at, end: at + 1, date: null });
      at += 1;
      while (text.charCodeAt(at) <= SPACE) at += 1;
      const date = plainDateAt(text, at);
      if (date === null || !endsWord(text, date.end)) continue;
      tokens.push({ kind: 'date', text: '', start: at, end: date.end, date });
      at = date.end;
    } else if (code === OPEN) {
      const close = patience.comments > 0 ? endOfComment(text, at) : text.length;
      if (close === -1) {
        patience.comments -= 1;
        at += 1;
        continue;
      }
      tokens.push({
        kind: 'comment',
        text: inside(text, at + 1, close),
        start: at,
        end: close + 1,
        date: null,
      });
      at = close + 1;
    } else {
      const end = endOfWord(text, at, patience);
      const word = text.slice(at, end);
      // White space is only found within quotes and brackets.
      tokens.push({
        kind: 'word',
        text: patience.group < at ? word : unfold(word),
        start: at,
        end,
        date: null,
      });
      at = end;
    }
  }
  return tokens;
}

/** Whether a word that goes up to this place is over. */
function endsWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return !(code > SPACE) || code === OPEN || code === CLOSE || code === SEMICOLON;
}

/** The text of a comment, unfolded, without white space around it. */
function inside(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && text.charCodeAt(start) <= SPACE) start += 1;
  while (start < end && text.charCodeAt(end - 1) <= SPACE) end -= 1;
  return unfold(text.slice(start, end));
}

/** Folds within a comment, an address or a quoted string. */
function unfold(text: string): string {
  return text.includes('\n') || text.includes('\t') ? text.replace(/\s+/g, ' ') : text;
}

/** @returns where the bracket that opens at `start` closes; -1 when it does not */
function endOfComment(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === OPEN) depth += 1;
    else if (code === CLOSE) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function endOfWord(text: string, start: number, patience: Patience): number {
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === OPEN || code === CLOSE || code === SEMICOLON) break;
    const opens = code === QUOTE || code === LESS || code === LITERAL;
    if (opens && patience.groups > 0) {
      patience.group = at;
      at = endOfGroup(text, at, code, patience);
    } else at += 1;
  }
  return at;
}

/** Where a quoted string, `<address>` or `[literal]` ends; one character on when it does not end nearby. */
function endOfGroup(text: string, start: number, opener: number, patience: Patience): number {
  const closer = opener === QUOTE ? QUOTE : opener === LESS ? GREATER : LITERAL_END;
  const limit = Math.min(text.length, start + MAX_REACH);
  for (let at = start + 1; at < limit; at += 1) {
    const code = text.charCodeAt(at);
    if (code === closer) return at + 1;
    if (code === BACKSLASH) at += 1;
    else if (opener === LITERAL && (code === OPEN || code === CLOSE || code === SEMICOLON)) break;
    else if (opener === LESS && code === SEMICOLON) break;
  }
  patience.groups -= 1;
  return start + 1;
}
