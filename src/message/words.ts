/** One encoded-word (RFC 2047 §2), with the language of RFC 2231 §5. Blanks inside are wrong and common. */
const WORD = /=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?]*)\?=/giu;
/** White space between two of them is not shown (RFC 2047 §6.2). */
const BETWEEN = /(\?=)\s+(?==\?[^?\s]{1,81}\?[bq]\?)/giu;

/**
 * Decode the encoded-words of a text the way a mail client shows them: also where none belong, such as in a
 * quoted string. What cannot be decoded stays as it is.
 */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text;
  const joined = text.replaceAll(BETWEEN, '$1');
  const words = [...joined.matchAll(WORD)];
  let shown = '';
  let at = 0;
  for (let index = 0; index < words.length; index += 1) {
    const run = runFrom(words, index);
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) continue;
    shown += joined.slice(at, first.index) + decodeRun(run);
    at = last.index + last[0].length;
    index += run.length - 1;
  }
  return shown + joined.slice(at);
}

/** Neighbours in one charset are decoded together: senders split characters between words. */
function runFrom(words: readonly RegExpExecArray[], start: number): readonly RegExpExecArray[] {
  const run: RegExpExecArray[] = [];
  for (let index = start; index < words.length; index += 1) {
    const word = words[index];
    const before = run.at(-1);
    if (word === undefined) break;
    const touches = before === undefined || before.index + before[0].length === word.index;
    const alike = before === undefined || before[1]?.toLowerCase() === word[1]?.toLowerCase();
    if (!touches || !alike) break;
    run.push(word);
  }
  return run;
}

function decodeRun(run: readonly RegExpExecArray[]): string {
  const bytes = Buffer.concat(run.map(([, , encoding = '', text = '']) => bytesOf(encoding, text)));
  try {
    return new TextDecoder(run[0]?.[1] ?? '').decode(bytes);
  } catch {
    return run.map(([whole]) => whole).join(''); // a charset that nobody knows
  }
}

function bytesOf(encoding: string, text: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(text, 'base64');
  const plain = text
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9a-f]{2})/giu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}
