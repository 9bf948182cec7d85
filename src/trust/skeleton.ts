import { CONFUSABLES } from './confusables.ts';

const ASCII = /^[\x20-\x7e]*$/;

/** What is not seen at all: default-ignorable characters, bidi controls among them. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/gu;

const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  CONFUSABLES.flatMap(([ascii, chars]) => [...chars].map((char) => [char, ascii] as const)),
);

/** Letters with the accents of European languages: `ä` is another letter than `a`, and close to it. */
const ACCENTED = /[\u00c0-\u024f]/;

/** Two readings of one text: as a hurried reader takes it, and as a careful one does who sees accents. */
export type Skeleton = { readonly hurried: string; readonly careful: string };

/**
 * What a text looks like at a glance, after the skeleton of UTS #39 §4: two texts with one skeleton can be
 * taken for each other. Coarser than the standard's, as case does not help a reader: NFKC, without unseen
 * characters and marks, look-alikes of ASCII by the table, lower case, `i`, `1` and `|` as `l`, `0` as `o`,
 * `m` as `rn`, `w` as `vv`, one blank between words. For comparing, never for showing.
 */
export function skeleton(text: string): Skeleton {
  if (ASCII.test(text)) {
    const only = shaped(text);
    return { hurried: only, careful: only };
  }
  const careful = [...text.normalize('NFKC')].map((char) => (isAccented(char) ? char : bare(char))).join('');
  return { hurried: shaped(bare(text)), careful: shaped(careful) };
}

function shaped(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[i1|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('m', 'rn')
    .replaceAll('w', 'vv')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function isAccented(char: string): boolean {
  return ACCENTED.test(char) && char.normalize('NFD').length > 1;
}

function bare(text: string): string {
  const letters = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(UNSEEN, '');
  return [...letters].map(lookalike).join('').normalize('NFKC');
}

/** As written first (`Н` looks like H), then in lower case (`н` has no look-alike). */
function lookalike(char: string): string {
  const lower = char.toLowerCase();
  return LOOKALIKES.get(char) ?? LOOKALIKES.get(lower) ?? char;
}

/** The words of a text: letters and digits, apart. */
export function wordsOf(text: string): readonly Skeleton[] {
  const { hurried, careful } = skeleton(text);
  const [quick, slow] = [hurried, careful].map((each) => each.match(/[\p{L}\p{N}]+/gu) ?? []);
  return (quick ?? []).map((word, index) => ({ hurried: word, careful: slow?.[index] ?? word }));
}

/** Several words as one text. */
export function joined(words: readonly Skeleton[], between: string): Skeleton {
  return {
    hurried: words.map((word) => word.hurried).join(between),
    careful: words.map((word) => word.careful).join(between),
  };
}

/** Scripts that are told apart; a letter of another one counts as a script of its own. */
const SCRIPTS = [
  'Latin',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Bopomofo',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Cherokee',
  'Arabic',
  'Hebrew',
].map((name) => [name, new RegExp(`^\\p{Script_Extensions=${name}}$`, 'u')] as const);

/** UTS #39 §5.2, highly restrictive: what may stand together apart from one script alone. */
const TOGETHER = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

/** Whether letters of scripts stand together that no language writes together in one word. */
export function mixesScripts(label: string): boolean {
  if (ASCII.test(label)) return false;
  const scripts = new Set([...label].flatMap(scriptOf));
  return (
    scripts.size > 1 && !TOGETHER.some((allowed) => [...scripts].every((each) => allowed.includes(each)))
  );
}

function scriptOf(char: string): readonly string[] {
  if (!/\p{L}/u.test(char) || /[\p{Script=Common}\p{Script=Inherited}]/u.test(char)) return [];
  return [SCRIPTS.find(([, is]) => is.test(char))?.[0] ?? 'another'];
}
