import { parseDomain } from '../dns/names.ts';
import { decodeWords } from './words.ts';

/** A mailbox of an address field (RFC 5322 §3.4). */
export type Mailbox = {
  /** The name that a client shows, encoded-words decoded; empty when there is none. */
  readonly display: string;
  readonly local: string;
  /** Lower-case A-labels. */
  readonly domain: string;
};

/** What an address field says, read strictly. */
export type AddressList =
  | {
      readonly kind: 'list';
      readonly mailboxes: readonly Mailbox[];
      /** There is a group without a member (RFC 6854). */
      readonly emptyGroup: boolean;
    }
  /** `fault` is the last part of a reason code; `reason` the end of a sentence about the field. */
  | { readonly kind: 'broken'; readonly fault: AddressFault; readonly reason: string };

export type AddressFault =
  | 'unparsable-address'
  | 'encoded-address'
  | 'address-literal'
  | 'source-route'
  | 'too-long';

const MAX_LENGTH = 32_768;
const MAX_MAILBOXES = 1000;
const MAX_COMMENT_DEPTH = 20;

type Token =
  | { readonly kind: 'atom' | 'quoted' | 'literal'; readonly text: string }
  | { readonly kind: 'special'; readonly text: string };

/** Internal: what stops the reading. */
class Broken extends Error {
  readonly fault: AddressFault;

  constructor(fault: AddressFault, reason: string) {
    super(reason);
    this.fault = fault;
  }
}

/**
 * Read an address field by RFC 5322 §3.4 with the groups of RFC 6854 and the UTF-8 of RFC 6532. Of the
 * obsolete forms only dots in a name are taken; an unquoted `@` in a name is, too, as too many send it.
 *
 * @param value  the unfolded field body
 */
export function readMailboxes(value: string): AddressList {
  try {
    if (value.length > MAX_LENGTH) throw new Broken('too-long', `is longer than ${MAX_LENGTH} characters`);
    const reading: Reading = { ...tokenize(value), mailboxes: [], emptyGroup: false };
    readList(reading, 0, reading.tokens.length);
    const { mailboxes, emptyGroup } = reading;
    return { kind: 'list', mailboxes, emptyGroup };
  } catch (error) {
    if (error instanceof Broken) return { kind: 'broken', fault: error.fault, reason: error.message };
    throw error;
  }
}

const SPECIALS = '<>@,:;';

/** Tokens of a field body, and its comments by the token that they follow. */
function tokenize(value: string): { tokens: readonly Token[]; comments: ReadonlyMap<number, string> } {
  const tokens: Token[] = [];
  const comments = new Map<number, string>();
  let at = 0;
  while (at < value.length) {
    const char = value.charAt(at);
    if (char === ' ' || char === '\t') at += 1;
    else if (char === '(') {
      const end = endOfComment(value, at);
      comments.set(tokens.length - 1, unescaped(value.slice(at + 1, end)));
      at = end + 1;
    } else if (char === '"') {
      const end = endOfQuoted(value, at, '"');
      tokens.push({ kind: 'quoted', text: unescaped(value.slice(at + 1, end)) });
      at = end + 1;
    } else if (char === '[') {
      const end = endOfQuoted(value, at, ']');
      tokens.push({ kind: 'literal', text: value.slice(at, end + 1) });
      at = end + 1;
    } else if (SPECIALS.includes(char)) {
      tokens.push({ kind: 'special', text: char });
      at += 1;
    } else {
      const end = endOfAtom(value, at);
      tokens.push({ kind: 'atom', text: value.slice(at, end) });
      at = end;
    }
  }
  return { tokens, comments };
}

function endOfComment(value: string, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth > MAX_COMMENT_DEPTH) throw new Broken('unparsable-address', 'has comments nested too deep');
    if (depth === 0) return at;
  }
  throw new Broken('unparsable-address', 'has a comment without an end');
}

function endOfQuoted(value: string, start: number, close: string): number {
  for (let at = start + 1; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\') at += 1;
    else if (char === close) return at;
  }
  throw new Broken('unparsable-address', `has a quotation without its ${close}`);
}

/** An atom with its dots; anything but specials, blanks and controls (RFC 6532 §3.2: beyond ASCII as well). */
function endOfAtom(value: string, start: number): number {
  const found = /[^\x00-\x20\x7f()<>@,:;"\\[\]]+/y;
  found.lastIndex = start;
  const [atom] = found.exec(value) ?? [];
  if (atom === undefined) {
    throw new Broken('unparsable-address', `has ${JSON.stringify(value.charAt(start))} where none can be`);
  }
  return start + atom.length;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gsu, '$1');
}

