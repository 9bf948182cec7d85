import { copy, isSame, textOf } from './bytes.ts';
import { createClfClock, isoMs } from './time.ts';

const BLANK = 0x20;
const COMMA = 0x2c;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

/** Length of `17/May/2015:10:05:03 +0000`, and where its seconds stand. */
const CLF_LENGTH = 26;
const CLF_SECONDS = 18;

/** Where the seconds of `2015-05-17T10:05:03.5+00:00` stand, and the shortest and longest that there are. */
const ISO_SECONDS = 17;
const ISO_SHORTEST = 20;
const ISO_LONGEST = 35;

/** Digits of seconds since the epoch, from 2001 to 2286. */
const EPOCH_DIGITS = 10;

/** What a number of 32 bits holds: later times are none. */
const EPOCH_END = 2 ** 32;

/** Most digits of a fraction. */
const FRACTION_DIGITS = 9;

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/**
 * Reads times where they lie: those of access logs, and those of ISO 8601. A minute is understood once, and the lines
 * of that minute differ in their seconds alone.
 */
export class ByteClock {
  private readonly clf = createClfClock();
  private readonly known = new DataView(new ArrayBuffer(ISO_LONGEST));
  private knownLength = 0;
  private minuteMs = 0;
  private readonly second = new DataView(new ArrayBuffer(EPOCH_DIGITS));
  private secondMs = Number.NaN;
  private millis = 0;

  /** Milliseconds since the epoch; NaN when it is no time, or one that only the parsers of texts can judge. */
  read(bytes: DataView, from: number, to: number): number {
    const length = to - from;
    if (length === CLF_LENGTH && bytes.getUint8(from + CLF_LENGTH - 6) === BLANK)
      return this.clfTime(bytes, from);
    const isIso = length >= ISO_SHORTEST && length <= ISO_LONGEST && bytes.getUint8(from + 4) === DASH;
    return isIso ? this.isoTime(bytes, from, to) : Number.NaN;
  }

  /**
   * Milliseconds from seconds since the epoch, such as `1431857103.250`, rounded down as the nearest number of 64 bits
   * would be; NaN when that takes the parser of numbers.
   */
  epoch(bytes: DataView, from: number, to: number): number {
    if (to - from < EPOCH_DIGITS || !this.isSecond(bytes, from)) return Number.NaN;
    const point = from + EPOCH_DIGITS;
    if (point === to) return this.secondMs;
    if (bytes.getUint8(point) !== DOT) return Number.NaN;
    let micros = 0;
    let unit = 100_000;
    let at = point + 1;
    for (; at < to && isDigit(bytes.getUint8(at)); at += 1) {
      micros += (bytes.getUint8(at) - ZERO) * unit;
      unit = Math.floor(unit / 10);
    }
    if (at !== to || at === point + 1) return Number.NaN;
    const millis = Math.floor(micros / 1000);
    // A number of 64 bits is a quarter of a microsecond off, so only next to a whole millisecond it counts how it is rounded.
    const rest = micros % 1000;
    if (rest !== 0 && rest !== 999) return this.secondMs + millis;
    return to - point - 1 > 3 ? Number.NaN : Math.floor(((this.secondMs + millis) / 1000) * 1000);
  }

  /** Whether ten digits stand there: the second that was read last, or another one. */
  private isSecond(bytes: DataView, from: number): boolean {
    if (isSame(this.second, 0, bytes, from, EPOCH_DIGITS)) return true;
    let seconds = 0;
    for (let at = from; at < from + EPOCH_DIGITS; at += 1) {
      const byte = bytes.getUint8(at);
      if (!isDigit(byte)) return false;
      seconds = seconds * 10 + byte - ZERO;
    }
    if (seconds >= EPOCH_END) return false;
    copy(bytes, from, this.second, 0, EPOCH_DIGITS);
    this.secondMs = seconds * 1000;
    return true;
  }

  private clfTime(bytes: DataView, from: number): number {
    const seconds = secondsAt(bytes, from + CLF_SECONDS);
    if (!(seconds <= 60) || bytes.getUint8(from + CLF_SECONDS - 1) !== COLON) return Number.NaN;
    const zone = from + CLF_SECONDS + 2;
    if (!this.isKnown(bytes, from, CLF_SECONDS, zone, from + CLF_LENGTH)) {
      const ms = this.clf(textOf(bytes, from, from + CLF_LENGTH));
      if (ms === null) return Number.NaN;
      this.learn(bytes, from, CLF_SECONDS, zone, from + CLF_LENGTH);
      this.minuteMs = ms - seconds * 1000;
    }
    return this.minuteMs + seconds * 1000;
  }

  private isoTime(bytes: DataView, from: number, to: number): number {
    const seconds = secondsAt(bytes, from + ISO_SECONDS);
    const zone = this.fraction(bytes, from + ISO_SECONDS + 2, to);
    if (!(seconds <= 59) || bytes.getUint8(from + ISO_SECONDS - 1) !== COLON || zone === -1)
      return Number.NaN;
    if (!this.isKnown(bytes, from, ISO_SECONDS, zone, to)) {
      const ms = isoMs(textOf(bytes, from, to));
      // Midnight may be written 24:00:00, and no second of that minute follows.
      const isMidnight = bytes.getUint8(from + 11) === ZERO + 2 && bytes.getUint8(from + 12) === ZERO + 4;
      if (ms === null || isMidnight) return Number.NaN;
      this.learn(bytes, from, ISO_SECONDS, zone, to);
      this.minuteMs = ms - this.millis - seconds * 1000;
    }
    return this.minuteMs + seconds * 1000 + this.millis;
  }

  /** Reads a fraction, if there is one, into whole milliseconds. @returns where it ends, or -1 */
  private fraction(bytes: DataView, from: number, to: number): number {
    this.millis = 0;
    const mark = bytes.getUint8(from);
    if (mark !== DOT && mark !== COMMA) return from;
    let at = from + 1;
    for (let unit = 100; at < to && isDigit(bytes.getUint8(at)); at += 1, unit = Math.floor(unit / 10))
      this.millis += (bytes.getUint8(at) - ZERO) * unit;
    const digits = at - from - 1;
    return digits > 0 && digits <= FRACTION_DIGITS ? at : -1;
  }

  /** Whether it is the minute that was read last, in the same zone. */
  private isKnown(bytes: DataView, from: number, seconds: number, zone: number, to: number): boolean {
    return (
      this.knownLength === seconds + to - zone &&
      isSame(this.known, 0, bytes, from, seconds) &&
      isSame(this.known, seconds, bytes, zone, to - zone)
    );
  }

  private learn(bytes: DataView, from: number, seconds: number, zone: number, to: number): void {
    copy(bytes, from, this.known, 0, seconds);
    copy(bytes, zone, this.known, seconds, to - zone);
    this.knownLength = seconds + to - zone;
  }
}

/** Two digits; NaN when they are none. */
function secondsAt(bytes: DataView, at: number): number {
  const tens = bytes.getUint8(at);
  const ones = bytes.getUint8(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN;
}
