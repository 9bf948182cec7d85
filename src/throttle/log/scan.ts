import type { Request, Spelling } from '../visitors.ts';
import { ByteCache } from './cache.ts';
import { parties } from './clf.ts';
import { isClient, isTool } from './entry.ts';
import { createClfClock } from './time.ts';

const CR = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BRACE = 0x7b;

/** Bytes of `[17/May/2015:10:05:03 +0000]`, and of what stands in it. */
const BRACKETS = 28;
const TIME = 26;

/** Where the seconds stand in a time. */
const SECONDS = 18;

/** Most digits of a size. */
const SIZE_DIGITS = 15;

/** Names of files that a page brings along, as numbers of their bytes; the shortest has two, the longest five. */
const ASSETS: ReadonlySet<number> = new Set(
  'css js mjs png jpg jpeg gif svg webp avif ico woff woff2 ttf'
    .split(' ')
    .map((name) => Buffer.from(name).reduce((sum, byte) => sum * 256 + byte, 0)),
);

function isAssetEnding(bytes: Buffer, from: number, to: number): boolean {
  const length = to - from;
  if (length < 2 || length > 5) return false;
  let sum = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    sum = sum * 256 + (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
  }
  return ASSETS.has(sum);
}

/** Whether a request such as `GET /a.css?1 HTTP/1.1` asks for what a page brings along. */
function hasAsset(bytes: Buffer, from: number, to: number): boolean {
  let dot = -1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at];
    if (byte === DOT) dot = at;
    else if ((byte === BLANK || byte === QUESTION) && dot !== -1) {
      if (isAssetEnding(bytes, dot + 1, at)) return true;
      dot = -1;
    }
  }
  return dot !== -1 && isAssetEnding(bytes, dot + 1, to);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** @returns null when nobody can be called that */
function whoIn(head: string): Spelling | null {
  const { client, site } = parties(head);
  return isClient(client) ? { client, site, visitor: undefined } : null;
}

/**
 * Reads common and combined lines where they lie, without making strings of them: what is needed of a client or a
 * browser is remembered by its bytes. It takes plain lines alone, without a backslash and with every part in its
 * place; whatever else there is, the parser of whole lines judges.
 */
export class LineScanner {
  /** What the line said that was read last; the next one takes its place. */
  readonly request: { -readonly [K in keyof Request]: Request[K] } = {
    timeMs: 0,
    who: { client: '', site: null, visitor: undefined },
    bytes: 0,
    isAsset: false,
    isReferred: false,
    isTool: false,
  };
  private readonly heads = new ByteCache(1 << 16, 48, whoIn);
  private readonly agents = new ByteCache(1 << 12, 256, isTool);
  private readonly clock = createClfClock();
  private readonly minute = new Uint8Array(TIME);
  private minuteMs = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private text = '';
  private backslash = 0;

  /** Begin with other lines, each of which ends with a line feed. */
  open(bytes: Buffer): void {
    this.bytes = bytes;
    // Searching for a character is many times faster in a string than byte by byte.
    this.text = bytes.toString('latin1');
    this.backslash = this.next('\\', 0);
  }

  /** Where a line ends. */
  endOf(from: number): number {
    return this.text.indexOf('\n', from);
  }

  /**
   * Read one line.
   *
   * @param end  where its line feed stands
   * @returns false when the line has to be read in another way
   */
  scan(from: number, end: number): boolean {
    const { bytes, request } = this;
    if (this.backslash < from) this.backslash = this.next('\\', from);
    if (this.backslash < end) return false;
    // What begins so is JSON or a directive, whatever follows.
    if (bytes[from] === BRACE || bytes[from] === HASH) return false;
    const begin = this.next('"', from);
    const bracket = begin - 1 - BRACKETS;
    if (begin > end || bracket < from + 2 || bytes[bracket] !== OPEN) return false;
    if (bytes[begin - 2] !== CLOSE || bytes[begin - 1] !== BLANK) return false;
    const close = this.next('"', begin + 1);
    if (close > end || !this.readTime(bytes, bracket + 1)) return false;
    const who = this.heads.get(bytes, from, bracket - 1);
    if (who === null) return false;
    const size = this.readResult(bytes, close + 1);
    if (size === -1) return false;
    request.who = who;
    request.isAsset = hasAsset(bytes, begin + 1, close);
    return this.readRest(bytes, size, end);
  }

  /** Where a character stands next; beyond everything when it does not. */
  private next(character: string, from: number): number {
    const at = this.text.indexOf(character, from);
    return at === -1 ? Number.MAX_SAFE_INTEGER : at;
  }

  /** `" 200 1234`: status and size. @returns where they end, or -1 */
  private readResult(bytes: Buffer, from: number): number {
    if (bytes[from] !== BLANK) return -1;
    let at = from + 1;
    if (bytes[at] === DASH) at += 1;
    else if (isDigit(bytes[at]) && isDigit(bytes[at + 1]) && isDigit(bytes[at + 2])) at += 3;
    else return -1;
    if (bytes[at] !== BLANK) return -1;
    at += 1;
    let size = 0;
    if (bytes[at] === DASH) at += 1;
    else {
      const first = at;
      for (; isDigit(bytes[at]); at += 1) size = size * 10 + (bytes[at] ?? 0) - ZERO;
      if (at === first || at - first > SIZE_DIGITS) return -1;
    }
    this.request.bytes = size;
    return at;
  }

  /** What a combined line says behind the size. */
  private readRest(bytes: Buffer, from: number, end: number): boolean {
    const { request } = this;
    request.isReferred = false;
    request.isTool = false;
    if (from === end || (from + 1 === end && bytes[from] === CR)) return true;
    if (bytes[from] !== BLANK || bytes[from + 1] !== QUOTE) return false;
    const referer = this.next('"', from + 2);
    if (referer > end || bytes[referer + 1] !== BLANK || bytes[referer + 2] !== QUOTE) return false;
    const agent = this.next('"', referer + 3);
    if (agent > end) return false;
    const isDash = referer === from + 3 && bytes[from + 2] === DASH;
    request.isReferred = referer > from + 2 && !isDash;
    request.isTool = this.agents.get(bytes, referer + 3, agent);
    return true;
  }

  /** A time is read once a minute. */
  private readTime(bytes: Buffer, from: number): boolean {
    const tens = (bytes[from + SECONDS] ?? 0) - ZERO;
    const seconds = tens * 10 + (bytes[from + SECONDS + 1] ?? 0) - ZERO;
    if (!this.isMinute(bytes, from)) {
      const ms = this.clock(bytes.toString('latin1', from, from + TIME));
      if (ms === null) return false;
      this.minute.set(bytes.subarray(from, from + TIME));
      this.minuteMs = ms - seconds * 1000;
    }
    this.request.timeMs = this.minuteMs + seconds * 1000;
    return seconds >= 0 && seconds <= 60;
  }

  private isMinute(bytes: Buffer, from: number): boolean {
    const { minute } = this;
    for (let at = 0; at < TIME; at += 1)
      if (minute[at] !== bytes[from + at] && at !== SECONDS && at !== SECONDS + 1) return false;
    return true;
  }
}
