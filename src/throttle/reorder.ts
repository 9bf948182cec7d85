import type { Visitor } from './visitors.ts';

/** One request on its way to the engine. */
export type Arrival = {
  readonly timeMs: number;
  readonly visitor: Visitor;
  readonly bytes: number;
  /** Number of the file, from 0, and of the line in it, from 1. */
  readonly file: number;
  readonly line: number;
};

/**
 * Puts requests into the order of their times; those of one moment keep the order of their lines. Some servers log a
 * request when it ends under the time when it began, and merged logs are in no order at all. Up to the capacity
 * everything is sorted; a longer log is exact as long as no line stands further from its place than half of that, and
 * what comes later than that takes the time of the one before.
 */
export class Reorder {
  private readonly capacity: number;
  private readonly deliver: (arrival: Arrival) => void;
  private times = new Float64Array(1024);
  private bytes = new Float64Array(1024);
  private lines = new Uint32Array(1024);
  private files = new Uint16Array(1024);
  private visitors: Visitor[] = [];
  private count = 0;
  private sorted = true;
  private deliveredMs = 0;
  private lateCount = 0;

  /** @param capacity  requests that are held back, some 30 bytes each */
  constructor(capacity: number, deliver: (arrival: Arrival) => void) {
    this.capacity = capacity;
    this.deliver = deliver;
  }

  /** Requests that came too late to be put in their place. */
  get late(): number {
    return this.lateCount;
  }

  push({ timeMs, visitor, bytes, file, line }: Arrival): void {
    if (this.count === this.capacity) this.release(this.capacity >> 1);
    if (this.count === this.times.length) this.grow();
    if (timeMs < this.deliveredMs) this.lateCount += 1;
    const placed = Math.max(timeMs, this.deliveredMs);
    if (this.count > 0 && placed < (this.times[this.count - 1] ?? 0)) this.sorted = false;
    this.times[this.count] = placed;
    this.bytes[this.count] = bytes;
    this.files[this.count] = file;
    this.lines[this.count] = line;
    this.visitors[this.count] = visitor;
    this.count += 1;
  }

  /** Deliver what is left. */
  end(): void {
    this.release(this.count);
  }

  private order(): Uint32Array {
    const order = Uint32Array.from({ length: this.count }, (_, index) => index);
    const { times } = this;
    return this.sorted ? order : order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
  }

  /** Deliver the first so many, and close up the rest in the order in which they came. */
  private release(amount: number): void {
    const order = this.order();
    for (const index of order.subarray(0, amount)) this.deliver(this.at(index));
    this.deliveredMs = amount > 0 ? (this.times[order[amount - 1] ?? 0] ?? 0) : this.deliveredMs;
    const kept = order.slice(amount).sort();
    const visitors = Array.from(kept, (index) => this.visitors[index] as Visitor);
    for (const [to, from] of kept.entries()) {
      this.times[to] = this.times[from] ?? 0;
      this.bytes[to] = this.bytes[from] ?? 0;
      this.files[to] = this.files[from] ?? 0;
      this.lines[to] = this.lines[from] ?? 0;
    }
    this.visitors = visitors;
    this.count = kept.length;
  }

  private at(index: number): Arrival {
    return {
      timeMs: this.times[index] ?? 0,
      visitor: this.visitors[index] as Visitor,
      bytes: this.bytes[index] ?? 0,
      file: this.files[index] ?? 0,
      line: this.lines[index] ?? 0,
    };
  }

  private grow(): void {
    const length = Math.min(this.capacity, this.times.length * 2);
    const [times, bytes, lines, files] = [this.times, this.bytes, this.lines, this.files];
    this.times = new Float64Array(length);
    this.bytes = new Float64Array(length);
    this.lines = new Uint32Array(length);
    this.files = new Uint16Array(length);
    this.times.set(times);
    this.bytes.set(bytes);
    this.lines.set(lines);
    this.files.set(files);
  }
}
