import { CONFUSABLES } from './confusables.ts';

const ASCII = /^[\x20-\x7e]*$/;

/** What is not seen at all: default-ignorable characters, bidi controls among them. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/gu;

const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  CONFUSABLES.flatMap(([ascii, chars]) => [...chars].map((char) => [char, ascii] as const)),
);

/**
 * What a text looks like at a glance, after the skeleton of UTS #39 §4: two texts with one skeleton can be
 * taken for each other. Coarser than the standard's, for case and accents do not help a hurried reader: NFKC,
 * without accents and unseen characters, look-alikes of ASCII by the table, lower case, `i`, `1` and `|` as
 * `l`, `0` as `o`, `m` as `rn`, `w` as `vv`, one blank between words. For comparing, never for showing.
 */
export function skeleton(text: string): string {
  const seen = ASCII.test(text) ? text : latinised(text);
  return seen
    .toLowerCase()
    .replaceAll(/[i1|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('m', 'rn')
    .replaceAll('w', 'vv')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function latinised(text: string): string {
  const bare = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(UNSEEN, '');
  return [...bare].map(lookalike).join('').normalize('NFKC');
}

/** As written first (`Н` looks like H), then in lower case (`н` has no look-alike). */
function lookalike(char: string): string {
  const lower = char.toLowerCase();
  return LOOKALIKES.get(char) ?? LOOKALIKES.get(lower) ?? char;
}

/** The words of a skeleton: letters and digits, apart. */
export function wordsOf(text: string): readonly string[] {
  return skeleton(text).match(/[\p{L}\p{N}]+/gu) ?? [];
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
  const scripts = new Set([...label].flatMap(scriptOf));
  return (
    scripts.size > 1 && !TOGETHER.some((allowed) => [...scripts].every((each) => allowed.includes(each)))
  );
}

function scriptOf(char: string): readonly string[] {
  if (!/\p{L}/u.test(char) || /[\p{Script=Common}\p{Script=Inherited}]/u.test(char)) return [];
  return [SCRIPTS.find(([, is]) => is.test(char))?.[0] ?? 'another'];
}
