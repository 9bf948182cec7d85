import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { createClfClock } from './time.ts';

/** Characters of `[17/May/2015:10:05:03 +0000]`. */
const TIME_LENGTH = 28;

const RESULT = / (\d{3}|-) (\d{1,15}|-)(?= |$|")/y;

/** Whether the quote at a place is escaped: an odd number of backslashes before it. */
function isEscaped(line: string, at: number): boolean {
  let before = at - 1;
  while (line[before] === '\\') before -= 1;
  return (at - before) % 2 === 0;
}

/** Where the next quote stands that is not escaped; -1 when there is none. */
function nextQuote(line: string, from: number): number {
  let at = line.indexOf('"', from);
  while (at > 0 && line[at - 1] === '\\' && isEscaped(line, at)) at = line.indexOf('"', at + 1);
  return at;
}

/** What stands in the quotes that begin at or after a place, and where they end. */
function quoted(line: string, from: number): { readonly text: string; readonly end: number } | null {
  if (line[from] !== ' ' || line[from + 1] !== '"') return null;
  const end = nextQuote(line, from + 2);
  return end === -1 ? null : { text: line.slice(from + 2, end), end: end + 1 };
}

/** Some tools put a whole line into quotes. */
function unwrapped(line: string): string {
  return line[0] === '"' && line.endsWith('"') && line.length > 1 ? line.slice(1, -1) : line;
}

/**
 * Who asked, and which site: `client ident user`, or `site:port client ident user`. The user may hold blanks, and
 * hardly any server fills in the ident.
 */
export function parties(head: string): { readonly client: string; readonly site: string | null } {
  const [first = '', second = '-'] = head.split(' ', 3);
  const isVirtualHost =
    second !== '-' && (/:\d+$/.test(first) || /^[\d.]{7,15}$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(second));
  return isVirtualHost && second !== '' ? { client: second, site: first } : { client: first, site: null };
}

/**
 * Reads lines in common and combined format, with or without the virtual host, as Apache, nginx and others write them.
 *
 * The time is what stands before the first quote that is not escaped: brackets and blanks in the name of a user are
 * nobody's time. The request ends at the first quote behind which status and size follow, so that a server that does
 * not escape quotes is understood, too.
 */
export function createClfParser(): (line: string) => LogEntry | null {
  const clock = createClfClock();
  return (whole) => {
    const line = unwrapped(whole);
    const begin = nextQuote(line, 0);
    const bracket = begin - 1 - TIME_LENGTH;
    if (bracket < 2 || line[bracket] !== '[' || line[begin - 2] !== ']' || line[begin - 1] !== ' ')
      return null;
    const timeMs = clock(line.slice(bracket + 1, begin - 2));
    const { client, site } = parties(line.slice(0, bracket - 1));
    if (timeMs === null || !isClient(client)) return null;
    for (let end = nextQuote(line, begin + 1); end !== -1; end = nextQuote(line, end + 1)) {
      RESULT.lastIndex = end + 1;
      const result = RESULT.exec(line);
      if (result === null) continue;
      const bytes = sizeOf(result[2] ?? '');
      if (bytes === null) return null;
      const referer = quoted(line, RESULT.lastIndex);
      const agent = referer && quoted(line, referer.end);
      return {
        timeMs,
        client,
        site,
        bytes,
        status: Number(result[1]) || 0,
        request: line.slice(begin + 1, end),
        referer: referer?.text ?? '',
        userAgent: agent?.text ?? null,
      };
    }
    return null;
  };
}
