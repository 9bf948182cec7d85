/** What stands around names and values in a header: blanks, tabs and folds, and nothing else that Unicode calls white. */
const FOLDING = ' \t\r\n';

/**
 * Without the blanks at both ends. Not by a regular expression: `[ \t]+$` takes the square of the length of blanks that
 * stand elsewhere, and a sender may write a million of them.
 */
export function trimBlanks(text: string, blanks: typeof FOLDING | ' \t' = FOLDING): string {
  const folds = blanks === FOLDING;
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start), folds)) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1), folds)) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number, folds: boolean): boolean {
  return code === 0x20 || code === 0x09 || (folds && (code === 0x0d || code === 0x0a));
}
