/** A request on its way to the engine: the number of its visitor, of the file from 0, and of the line in it from 1. */
export type Deliver = (timeMs: number, visitor: number, bytes: number, file: number, line: number) => void;

/**
 * Puts requests into the order of their times; those of one moment keep the order of their lines. Some servers log a
 * request when it ends under the time when it began, and merged logs are in no order at all. Up to the capacity
 * everything is sorted; a longer log is exact as long as no line stands further from its place than half of that, and
 * what comes later than that takes the time of the one before.
 */
export class Reorder {
  private readonly capacity: number;
  private readonly deliver: Deliver;
  private times = new Float64Array(1024);
  private bytes = new Float64Array(1024);
  private visitors = new Uint32Array(1024);
  private lines = new Uint32Array(1024);
  private files = new Uint16Array(1024);
  private count = 0;
  private sorted = true;
  private deliveredMs = 0;
  private lateCount = 0;

  /** @param capacity  requests that are held back, some 30 bytes each */
  constructor(capacity: number, deliver: Deliver) {
    this.capacity = capacity;
    this.deliver = deliver;
  }

  /** Requests that came too late to be put in their place. */
  get late(): number {
    return this.lateCount;
  }

  /** Take a request. @param timeMs  whole milliseconds since the epoch */
  push(timeMs: number, visitor: number, bytes: number, file: number, line: number): void {
    if (this.count === this.capacity) this.release(this.capacity >> 1);
    if (this.count === this.times.length) this.grow();
    if (timeMs < this.deliveredMs) this.lateCount += 1;
    const placed = Math.max(timeMs, this.deliveredMs);
    const at = this.count;
    if (at > 0 && placed < (this.times[at - 1] ?? 0)) this.sorted = false;
    this.times[at] = placed;
    this.bytes[at] = bytes;
    this.visitors[at] = visitor;
    this.files[at] = file;
    this.lines[at] = line;
    this.count += 1;
  }

  /** Deliver what is left. */
  end(): void {
    this.release(this.count);
  }

  /** Deliver the first so many, and close up the rest in the order in which they came. */
  private release(amount: number): void {
    if (amount === 0) return;
    if (this.sorted) {
      for (let at = 0; at < amount; at += 1) this.deliverAt(at);
      this.deliveredMs = this.times[amount - 1] ?? 0;
      this.close(amount);
      return;
    }
    const order = sortedOrder(this.times.subarray(0, this.count));
    for (let at = 0; at < amount; at += 1) this.deliverAt(order[at] ?? 0);
    this.deliveredMs = this.times[order[amount - 1] ?? 0] ?? 0;
    this.keep(order.subarray(amount).sort());
  }

  private deliverAt(at: number): void {
    this.deliver(
      this.times[at] ?? 0,
      this.visitors[at] ?? 0,
      this.bytes[at] ?? 0,
      this.files[at] ?? 0,
      this.lines[at] ?? 0,
    );
  }

  /** Keep what stands behind a place. */
  private close(from: number): void {
    for (const column of [this.times, this.bytes, this.visitors, this.files, this.lines])
      column.copyWithin(0, from, this.count);
    this.count -= from;
  }

  private keep(places: Uint32Array): void {
    for (const column of [this.times, this.bytes, this.visitors, this.files, this.lines])
      for (let to = 0; to < places.length; to += 1) column[to] = column[places[to] ?? 0] ?? 0;
    this.count = places.length;
    this.sorted = this.count === 0;
  }

  private grow(): void {
    const length = Math.min(this.capacity, this.times.length * 2);
    const [times, bytes, visitors, lines, files] = [
      this.times,
      this.bytes,
      this.visitors,
      this.lines,
      this.files,
    ];
    this.times = new Float64Array(length);
    this.bytes = new Float64Array(length);
    this.visitors = new Uint32Array(length);
    this.lines = new Uint32Array(length);
    this.files = new Uint16Array(length);
    this.times.set(times);
    this.bytes.set(bytes);
    this.visitors.set(visitors);
    this.lines.set(lines);
    this.files.set(files);
  }
}

const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

/**
 * The places of values, the least first, equal ones as they stand: by digits of 16 bits, the lowest first, which takes
 * three passes for the times of a century and two for those of a month.
 */
function sortedOrder(values: Float64Array): Uint32Array {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  let order = new Uint32Array(values.length);
  let next = new Uint32Array(values.length);
  for (let at = 0; at < order.length; at += 1) order[at] = at;
  const starts = new Uint32Array(DIGITS);
  for (let unit = 1; unit <= most - least; unit *= DIGITS) {
    const digit = (at: number) => Math.floor(((values[at] ?? 0) - least) / unit) % DIGITS;
    starts.fill(0);
    for (let at = 0; at < order.length; at += 1) {
      const each = digit(at);
      starts[each] = (starts[each] ?? 0) + 1;
    }
    let sum = 0;
    for (let each = 0; each < DIGITS; each += 1) {
      const count = starts[each] ?? 0;
      starts[each] = sum;
      sum += count;
    }
    for (const at of order) {
      const each = digit(at);
      const to = starts[each] ?? 0;
      next[to] = at;
      starts[each] = to + 1;
    }
    [order, next] = [next, order];
  }
  return order;
}
