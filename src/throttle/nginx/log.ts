import type { Counting, Served } from '../follow/entry.ts';

/** First in every line, so that another format is told from ours. */
const VERSION = 'postern1';

/**
 * The format, as it stands in the configuration.
 *
 * @param refusal  what is not empty in a request that was refused
 * @param rest  what stands for address, host, bytes, method, path and user agent
 */
export function logLine(counting: Counting, refusal: string, rest: readonly string[]): string {
  return [VERSION, counting, refusal, ...rest].join('\\t');
}

/**
 * The format of nginx. It writes quotes, backslashes and control characters in a header as \xNN, so nothing a client
 * sends is a tab or ends a line.
 */
export function logFormat(counting: Counting, refusal: string): string {
  const tail = [
    '$remote_addr',
    '$host',
    '$bytes_sent',
    '$request_method',
    '$request_uri',
    '$http_user_agent',
  ];
  return logLine(counting, refusal, tail);
}

/** Fields of a line: version, counting, refusal, and what {@link logFormat} has behind them. */
const FIELDS = 9;

const TAB = '\t';

/** As nginx writes it: Apache has a backslash before quotes and backslashes, and letters for some control characters. */
function likeNginx(text: string): string {
  return text.replaceAll(/\\([^x])/g, (_, char: string) => {
    const meant = { b: '\b', n: '\n', r: '\r', t: '\t', v: '\v' }[char] ?? char;
    return `\\x${meant.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** One line that is of our format. What only a block wants to know is cut out when it is asked for. */
class Line implements Served {
  readonly counting: Counting;
  readonly refused: boolean;
  readonly verdict: string;
  readonly address: string;
  readonly host: string;
  readonly bytes: number;
  private readonly request: string;

  constructor(counting: Counting, fields: readonly [string, string, string], bytes: number, request: string) {
    const [refusal, address, host] = fields;
    this.counting = counting;
    this.refused = refusal !== '' && refusal !== '-';
    this.verdict = refusal;
    this.address = address;
    this.host = host;
    this.bytes = bytes;
    this.request = request;
  }

  get method(): string {
    return this.request.slice(0, this.request.indexOf(TAB));
  }

  get path(): string {
    return likeNginx(this.request.slice(this.request.indexOf(TAB) + 1, this.request.lastIndexOf(TAB)));
  }

  get userAgent(): string {
    const text = this.request.slice(this.request.lastIndexOf(TAB) + 1);
    return text === '-' ? '' : likeNginx(text);
  }
}

/** Digits as a number, up to 15 of them; -1 for anything else. */
function whole(line: string, from: number, to: number): number {
  if (to <= from || to - from > 15) return -1;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = line.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A line of the log, without its end; null when it is none of ours. Every request takes it, so nothing is cut twice. */
export function parseNginxLine(line: string): Served | null {
  const ends: number[] = [];
  for (let at = line.indexOf(TAB); at !== -1; at = line.indexOf(TAB, at + 1)) {
    if (ends.length === FIELDS - 1) return null;
    ends.push(at);
  }
  const [version = 0, kind = 0, refusal = 0, address = 0, host = 0, size = 0] = ends;
  if (ends.length !== FIELDS - 1 || line.slice(0, version) !== VERSION) return null;
  const counting = line.slice(version + 1, kind);
  const bytes = whole(line, host + 1, size);
  if ((counting !== 'l' && counting !== 'a' && counting !== 'n') || bytes === -1) return null;
  const fields = [
    line.slice(kind + 1, refusal),
    line.slice(refusal + 1, address),
    line.slice(address + 1, host),
  ] as const;
  return new Line(counting, fields, bytes, line.slice(size + 1));
}
