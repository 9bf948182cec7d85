/** One result that a server wrote down (RFC 8601 §2.2). */
export type RecordedResult = {
  /** Lower case, without its version, such as `dkim`. */
  readonly method: string;
  /** Lower case, such as `pass`. */
  readonly result: string;
  readonly reason: string | null;
  /** `ptype.property`, lower case, such as `header.d`; the first of each counts. */
  readonly properties: Readonly<Record<string, string>>;
};

/** An Authentication-Results field, or the ARC variant of it. */
export type AuthenticationResults = {
  /** Who says so, lower case; null where the field does not begin with a name. */
  readonly authservId: string | null;
  /** `i=` of an ARC-Authentication-Results field. */
  readonly instance: number | null;
  readonly results: readonly RecordedResult[];
};

const MAX_LENGTH = 32_768;
const MAX_RESULTS = 200;
/** RFC 5321 §4.1.2, which RFC 8601 takes methods and results from. */
const KEYWORD = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;

type Token = { readonly text: string; readonly quoted: boolean };

/**
 * Read the value of an Authentication-Results or ARC-Authentication-Results field. Never throws, and reads the
 * first 32 KiB; what is not understood is left out.
 */
export function parseAuthenticationResults(value: string): AuthenticationResults {
  const parts = split(tokens(value.slice(0, MAX_LENGTH)));
  const instance = instanceOf(parts[0] ?? []);
  const [head = [], ...rest] = instance === null ? parts : parts.slice(1);
  return {
    authservId: head[0]?.text.toLowerCase() ?? null,
    instance,
    results: rest.slice(0, MAX_RESULTS).flatMap((part) => readResult(part) ?? []),
  };
}

/** What ends a word. */
const DELIMITER = /[\s";=()]/;

/** Without comments, which may be nested. One pass, whatever is left open. */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    if (char === '(') at = endOfComment(text, at);
    else if (char === '"') {
      const end = endOfQuotes(text, at);
      found.push({ text: text.slice(at + 1, end - 1).replace(/\\(.)/g, '$1'), quoted: true });
      at = end;
    } else if (char === ';' || char === '=') {
      found.push({ text: char, quoted: false });
      at += 1;
    } else if (DELIMITER.test(char)) at += 1;
    else {
      const start = at;
      while (at < text.length && !DELIMITER.test(text.charAt(at))) at += 1;
      found.push({ text: text.slice(start, at), quoted: false });
    }
  }
  return found;
}

/** @returns the place behind the bracket that closes it, or behind the text */
function endOfComment(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** @returns the place behind the closing quotes; of what is left open, one behind the text */
function endOfQuotes(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === '"') return at + 1;
  }
  return text.length + 1;
}

function split(all: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of all) {
    if (token.text === ';' && !token.quoted) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** RFC 8617 §4.1.1: `i=1;` comes before the name of the server. */
function instanceOf(part: readonly Token[]): number | null {
  const [name, equals, number] = part;
  if (part.length !== 3 || name?.text !== 'i' || equals?.text !== '=') return null;
  return /^\d{1,2}$/.test(number?.text ?? '') ? Number(number?.text) : null;
}

function readResult(part: readonly Token[]): RecordedResult | null {
  const pairs = pairsOf(part);
  const [first, ...rest] = pairs;
  if (first === undefined) return null;
  const [method = ''] = first.name.split('/');
  if (!KEYWORD.test(method) || !KEYWORD.test(first.value)) return null;
  const properties = new Map<string, string>();
  let reason: string | null = null;
  for (const { name, value } of rest) {
    if (name === 'reason') reason ??= value;
    else if (name.includes('.') && !properties.has(name)) properties.set(name, value);
  }
  return { method, result: first.value.toLowerCase(), reason, properties: Object.fromEntries(properties) };
}

/** `name = value`; blanks around the sign are allowed, and a value may hold further signs. */
function pairsOf(part: readonly Token[]): { readonly name: string; readonly value: string }[] {
  const pairs: { name: string; value: string }[] = [];
  for (let at = 0; at < part.length; at++) {
    const [name, equals, value] = [part[at], part[at + 1], part[at + 2]];
    if (equals?.text !== '=' || equals.quoted || name === undefined || value === undefined) continue;
    pairs.push({ name: name.text.toLowerCase(), value: value.text });
    at += 2;
  }
  return pairs;
}
