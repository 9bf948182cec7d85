import { parseAddress } from '../net/address.ts';
import type { Codes, DnsList } from './types.ts';

/** What one address in an answer means. */
export type Meaning = { readonly kind: 'listed' | 'error'; readonly meaning: string };

/** Errors that many lists have taken over. */
const COMMON_ERRORS: Readonly<Record<string, string>> = {
  '127.0.0.1': 'It refuses to answer; this code is never a listing.',
  '127.255.255.252': 'The name of the list is misspelled.',
  '127.255.255.254': 'It does not answer to public resolvers.',
  '127.255.255.255': 'Too many questions came from this resolver.',
};

/** Read one address that a list answered with. */
export function meaningOf(list: DnsList, text: string): Meaning {
  const address = parseAddress(text);
  if (address?.family !== 4 || address.bytes[0] !== 127)
    return error('An address outside 127.0.0.0/8: something on the way changes answers.');
  if (list.codes.kind === 'table') {
    const own = list.codes.errors[text];
    if (own !== undefined) return error(own);
  }
  const common = COMMON_ERRORS[text];
  if (common !== undefined) return error(common);
  if (text.startsWith('127.255.255.')) return error('It answers with an error.');
  return listMeaning(list.codes, text, address.bytes);
}

function error(meaning: string): Meaning {
  return { kind: 'error', meaning };
}

function listed(meaning: string | undefined): Meaning {
  return meaning === undefined
    ? error('A code that the list does not document.')
    : { kind: 'listed', meaning };
}

function listMeaning(codes: Codes, text: string, bytes: Uint8Array): Meaning {
  const [, , third = 0, fourth = 0] = bytes;
  switch (codes.kind) {
    case 'any':
      return listed('listed');
    case 'table':
      return listed(codes.listed[text]);
    case 'bits':
      return (fourth & 1) === 1 ? error('It refuses to answer.') : listed(bitMeanings(codes.bits, fourth));
    case 'dnswl':
      if (third === 0 && fourth === 255) return error('It does not answer to this resolver.');
      return listed(dnswlMeaning(third, fourth));
  }
}

function bitMeanings(bits: Readonly<Record<number, string>>, octet: number): string | undefined {
  const set = Object.entries(bits).filter(([bit]) => (octet & Number(bit)) !== 0);
  return set.length === 0 ? undefined : set.map(([, meaning]) => meaning).join(', ');
}

const CATEGORIES: Readonly<Record<number, string>> = {
  2: 'financial services',
  3: 'mail service provider',
  4: 'organization',
  5: 'network provider',
  6: 'personal server',
  7: 'travel',
  8: 'public sector',
  9: 'media and technology',
  10: 'special case',
  11: 'education',
  12: 'health care',
  13: 'industry',
  14: 'retail and services',
  15: 'mail marketing',
};

const TRUST = ['none', 'low', 'medium', 'high'];

function dnswlMeaning(category: number, trust: number): string | undefined {
  const [kind, level] = [CATEGORIES[category], TRUST[trust]];
  return kind === undefined || level === undefined ? undefined : `${kind}, trust: ${level}`;
}
