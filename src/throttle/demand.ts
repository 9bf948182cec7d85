import { type CountedSecond, grown } from './counters.ts';

const SMALLEST = 1024;

/** Requests and bytes in the window, and the most that there were of them. */
const SUMS = 4;

/**
 * What numbered visitors ask for within a window that slides, exact to the second and without any limit, and the most
 * that it ever was. As {@link Counters}, but nobody is looked for and nobody forgotten.
 */
export class Demand {
  private readonly windowSeconds: number;
  // The sums of each visitor and the highest that they were, and its first and last second; 0 is no second.
  private sums = new Float64Array(SMALLEST * SUMS);
  private ends = new Uint32Array(SMALLEST * 2);
  // The seconds of all visitors; `free` begins the list of those given back.
  private seconds = new Uint32Array(SMALLEST);
  private secondRequests = new Uint32Array(SMALLEST);
  private secondBytes = new Float64Array(SMALLEST);
  private following = new Uint32Array(SMALLEST);
  private fresh = 1;
  private free = 0;

  constructor(windowSeconds: number) {
    this.windowSeconds = windowSeconds;
  }

  /** The most requests of a visitor in a window. */
  peakRequests(visitor: number): number {
    return this.sums[visitor * SUMS + 2] ?? 0;
  }

  /** The most bytes of a visitor in a window. */
  peakBytes(visitor: number): number {
    return this.sums[visitor * SUMS + 3] ?? 0;
  }

  /** Book a request; the seconds of a visitor never go back. */
  add(visitor: number, second: number, bytes: number): void {
    const at = visitor * 2;
    while (at >= this.ends.length) {
      this.sums = grown(this.sums, this.sums.length * 2);
      this.ends = grown(this.ends, this.ends.length * 2);
    }
    this.expire(visitor, second - this.windowSeconds);
    const tail = this.ends[at + 1] ?? 0;
    const node = tail !== 0 && (this.seconds[tail] ?? 0) >= second ? tail : this.append(at, tail, second);
    this.secondRequests[node] = (this.secondRequests[node] ?? 0) + 1;
    this.secondBytes[node] = (this.secondBytes[node] ?? 0) + bytes;
    this.sum(visitor * SUMS, bytes);
  }

  private sum(at: number, bytes: number): void {
    const { sums } = this;
    const requests = (sums[at] ?? 0) + 1;
    const all = (sums[at + 1] ?? 0) + bytes;
    sums[at] = requests;
    sums[at + 1] = all;
    if (requests > (sums[at + 2] ?? 0)) sums[at + 2] = requests;
    if (all > (sums[at + 3] ?? 0)) sums[at + 3] = all;
  }

  /** Tell what counts of a visitor at a second, the earliest first. */
  recall(visitor: number, second: number, tell: CountedSecond): void {
    const horizon = second - this.windowSeconds;
    for (let node = this.ends[visitor * 2] ?? 0; node !== 0; node = this.following[node] ?? 0) {
      const when = this.seconds[node] ?? 0;
      if (when > horizon) tell(when, this.secondRequests[node] ?? 0, this.secondBytes[node] ?? 0);
    }
  }

  /** Give back what the horizon has passed. */
  private expire(visitor: number, horizon: number): void {
    const first = visitor * 2;
    const at = visitor * SUMS;
    let node = this.ends[first] ?? 0;
    if (node === 0 || (this.seconds[node] ?? 0) > horizon) return;
    while (node !== 0 && (this.seconds[node] ?? 0) <= horizon) {
      this.sums[at] = (this.sums[at] ?? 0) - (this.secondRequests[node] ?? 0);
      this.sums[at + 1] = (this.sums[at + 1] ?? 0) - (this.secondBytes[node] ?? 0);
      const after = this.following[node] ?? 0;
      this.following[node] = this.free;
      this.free = node;
      node = after;
    }
    this.ends[first] = node;
    if (node === 0) this.ends[first + 1] = 0;
  }

  private append(at: number, tail: number, second: number): number {
    const node = this.allocate();
    this.seconds[node] = second;
    this.secondRequests[node] = 0;
    this.secondBytes[node] = 0;
    this.following[node] = 0;
    if (tail === 0) this.ends[at] = node;
    else this.following[tail] = node;
    this.ends[at + 1] = node;
    return node;
  }

  private allocate(): number {
    if (this.free !== 0) {
      const node = this.free;
      this.free = this.following[node] ?? 0;
      return node;
    }
    if (this.fresh === this.seconds.length) {
      const length = this.seconds.length * 2;
      this.seconds = grown(this.seconds, length);
      this.secondRequests = grown(this.secondRequests, length);
      this.secondBytes = grown(this.secondBytes, length);
      this.following = grown(this.following, length);
    }
    this.fresh += 1;
    return this.fresh - 1;
  }
}
