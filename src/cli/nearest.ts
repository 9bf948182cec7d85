/** Edit distance with transpositions (optimal string alignment), for words of a command line. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] ?? [];
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** Longest word that is compared; nobody mistypes a longer one. */
const MAX_WORD = 64;

/** Most suggestions at a time. */
const MAX_SUGGESTED = 3;

/** Whether a word is the beginning of another: who stops too early is nearer to it than who hits other keys. */
function goesOn(candidate: string, word: string): number {
  return candidate.startsWith(word) ? 1 : 0;
}

/** The known word nearest to a mistyped one, if it is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word.slice(0, MAX_WORD), candidate) }))
    .sort((a, b) => a.far - b.far || goesOn(b.candidate, word) - goesOn(a.candidate, word));
  return ranked[0] && ranked[0].far <= limit ? ranked[0].candidate : undefined;
}

/** Known words that may have been meant: the nearest one, or else those that begin with it. */
export function suggestions(word: string, known: readonly string[]): readonly string[] {
  const near = nearest(word, known);
  if (near !== undefined) return [near];
  return word.length < 3
    ? []
    : known.filter((candidate) => candidate.startsWith(word)).slice(0, MAX_SUGGESTED);
}

/** `Did you mean a, b or c?`, or nothing where there is nothing to suggest. */
export function didYouMean(words: readonly string[]): string | undefined {
  const [last = '', ...others] = words.toReversed();
  if (words.length === 0) return undefined;
  return `Did you mean ${others.length > 0 ? `${others.reverse().join(', ')} or ${last}` : last}?`;
}
