import type { ViewedMark } from '../schema/message-view.ts';

/** Check marks, locks, shields, seals and stars: what only we say of a sender. */
const SEALS =
  /[\u{2611}\u{2705}\u{2713}\u{2714}\u{1f5f8}\u{1f5f9}\u{1f512}\u{1f513}\u{1f50f}\u{1f510}\u{1f511}\u{1f6e1}\u{1f530}\u{1f3c5}\u{1f396}\u{2b50}\u{2606}\u{2605}\u{1f7e2}\u{1f7e9}\u{26e8}\u{1f197}\u{2bbd}\u{1f4ae}]\u{fe0f}?/gu;

/** Marks upon one letter beyond these climb over the lines above (DS-3). */
const PILED = /(\p{M}{4})\p{M}+/gu;

/**
 * A name that a sender chose, as it may be shown beside a verdict: without the signs of a verdict, of whatever
 * script, and without piles of marks. Whoever writes it out still neutralises controls.
 */
export function plainName(text: string): string {
  return plainText(text.replaceAll(SEALS, ''));
}

/** The same for other text of a message: only piles go. */
export function plainText(text: string): string {
  return text.replaceAll(PILED, '$1').replaceAll(/\s+/gu, ' ').trim();
}

/** The two letters that stand for a company without a logo. */
export function badgeOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first = '?', second] = words;
  const letters = second === undefined ? [...first].slice(0, 2) : [[...first][0], [...second][0]];
  return letters.join('').toUpperCase();
}

/** A size for people: `870 B`, `12 kB`, `3.4 MB`. */
export function sizeWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Whose logo a certificate proves, as a sentence. */
export function markWords({ organization, authority, kind }: ViewedMark): string {
  const whose = plainName(organization ?? '') || 'somebody without a name';
  return `${plainName(authority)} certifies that the logo is that of ${whose} (${kind.toUpperCase()}); nobody vouches for the mail.`;
}