/** What is read from, and what was found so far. */
type Reading = {
  readonly tokens: readonly Token[];
  /** Comments by the index of the token that they follow. */
  readonly comments: ReadonlyMap<number, string>;
  readonly mailboxes: Mailbox[];
  emptyGroup: boolean;
};

/** Read mailboxes and groups between two indices; a comma stands between them. */
function readList(reading: Reading, start: number, end: number): void {
  let at = start;
  while (at < end) {
    at = readAddress(reading, at, end);
    if (at === end) return;
    expect(reading.tokens[at], ',');
    at += 1;
    if (at === end) throw new Broken('unparsable-address', 'ends in a comma');
  }
}

function expect(token: Token | undefined, special: string): void {
  if (token?.kind === 'special' && token.text === special) return;
  const found = token === undefined ? 'nothing' : JSON.stringify(token.text);
  throw new Broken('unparsable-address', `has ${found} where '${special}' is needed`);
}

/** @returns the index after the mailbox or group that starts at `start` */
function readAddress(reading: Reading, start: number, end: number): number {
  const { tokens, comments, mailboxes } = reading;
  const turn = nextSpecial(tokens, start, end, '<,:;');
  const mark = turn === end ? undefined : tokens[turn]?.text;
  if (mark === ':') return readGroup(reading, start, turn, end);
  if (mailboxes.length >= MAX_MAILBOXES) throw new Broken('too-long', 'names too many mailboxes');
  if (mark !== '<') {
    // RFC 5322 §3.4: in old mail the name stands behind the address, as a comment.
    const comment = comments.get(turn - 1) ?? '';
    mailboxes.push(mailbox(decodeWords(comment), tokens.slice(start, turn)));
    return turn;
  }
  const close = nextSpecial(tokens, turn + 1, end, '>');
  expect(close === end ? undefined : tokens[close], '>');
  mailboxes.push(mailbox(phrase(tokens.slice(start, turn)), tokens.slice(turn + 1, close)));
  return close + 1;
}

function readGroup(reading: Reading, start: number, colon: number, end: number): number {
  const { tokens, mailboxes } = reading;
  const name = phrase(tokens.slice(start, colon));
  const close = nextSpecial(tokens, colon + 1, end, ';');
  expect(close === end ? undefined : tokens[close], ';');
  if (name === '') throw new Broken('unparsable-address', 'has a group without a name');
  if (nextSpecial(tokens, colon + 1, close, ':') !== close) {
    throw new Broken('unparsable-address', 'has a group in a group');
  }
  const before = mailboxes.length;
  readList(reading, colon + 1, close);
  const members = mailboxes.splice(before);
  if (members.length === 0) reading.emptyGroup = true;
  // A client may show the group's name alone.
  for (const each of members) {
    mailboxes.push({ ...each, display: each.display === '' ? name : `${name} ${each.display}` });
  }
  return close + 1;
}

/** Index of the next token that is one of these; the end when there is none. */
function nextSpecial(tokens: readonly Token[], from: number, end: number, marks: string): number {
  for (let at = from; at < end; at += 1) {
    const token = tokens[at];
    if (token?.kind === 'special' && marks.includes(token.text)) return at;
  }
  return end;
}

/** The name before the angle bracket, as shown. */
function phrase(tokens: readonly Token[]): string {
  const odd = tokens.find((token) => token.kind === 'special' && token.text !== '@');
  if (odd) throw new Broken('unparsable-address', `has '${odd.text}' in a name`);
  const words = tokens.map(({ text }) => text).join(' ');
  return decodeWords(words.replaceAll(' @ ', '@'));
}

/** A mailbox of an addr-spec: one word, `@`, one domain. */
function mailbox(display: string, spec: readonly Token[]): Mailbox {
  const [local, at, host, more] = spec;
  if (spec.some(({ text }) => /=\?[^?]*\?[bq]\?/i.test(text))) {
    throw new Broken('encoded-address', 'has an encoded-word in an address');
  }
  if (local?.kind === 'special' && spec.length > 1) {
    throw new Broken('source-route', 'has a route in an address');
  }
  if (local === undefined) throw new Broken('unparsable-address', 'has no address');
  expect(at, '@');
  if (more !== undefined || local.kind === 'literal' || host === undefined || host.kind === 'special') {
    throw new Broken('unparsable-address', 'has an address that is not name@domain');
  }
  if (host.kind === 'literal')
    throw new Broken('address-literal', 'names an IP address in place of a domain');
  const domain = host.kind === 'quoted' ? null : parseDomain(host.text, { underscores: true });
  if (domain === null || domain.kind === 'invalid' || host.text.endsWith('.')) {
    const reason = domain?.kind === 'invalid' ? domain.reason : 'is written as none may be';
    throw new Broken('unparsable-address', `has a domain that ${reason}`);
  }
  return { display, local: local.text, domain: domain.ascii };
}
