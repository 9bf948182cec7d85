import { parseAddress } from '../net/address.ts';
import { type MacroPart, parseMacros } from './macro.ts';
import { TOP_LABEL } from './names.ts';

export type Qualifier = '+' | '-' | '~' | '?';

/** A domain-spec (RFC 7208 §7.1); null where it is left out, which means the domain of the record. */
type Spec = readonly MacroPart[];

/** A mechanism (RFC 7208 §5). */
export type Mechanism = { readonly text: string; readonly qualifier: Qualifier } & (
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly spec: Spec }
  | { readonly kind: 'ptr'; readonly spec: Spec | null }
  | { readonly kind: 'a' | 'mx'; readonly spec: Spec | null; readonly bits4: number; readonly bits6: number }
  | { readonly kind: 'ip4' | 'ip6'; readonly network: Uint8Array; readonly bits: number }
);

/** A modifier (RFC 7208 §6) that means something. */
export type Modifier = { readonly text: string; readonly kind: 'redirect' | 'exp'; readonly spec: Spec };

/** A record whose whole syntax is right. */
export type SpfRecord = {
  readonly mechanisms: readonly Mechanism[];
  readonly redirect: Modifier | null;
  readonly exp: Modifier | null;
  /** Modifiers that nobody knows; they are passed over (RFC 7208 §6). */
  readonly unknown: readonly string[];
};

/** @returns whether a TXT record is an SPF record (RFC 7208 §4.5) */
export function isSpfRecord(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

/** @returns the terms of a record as they are written */
export function termsOf(record: string): string[] {
  return record.split(' ').slice(1).filter(Boolean);
}

/**
 * Read a record, the whole of it before anything is evaluated (RFC 7208 §4.6).
 *
 * @returns the record, or what is wrong with it in one sentence
 */
export function parseRecord(text: string): SpfRecord | string {
  if (/[^\x20-\x7e]/.test(text)) return 'The record has characters that are not printable ASCII.';
  const mechanisms: Mechanism[] = [];
  const modifiers: { redirect: Modifier | null; exp: Modifier | null } = { redirect: null, exp: null };
  const unknown: string[] = [];
  for (const term of termsOf(text)) {
    const parsed = parseTerm(term);
    if (typeof parsed === 'string') return `The term "${term}" ${parsed}.`;
    if ('qualifier' in parsed) mechanisms.push(parsed);
    else if (parsed.kind === 'unknown') unknown.push(term);
    else if (modifiers[parsed.kind] === null) modifiers[parsed.kind] = parsed;
    else return `The record has "${parsed.kind}" more than once.`;
  }
  return { mechanisms, ...modifiers, unknown };
}

type Unknown = { readonly kind: 'unknown' };

function parseTerm(text: string): Mechanism | Modifier | Unknown | string {
  const modifier = /^([^=:/]*)=(.*)$/.exec(text);
  return modifier === null ? parseMechanism(text) : parseModifier(text, modifier[1] ?? '', modifier[2] ?? '');
}

function parseModifier(text: string, name: string, value: string): Modifier | Unknown | string {
  if (!/^[a-z][a-z0-9_.-]*$/i.test(name)) return 'is no modifier';
  const kind = name.toLowerCase();
  if (kind === 'redirect' || kind === 'exp') return withSpec(value, (spec) => ({ text, kind, spec }));
  const parts = parseMacros(value, { allLetters: true });
  return typeof parts === 'string' ? parts : { kind: 'unknown' };
}

function parseMechanism(text: string): Mechanism | string {
  const [, sign = '', name = '', rest = ''] = /^([+\-~?]?)([^:/]*)(.*)$/.exec(text) ?? [];
  const base = { text, qualifier: (sign === '' ? '+' : sign) as Qualifier };
  const kind = name.toLowerCase();
  switch (kind) {
    case 'all':
      return rest === '' ? { ...base, kind } : 'has something behind "all"';
    case 'include':
    case 'exists':
      return rest.startsWith(':')
        ? withSpec(rest.slice(1), (spec) => ({ ...base, kind, spec }))
        : 'names no domain';
    case 'ptr':
      if (rest === '') return { ...base, kind, spec: null };
      return rest.startsWith(':')
        ? withSpec(rest.slice(1), (spec) => ({ ...base, kind, spec }))
        : 'has something behind "ptr"';
    case 'a':
    case 'mx':
      return parseHosts(rest, (hosts) => ({ ...base, kind, ...hosts }));
    case 'ip4':
      return parseNetwork(4, rest, (range) => ({ ...base, kind, ...range }));
    case 'ip6':
      return parseNetwork(6, rest, (range) => ({ ...base, kind, ...range }));
    default:
      return 'is no mechanism';
  }
}

function withSpec<T>(text: string, make: (spec: Spec) => T): T | string {
  const parts = parseMacros(text);
  if (typeof parts === 'string') return parts;
  if (text === '') return 'names no domain';
  return endsWell(parts.at(-1)) ? make(parts) : 'names no domain that can be';
}

/** It ends in a macro, or in a dot, a label that a top-level domain can have, and perhaps one more dot. */
function endsWell(last: MacroPart | undefined): boolean {
  if (last === undefined || 'letter' in last || /[% ]/.test(last.literal)) return true;
  return TOP_LABEL.test(/\.([^.]*)\.?$/.exec(last.literal)?.[1] ?? '');
}

type Hosts = { readonly spec: Spec | null; readonly bits4: number; readonly bits6: number };

function parseHosts<T>(rest: string, make: (hosts: Hosts) => T): T | string {
  const [, name, four, six] = /^(?::(.*?))?(?:\/(\d+))?(?:\/\/(\d+))?$/.exec(rest) ?? [];
  if (rest !== '' && name === undefined && four === undefined && six === undefined)
    return 'has a wrong ending';
  const bits4 = prefixBits(four, 32);
  const bits6 = prefixBits(six, 128);
  if (bits4 === null || bits6 === null) return 'has a prefix length that cannot be';
  if (name === undefined) return make({ spec: null, bits4, bits6 });
  return withSpec(name, (spec) => make({ spec, bits4, bits6 }));
}

/** RFC 7208 §5.6: no leading zeros; the whole address without a length. */
function prefixBits(digits: string | undefined, width: number): number | null {
  if (digits === undefined) return width;
  const bits = Number(digits);
  return /^(?:0|[1-9]\d{0,2})$/.test(digits) && bits <= width ? bits : null;
}

type Range = { readonly network: Uint8Array; readonly bits: number };

function parseNetwork<T>(family: 4 | 6, rest: string, make: (range: Range) => T): T | string {
  const [, text = '', length] = /^:([0-9a-f:.]+)(?:\/(\d+))?$/i.exec(rest) ?? [];
  const address = parseAddress(text);
  if (address?.family !== family) return `is no IPv${family} network`;
  const bits = prefixBits(length, family === 4 ? 32 : 128);
  return bits === null ? 'has a prefix length that cannot be' : make({ network: address.bytes, bits });
}
