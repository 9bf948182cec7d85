/** What stands around names and values in a header: blanks, tabs and folds, and nothing else that Unicode calls white. */
const FOLDING = ' \t\r\n';

/**
 * Without the blanks at both ends. Not by a regular expression: `[ \t]+$` takes the square of the length of blanks that
 * stand elsewhere, and a sender may write a million of them.
 */
export function trimBlanks(text: string, blanks = FOLDING): string {
  let start = 0;
  let end = text.length;
  while (start < end && blanks.includes(text.charAt(start))) start += 1;
  while (end > start && blanks.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
