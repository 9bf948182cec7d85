import { hasAsset } from './asset.ts';
import { textOf } from './bytes.ts';
import { ByteCache, NOWHERE } from './cache.ts';
import { parties } from './clf.ts';
import { ByteClock } from './clock.ts';
import { isClient, isTool } from './entry.ts';
import { JsonScanner } from './json-scan.ts';
import { type Known, newlyKnown, type Scanned } from './known.ts';

const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const DASH = 0x2d;
const ZERO = 0x30;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const BRACE = 0x7b;

/** Bytes of `[17/May/2015:10:05:03 +0000]`. */
const BRACKETS = 28;

/** Most digits of a size. */
const SIZE_DIGITS = 15;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** @returns null when nobody can be called that */
function whoIn(head: string): Known | null {
  const { client, site } = parties(head);
  return isClient(client) ? newlyKnown(client, site) : null;
}

/**
 * Reads common and combined lines, and objects of JSON, where they lie, without making strings of them: what is needed
 * of a client or a browser is remembered by its bytes. It takes plain lines alone, without a backslash and with every
 * part in its place; whatever else there is, the parser of whole lines judges.
 */
export class LineScanner {
  /** What the line said that was read last; the next one takes its place. */
  readonly request: Scanned = {
    timeMs: 0,
    who: newlyKnown('', null),
    bytes: 0,
    isAsset: false,
    isReferred: false,
    isTool: false,
  };
  private readonly heads = new ByteCache(1 << 10, 1 << 20, 48, whoIn);
  private readonly agents = new ByteCache(1 << 8, 1 << 16, 256, isTool);
  private readonly json = new JsonScanner(this.request);
  private readonly clock = new ByteClock();
  private bytes: Buffer = Buffer.alloc(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private backslash = 0;

  /** Begin with other lines, each of which ends with a line feed. */
  open(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.backslash = this.next(BACKSLASH, 0);
  }

  /** Where a line ends. */
  endOf(from: number): number {
    return this.bytes.indexOf(LF, from);
  }

  /**
   * Read one line.
   *
   * @param end  where its line feed stands
   * @returns false when the line has to be read in another way
   */
  scan(from: number, end: number): boolean {
    const { view } = this;
    const first = view.getUint8(from);
    if (first === BRACE) return this.json.scan(view, from, end);
    // What begins so is a directive, whatever follows.
    if (first === HASH || this.hasBackslash(from, end)) return false;
    const begin = this.next(QUOTE, from);
    const bracket = begin - 1 - BRACKETS;
    if (begin > end || bracket < from + 2 || view.getUint8(bracket) !== OPEN) return false;
    if (view.getUint8(begin - 2) !== CLOSE || view.getUint8(begin - 1) !== BLANK) return false;
    const close = this.next(QUOTE, begin + 1);
    if (close > end) return false;
    const timeMs = this.clock.read(view, bracket + 1, begin - 2);
    const who = Number.isNaN(timeMs) ? null : this.heads.get(view, from, bracket - 1);
    const size = who === null ? -1 : this.readResult(close + 1);
    if (who === null || size === -1) return false;
    this.request.timeMs = timeMs;
    this.request.who = who;
    this.request.isAsset = hasAsset(view, begin + 1, close);
    return this.readRest(size, end);
  }

  private hasBackslash(from: number, end: number): boolean {
    if (this.backslash < from) this.backslash = this.next(BACKSLASH, from);
    return this.backslash < end;
  }

  /** Where a byte stands next; beyond everything when it does not. */
  private next(byte: number, from: number): number {
    const at = this.bytes.indexOf(byte, from);
    return at === -1 ? Number.MAX_SAFE_INTEGER : at;
  }

  /** `" 200 1234`: status and size. @returns where they end, or -1 */
  private readResult(from: number): number {
    const { bytes } = this;
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
  private readRest(from: number, end: number): boolean {
    const { bytes, request } = this;
    request.isReferred = false;
    request.isTool = false;
    if (from === end || (from + 1 === end && bytes[from] === CR)) return true;
    if (bytes[from] !== BLANK || bytes[from + 1] !== QUOTE) return false;
    const isDash = bytes[from + 2] === DASH && bytes[from + 3] === QUOTE;
    const referer = isDash ? from + 3 : this.next(QUOTE, from + 2);
    if (referer > end || bytes[referer + 1] !== BLANK || bytes[referer + 2] !== QUOTE) return false;
    request.isReferred = referer > from + 2 && !isDash;
    return this.readAgent(referer + 3, end);
  }

  /** Reads the browser: mostly it is the one that this client had before. */
  private readAgent(from: number, end: number): boolean {
    const { agents, request } = this;
    const { who } = request;
    const known = who.agent === NOWHERE ? -1 : agents.endOf(who.agent, this.view, from, end);
    if (known === -1 || this.bytes[known] !== QUOTE) {
      const agent = this.next(QUOTE, from);
      if (agent > end) return false;
      who.agent = agents.find(this.view, from, agent);
      if (who.agent === NOWHERE) request.isTool = isTool(textOf(this.view, from, agent));
    }
    if (who.agent !== NOWHERE) request.isTool = agents.at(who.agent);
    return true;
  }
}
