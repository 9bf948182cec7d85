import { type Address, parseAddress } from '../net/address.ts';

/** Letters of RFC 7208 §7.2, lower case. */
type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h' | 'c' | 'r' | 't';

type Macro = {
  readonly letter: MacroLetter;
  /** Keep this many parts from the right; null keeps all. */
  readonly keep: number | null;
  readonly reverse: boolean;
  readonly delimiters: string;
  /** An upper-case letter: the value is escaped for a URL. */
  readonly forUrl: boolean;
};

/** A piece of a macro-string: text as it stands, or a macro to be expanded. */
export type MacroPart = { readonly literal: string } | Macro;

/** What the letters stand for, except `d`, which changes from record to record, and `p`, which takes the DNS. */
export type MacroValues = {
  readonly client: Address;
  readonly sender: { readonly local: string; readonly domain: string };
  readonly helo: string;
  /** Host name of the server that checks. */
  readonly mta: string;
  /** Seconds since the epoch. */
  readonly time: number;
};

export type MacroRules = {
  /** The text of an explanation: blanks may stand in it. */
  readonly blanks?: boolean;
  /** `c`, `r` and `t` are for explanations and unknown modifiers (RFC 7208 §7.2). */
  readonly allLetters?: boolean;
};

const MACRO = /^%\{([slodiphcrtv])(\d{0,9})(r?)([.\-+,/_=]*)\}/i;
const ESCAPED: Readonly<Record<string, string>> = { '%%': '%', '%_': ' ', '%-': '%20' };

/**
 * Read a macro-string (RFC 7208 §7.1).
 *
 * @returns its parts, or what is wrong with it
 */
export function parseMacros(
  text: string,
  { blanks = false, allLetters = false }: MacroRules = {},
): readonly MacroPart[] | string {
  const literal = blanks ? /^[\x20-\x24\x26-\x7e]+/ : /^[\x21-\x24\x26-\x7e]+/;
  const parts: MacroPart[] = [];
  let rest = text;
  while (rest !== '') {
    const plain = literal.exec(rest)?.[0];
    const escaped = ESCAPED[rest.slice(0, 2)];
    const macro = MACRO.exec(rest);
    if (plain !== undefined) parts.push({ literal: plain });
    else if (escaped !== undefined) parts.push({ literal: escaped });
    else if (macro !== null) {
      const part = partOf(macro);
      if (part === null || (!allLetters && 'crt'.includes(part.letter))) return `has the macro ${macro[0]}`;
      parts.push(part);
    } else return rest.startsWith('%') ? 'has a "%" that begins no macro' : 'has a character out of place';
    rest = rest.slice((plain ?? macro?.[0] ?? rest.slice(0, 2)).length);
  }
  return parts;
}

function partOf([, letter = '', digits = '', reverse = '', delimiters = '']: RegExpExecArray): Macro | null {
  if (digits !== '' && Number(digits) === 0) return null; // RFC 7208 §7.1: the number is not zero
  return {
    letter: letter.toLowerCase() as MacroLetter,
    keep: digits === '' ? null : Number(digits),
    reverse: reverse !== '',
    delimiters: delimiters === '' ? '.' : delimiters,
    forUrl: letter !== letter.toLowerCase(),
  };
}

/** @returns whether one of the letters is used */
export function usesMacro(parts: readonly MacroPart[], letters: string): boolean {
  return parts.some((part) => 'letter' in part && letters.includes(part.letter));
}

/**
 * Put the values in (RFC 7208 §7.3).
 *
 * @param domain     `%{d}`: the domain whose record is being evaluated
 * @param validated  `%{p}`: the validated name of the client; `unknown` when there is none
 */
export function expandMacros(
  parts: readonly MacroPart[],
  values: MacroValues,
  domain: string,
  validated: string,
): string {
  return parts
    .map((part) =>
      'literal' in part ? part.literal : transform(macroValue(part.letter, values, domain, validated), part),
    )
    .join('');
}

function macroValue(letter: MacroLetter, values: MacroValues, domain: string, validated: string): string {
  const { client, sender } = values;
  switch (letter) {
    case 's':
      return `${sender.local}@${sender.domain}`;
    case 'l':
      return sender.local;
    case 'o':
      return sender.domain;
    case 'd':
      return domain;
    case 'i':
      return client.family === 4 ? client.text : nibbles(client.bytes);
    case 'p':
      return validated;
    case 'v':
      return client.family === 4 ? 'in-addr' : 'ip6';
    case 'h':
      return values.helo;
    case 'c':
      return client.text;
    case 'r':
      return values.mta;
    case 't':
      return String(values.time);
  }
}

/** In upper case, which is what the common test suite has explanations say; a name in the DNS has no case. */
function nibbles(bytes: Uint8Array): string {
  return [...Buffer.from(bytes).toString('hex').toUpperCase()].join('.');
}

function transform(value: string, part: Macro): string {
  const { keep, reverse, delimiters, forUrl } = part;
  const whole = keep === null && !reverse && delimiters === '.';
  const text = whole ? value : rejoined(value, part);
  return forUrl ? escapeUrl(text) : text;
}

/** Whatever it was split at, the pieces are joined with dots. */
function rejoined(value: string, { keep, reverse, delimiters }: Macro): string {
  const pieces = [''];
  for (const char of value) {
    if (delimiters.includes(char)) pieces.push('');
    else pieces.push(`${pieces.pop()}${char}`);
  }
  const ordered = reverse ? pieces.reverse() : pieces;
  return ordered.slice(-(keep ?? ordered.length)).join('.');
}

/** RFC 3986 §2.3: everything but the unreserved characters. */
function escapeUrl(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** @returns the address of a client; an IPv4 address in IPv6 clothing is an IPv4 address (RFC 7208 §5) */
export function clientAddress(text: string): Address | null {
  const parsed = parseAddress(text.trim());
  if (parsed === null || parsed.family === 4) return parsed;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(parsed.text)?.[1];
  return mapped === undefined ? parsed : parseAddress(mapped);
}
