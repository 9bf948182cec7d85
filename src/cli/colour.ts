import { Chalk, type ChalkInstance } from 'chalk';
import { type Line, type Span, type Style, widthOf } from './text.ts';

export type ColourChoice = 'auto' | 'always' | 'never';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether a stream gets colour. The flag wins; then `NO_COLOR` (any non-empty value, no-color.org),
 * `FORCE_COLOR` and `CLICOLOR_FORCE` (anything but empty and 0), `CLICOLOR=0`, `TERM=dumb`; then whether
 * it is a terminal. Decided here because chalk does not look at NO_COLOR.
 */
export function wantsColour(choice: ColourChoice, env: Environment, isTerminal: boolean): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] === '0' || env['FORCE_COLOR'] === 'false') return false;
  if (env['FORCE_COLOR'] || (env['CLICOLOR_FORCE'] && env['CLICOLOR_FORCE'] !== '0')) return true;
  if (env['CLICOLOR'] === '0' || env['TERM'] === 'dumb') return false;
  return isTerminal;
}

/** Signs that a console without UTF-8 cannot show, and what stands for them. */
const ASCII: Readonly<Record<string, string>> = {
  '✔': '+',
  '✖': 'x',
  '├': '|',
  '└': '`',
  '─': '-',
  '│': '|',
  '→': '->',
  '·': '-',
  '…': '...',
  '–': '-',
  '’': "'",
};

/** Whether the locale says UTF-8 (POSIX order); where it says nothing, a modern terminal is assumed. */
export function wantsAscii(env: Environment): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return (
    env['TERM'] === 'linux' || (locale !== '' && !/utf-?8/i.test(locale) && /^(c|posix)$|\./i.test(locale))
  );
}

/** Neighbours of one style as one span: breaking lines leaves one a word. */
function joined(line: Line): Span[] {
  const spans: Span[] = [];
  for (const span of line) {
    const last = spans.at(-1);
    if (last && last.style === span.style && !last.picture && !span.picture)
      spans[spans.length - 1] = { ...last, text: last.text + span.text };
    else spans.push(span);
  }
  return spans;
}

/** Turns lines into text for one stream. */
export type Painter = (line: Line) => string;

export function painter(colour: boolean, ascii: boolean): Painter {
  const chalk = new Chalk({ level: colour ? 1 : 0 });
  const styles: Readonly<Record<Style, ChalkInstance>> = {
    ok: chalk.green,
    warn: chalk.yellow,
    crit: chalk.red,
    unknown: chalk.magenta,
    dim: chalk.dim,
    strong: chalk.bold,
    trusted: chalk.black.bgGreen,
  };
  return (line) => {
    const text = joined(line)
      .map((span) => (span.style ? styles[span.style](span.text) : span.text))
      .join('');
    return ascii ? text.replace(/[✔✖├└─│→·…–’]/g, (sign) => ASCII[sign] ?? sign) : text;
  };
}

/** Columns of the terminal that standard output is; without one nothing is wrapped. */
export function terminalColumns(): number {
  return process.stdout.isTTY === true
    ? Math.max(process.stdout.columns || 80, 40)
    : Number.POSITIVE_INFINITY;
}

/**
 * What draws the pictures of a line that was just ended: up to it, to the column, draw, and back. The line is never the
 * last one on the screen then, so that nothing scrolls while it is drawn.
 */
export function overlaysOf(line: Line): string {
  let column = 1;
  let text = '';
  for (const span of line) {
    if (span.picture)
      text += `\u001b7\u001b[${span.picture.rows}A\u001b[${column}G${span.picture.draw}\u001b8`;
    column += widthOf([span]);
  }
  return text;
}
