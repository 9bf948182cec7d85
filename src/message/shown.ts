import { parseDomain } from '../dns/names.ts';
import { decodeWords } from './words.ts';

const QUOTED = /"(?:[^"\\]|\\.)*"/gsu;
const COMMENT = /\((?:[^()\\]|\\.)*\)/gsu;
/** Longest value that is looked at. */
const MAX_LENGTH = 32_768;

/**
 * Domains that one mail client or another may show as the author's, each found by a short way that programs
 * take instead of the grammar: the first pair of angle brackets, the last one, the first word with an `@`,
 * each with and without respect for quotation marks, before and after encoded-words are decoded.
 *
 * The strict reader (mailboxes.ts) is right where they differ. That they differ is what matters.
 *
 * @param value  the unfolded field body
 * @returns domains in lower-case A-labels where they are domains, else as they stand; at least one reading
 *   is missing where a way finds nothing
 */
export function shownDomains(value: string): ReadonlySet<string> {
  const whole = value.slice(0, MAX_LENGTH);
  const bare = whole.replaceAll(QUOTED, ' ').replaceAll(COMMENT, ' ');
  const decoded = decodeWords(whole);
  const readings = [bare, whole, decoded].flatMap((text) => [firstAngle(text), lastAngle(text)]);
  // Without brackets the address stands alone; with them, what stands before is a name, and some show it.
  readings.push(firstWord(bare));
  return new Set(readings.flatMap((address) => (address === null ? [] : [domainOf(address)])));
}

function firstAngle(text: string): string | null {
  const found = /<([^<>]*)>/u.exec(text)?.[1];
  return found?.includes('@') ? found : null;
}

function lastAngle(text: string): string | null {
  const open = text.lastIndexOf('<');
  if (open === -1) return null;
  const found = text.slice(open + 1).split('>')[0] ?? '';
  return found.includes('@') ? found : null;
}

function firstWord(text: string): string | null {
  return text.split(/[\s<>,;:"()]+/u).find((word) => /[^@]@[^@]/u.test(word)) ?? null;
}

/** Behind the last `@`, as most take it. */
function domainOf(address: string): string {
  const text = address.slice(address.lastIndexOf('@') + 1).trim();
  const parsed = parseDomain(text, { underscores: true });
  return parsed.kind === 'name' ? parsed.ascii : text.toLowerCase();
}
