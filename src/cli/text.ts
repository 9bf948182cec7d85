import { eastAsianWidth } from 'get-east-asian-width';
import type { Status } from '../report.ts';
import { clean } from './clean.ts';

/** What a piece of text means; colour adds to the words and never replaces them. */
export type Style = 'ok' | 'warn' | 'crit' | 'unknown' | 'dim' | 'strong' | 'trusted';

/** A piece of text. It is neutralised when made, so a renderer cannot forget to. */
export type Span = {
  readonly text: string;
  readonly style?: Style;
  /** A picture over the text, where the terminal draws pictures. */
  readonly picture?: Overlay;
};

/** Control sequences of ours that draw at the cursor, and the rows that they take, up from that of the text. */
export type Overlay = { readonly draw: string; readonly rows: number };

/** One line of output, before anybody decides on colour. */
export type Line = readonly Span[];

/** What may stand inside a line. */
export type Inline = string | number | Span | Line;

const ASCII = /^[\x20-\x7e]*$/;
const COMBINING = /^\p{M}$/u;

/** Columns that a text takes in a terminal. Neutralised text has no sequences of joined emoji. */
function columns(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (!COMBINING.test(char)) width += eastAsianWidth(char.codePointAt(0) ?? 0);
  }
  return width;
}

function isSpan(value: Inline): value is Span {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Anything that may stand inside a line, as a line. */
export function asLine(value: Inline): Line {
  if (typeof value === 'string') return value === '' ? [] : [{ text: clean(value) }];
  if (typeof value === 'number') return [{ text: String(value) }];
  return isSpan(value) ? [value] : value;
}

/**
 * A line from a template: whatever is interpolated is neutralised, and keeps the style it came with.
 *
 * @example line`${strong(host)} offers ${ok('STARTTLS')}`
 */
export function line(literals: TemplateStringsArray, ...values: readonly Inline[]): Line {
  return literals.flatMap((literal, index) => {
    const value = values[index];
    return [...asLine(literal), ...(value === undefined ? [] : asLine(value))];
  });
}

function styled(style: Style): (text: string | number) => Span {
  return (text) => ({ text: clean(String(text)), style });
}

export const ok = styled('ok');
export const warn = styled('warn');
export const crit = styled('crit');
export const unknown = styled('unknown');
export const dim = styled('dim');
export const strong = styled('strong');
/** The light green of a trusted sender: for words of ours and of the list, never for those of a message. */
export const trusted = styled('trusted');

const BY_STATUS: Readonly<Record<Status, readonly [glyph: string, word: string]>> = {
  ok: ['✔', 'ok'],
  warn: ['!', 'warning'],
  crit: ['✖', 'critical'],
  unknown: ['?', 'unknown'],
};

/** Text in the style of a state. */
function inState(status: Status, text: string): Span {
  return { text: clean(text), style: status };
}

/** The mark of a state: a sign and a word, such as `✔ ok`. */
export function mark(status: Status, word: string = BY_STATUS[status][1]): Span {
  return inState(status, `${BY_STATUS[status][0]} ${word}`);
}

/** Columns that a line takes. */
export function widthOf(spans: Line): number {
  return spans.reduce((sum, span) => sum + columns(span.text), 0);
}

/** A text that takes no more than a number of columns; what is cut ends in an ellipsis. */
export function shorten(text: string, width: number): string {
  const safe = clean(text);
  if (columns(safe) <= width) return safe;
  let kept = '';
  let used = 1;
  for (const char of safe) {
    used += columns(char);
    if (used > width) break;
    kept += char;
  }
  return `${kept}…`;
}

/** A line filled up with blanks to a width. */
function pad(spans: Line, width: number): Line {
  const missing = width - widthOf(spans);
  return missing > 0 ? [...spans, { text: ' '.repeat(missing) }] : spans;
}

/** Cells up to the last one that holds something: no line ends in blanks. */
function withoutEmptyEnd(cells: readonly Line[]): readonly Line[] {
  return cells.slice(0, cells.findLastIndex((cell) => widthOf(cell) > 0) + 1);
}

/** The width of each column but the last of every row. */
function columnWidths(rows: readonly (readonly Line[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    }
  }
  return widths;
}

const GAP = '  ';

function rowsOf(rows: readonly (readonly Inline[])[]): (readonly Line[])[] {
  return rows.map((row) => withoutEmptyEnd(row.map(asLine)));
}

/** Lines with aligned columns and no frame. Rows may be of different length; the last cell is not padded. */
export function table(rows: readonly (readonly Inline[])[], indent = 0): Line[] {
  const cells = rowsOf(rows);
  const widths = columnWidths(cells);
  return cells.map((row) => {
    const padded = row.flatMap((cell, column) =>
      column < row.length - 1 ? [...pad(cell, widths[column] ?? 0), { text: GAP }] : cell,
    );
    return indent > 0 ? [{ text: ' '.repeat(indent) }, ...padded] : padded;
  });
}

/**
 * A table in a width: what is too long in the last column goes on below itself, and a word that is too long for that,
 * such as a path, below the row.
 */
export function fittedTable(rows: readonly (readonly Inline[])[], width: number, indent = 0): Line[] {
  const widths = columnWidths(rowsOf(rows));
  const hang = widths.reduce((sum, each) => sum + each + GAP.length, indent);
  const fits = (lines: readonly Line[]) => lines.every((each) => widthOf(each) <= width);
  return table(rows, indent).flatMap((row) => {
    const beside = wrap(row, width, hang);
    return fits(beside) ? beside : wrap(row, width, indent + 4);
  });
}

/** A label and what hangs below it. */
export type Tree = { readonly label: Inline; readonly children?: readonly Tree[] };

/** Lines of a tree, with the branches drawn; a label that is wider than the tree may be goes on below itself. */
export function tree(roots: readonly Tree[], width: number = Number.POSITIVE_INFINITY, prefix = ''): Line[] {
  return roots.flatMap(({ label, children = [] }, index) => {
    const last = index === roots.length - 1;
    const below = `${prefix}${last ? '   ' : '│  '}`;
    const beside = `${below}${children.length > 0 ? '│ ' : '  '}`;
    const [first = [], ...more] = wrap(asLine(label), width - beside.length);
    return [
      [dim(`${prefix}${last ? '└─ ' : '├─ '}`), ...first],
      ...more.map((each) => [dim(beside), ...each]),
      ...tree(children, width, below),
    ];
  });
}

/** Lines shifted to the right. */
export function indented(lines: readonly Line[], by: number): Line[] {
  return lines.map((spans) => (spans.length === 0 ? spans : [{ text: ' '.repeat(by) }, ...spans]));
}

/** A line without blanks at its end, which a narrow terminal would show as an empty line. */
function withoutEnd(spans: Line): Line {
  const index = spans.findLastIndex(({ text }) => text.trimEnd() !== '');
  const end = spans[index];
  return end === undefined ? [] : [...spans.slice(0, index), { ...end, text: end.text.trimEnd() }];
}

/** What may not be torn apart: a word in whatever styles, with the blanks behind it. */
function unbroken(spans: Line): Span[][] {
  const words: Span[][] = [[]];
  for (const span of spans) {
    for (const text of span.text.split(/(?<= )/)) {
      if (text.trim() !== '' && words.at(-1)?.at(-1)?.text.endsWith(' ')) words.push([]);
      words.at(-1)?.push({ ...span, text });
    }
  }
  return words;
}

/**
 * Break a line at blanks so that it fits a width; continuation lines are indented by `hang` columns. A word
 * longer than the width is left whole: cutting a host name or a digest would lose what matters.
 */
export function wrap(spans: Line, width: number, hang = 0): Line[] {
  if (widthOf(spans) <= width) return [spans];
  const lines: Span[][] = [[]];
  let used = 0;
  for (const word of unbroken(spans)) {
    if (used > hang && used + widthOf(withoutEnd(word)) > width) {
      lines.push([{ text: ' '.repeat(hang) }]);
      used = hang;
    }
    lines.at(-1)?.push(...word);
    used += widthOf(word);
  }
  return lines.map(withoutEnd);
}
