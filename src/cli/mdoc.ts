/** Columns that a line of source may have; mandoc complains beyond 80. */
const COLUMNS = 78;

/** What a formatter would take for its own. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '…': '...',
  '’': '\\(cq',
  '–': '\\(en',
  '→': '\\(->',
};

/** Text in which the formatter sees text only, in ASCII. */
function escapeText(text: string): string {
  return text.replace(/[\\]|[^\x20-\x7e]/gu, (char) => {
    const point = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return SPECIAL[char] ?? `\\[u${point}]`;
  });
}

/** A line that begins with a dot or a quote would be an order. */
function unordered(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of sentence.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > COLUMNS) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/** Running text: each sentence begins a line, as mdoc(7) wants it, and no line is long. */
export function prose(text: string): string[] {
  return text
    .trim()
    .split(/(?<=[.!?]["')]?)\s+/)
    .flatMap((sentence) => wrapped(escapeText(sentence.replace(/\s+/g, ' '))))
    .map(unordered);
}

/** Text as arguments of a macro: quote marks and what looks like a macro's name lose their meaning. */
export function words(text: string): string {
  return escapeText(text)
    .replaceAll('"', '\\(dq')
    .split(' ')
    .map((word) => (/^(?:%?[A-Z][a-z]?|[A-Z][a-z])$|^[.,:;()[\]?!|]$/.test(word) ? `\\&${word}` : word))
    .join(' ');
}

/** A line of a macro with arguments that have been made for it. */
export function macro(name: string, ...args: readonly string[]): string {
  return [`.${name}`, ...args.filter((arg) => arg !== '')].join(' ');
}

/** An entry of a list: its head and what is said about it. */
export type Entry = readonly [head: string, body: readonly string[]];

/** A list of tagged paragraphs. */
export function tagged(entries: readonly Entry[]): string[] {
  if (entries.length === 0) return [];
  return [
    macro('Bl', '-tag', '-width', 'Ds'),
    ...entries.flatMap(([head, body]) => [macro('It', head), ...body]),
    macro('El'),
  ];
}
