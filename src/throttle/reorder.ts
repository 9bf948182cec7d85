/** A request on its way to the engine: the number of its visitor, of the file from 0, and of the line in it from 1. */
export type Deliver = (timeMs: number, visitor: number, bytes: number, file: number, line: number) => void;

/** Requests that lie together, and bits of a place in them. */
const BLOCK = 1 << 15;
const BLOCK_BITS = 15;

/** Requests in columns: what is full is never copied to make room for more. */
class Block {
  readonly times = new Float64Array(BLOCK);
  readonly bytes = new Float64Array(BLOCK);
  readonly visitors = new Uint32Array(BLOCK);
  readonly lines = new Uint32Array(BLOCK);
  readonly files = new Uint16Array(BLOCK);

  move(from: Block, there: number, to: number): void {
    this.times[to] = from.times[there] ?? 0;
    this.bytes[to] = from.bytes[there] ?? 0;
    this.visitors[to] = from.visitors[there] ?? 0;
    this.lines[to] = from.lines[there] ?? 0;
    this.files[to] = from.files[there] ?? 0;
  }
}

/**
 * Puts requests into the order of their times; those of one moment keep the order of their lines. Some servers log a
 * request when it ends under the time when it began, and merged logs are in no order at all. Up to the capacity
 * everything is sorted; a longer log is exact as long as no line stands further from its place than half of that, and
 * what comes later than that takes the time of the one before.
 */
export class Reorder {
  private readonly capacity: number;
  private readonly deliver: Deliver;
  private blocks = [new Block()];
  private last = this.blocks[0] as Block;
  private count = 0;
  private sorted = true;
  private latestMs = 0;
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
    const at = this.count & (BLOCK - 1);
    if (at === 0 && this.count > 0) this.extend();
    if (timeMs < this.deliveredMs) this.lateCount += 1;
    const placed = Math.max(timeMs, this.deliveredMs);
    if (placed < this.latestMs) this.sorted = false;
    this.latestMs = placed;
    const { last } = this;
    last.times[at] = placed;
    last.bytes[at] = bytes;
    last.visitors[at] = visitor;
    last.files[at] = file;
    last.lines[at] = line;
    this.count += 1;
  }

  /** Deliver what is left. */
  end(): void {
    this.release(this.count);
  }

  private extend(): void {
    this.last = new Block();
    this.blocks.push(this.last);
  }

  private blockOf(at: number): Block {
    return this.blocks[at >> BLOCK_BITS] as Block;
  }

  private timeAt(at: number): number {
    return this.blockOf(at).times[at & (BLOCK - 1)] ?? 0;
  }

  /** Deliver the first so many, and close up the rest in the order in which they came. */
  private release(amount: number): void {
    if (amount === 0) return;
    const order = this.sorted ? null : sortedOrder(this.times());
    for (let from = 0; from < amount; from += BLOCK)
      this.deliverSome(order, from, Math.min(amount, from + BLOCK));
    this.deliveredMs = this.timeAt(order === null ? amount - 1 : (order[amount - 1] ?? 0));
    this.keep(order === null ? null : order.subarray(amount).sort(), amount);
  }

  /** A block at a time: a function that is called once in a run is never made fast. */
  private deliverSome(order: Uint32Array | null, from: number, to: number): void {
    for (let each = from; each < to; each += 1) {
      const place = order === null ? each : (order[each] ?? 0);
      const block = this.blockOf(place);
      const at = place & (BLOCK - 1);
      this.deliver(
        block.times[at] ?? 0,
        block.visitors[at] ?? 0,
        block.bytes[at] ?? 0,
        block.files[at] ?? 0,
        block.lines[at] ?? 0,
      );
    }
  }

  private times(): Float64Array {
    const times = new Float64Array(this.count);
    for (let from = 0; from < this.count; from += BLOCK)
      times.set(this.blockOf(from).times.subarray(0, this.count - from), from);
    return times;
  }

  /** Keep what stands in some places, or behind the first so many. */
  private keep(places: Uint32Array | null, delivered: number): void {
    const left = this.count - delivered;
    for (let to = 0; to < left; to += 1) {
      const from = places === null ? to + delivered : (places[to] ?? 0);
      this.blockOf(to).move(this.blockOf(from), from & (BLOCK - 1), to & (BLOCK - 1));
    }
    // The last block may be full: then the next request begins another one.
    this.blocks.length = Math.max(1, Math.ceil(left / BLOCK));
    this.last = this.blocks.at(-1) as Block;
    this.count = left;
    this.sorted ||= left === 0;
    this.latestMs = left === 0 ? 0 : this.timeAt(left - 1);
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
