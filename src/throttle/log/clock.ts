import { keep, stands, textOf, wordsOf } from './bytes.ts';
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
  // The time that was read last: many lines have the same.
  private readonly last = new Float64Array(wordsOf(ISO_LONGEST));
  private lastLength = 0;
  private lastMs = Number.NaN;
  // The minute that was read last, without its seconds, and the zone behind them.
  private readonly minute = new Float64Array(wordsOf(CLF_SECONDS));
  private minuteLength = 0;
  private readonly zone = new Float64Array(wordsOf(ISO_LONGEST));
  private zoneLength = 0;
  private minuteMs = 0;
  private readonly second = new Float64Array(wordsOf(EPOCH_DIGITS));
  private secondMs = Number.NaN;
  private millis = 0;

  /** Milliseconds since the epoch; NaN when it is no time, or one that only the parsers of texts can judge. */
  read(bytes: DataView, from: number, to: number): number {
    const length = to - from;
    if (length === this.lastLength && stands(this.last, 0, length, bytes, from)) return this.lastMs;
    if (length < ISO_SHORTEST || length > ISO_LONGEST) return Number.NaN;
    const timeMs = this.time(bytes, from, to);
    if (!Number.isNaN(timeMs)) {
      keep(bytes, from, length, this.last, 0);
      this.lastLength = length;
      this.lastMs = timeMs;
    }
    return timeMs;
  }

  /** Where the time ends that begins at a place, if it is the one that was read last; or -1. */
  endOf(bytes: DataView, from: number, end: number): number {
    const to = from + this.lastLength;
    return to < end && stands(this.last, 0, this.lastLength, bytes, from) ? to : -1;
  }

  private time(bytes: DataView, from: number, to: number): number {
    if (to - from === CLF_LENGTH && bytes.getUint8(from + CLF_LENGTH - 6) === BLANK)
      return this.clfTime(bytes, from);
    return bytes.getUint8(from + 4) === DASH ? this.isoTime(bytes, from, to) : Number.NaN;
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
    if (stands(this.second, 0, EPOCH_DIGITS, bytes, from)) return true;
    let seconds = 0;
    for (let at = from; at < from + EPOCH_DIGITS; at += 1) {
      const byte = bytes.getUint8(at);
      if (!isDigit(byte)) return false;
      seconds = seconds * 10 + byte - ZERO;
    }
    if (seconds >= EPOCH_END) return false;
    keep(bytes, from, EPOCH_DIGITS, this.second, 0);
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
      this.minuteLength === seconds &&
      this.zoneLength === to - zone &&
      stands(this.minute, 0, seconds, bytes, from) &&
      stands(this.zone, 0, to - zone, bytes, zone)
    );
  }

  private learn(bytes: DataView, from: number, seconds: number, zone: number, to: number): void {
    keep(bytes, from, seconds, this.minute, 0);
    keep(bytes, zone, to - zone, this.zone, 0);
    this.minuteLength = seconds;
    this.zoneLength = to - zone;
  }
}

/** Two digits; NaN when they are none. */
function secondsAt(bytes: DataView, at: number): number {
  const tens = bytes.getUint8(at);
  const ones = bytes.getUint8(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN;
}
