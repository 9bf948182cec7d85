import { type CountedSecond, grown } from './counters.ts';

const SMALLEST = 1024;

/*
 * What belongs to one visitor, and what belongs to one second, lies together: see {@link Counters}. Numbers of 64 bits
 * come first, words of 32 behind them.
 */

/** Of a visitor: requests and bytes in the window, the most that there were of both, first and last second (0 is none). */
const ROW = 5;
const FIRST = 8;
const LAST = 9;

/** Of a second: bytes; when it was, requests, which one follows, and a word that is not used. */
const NODE = 3;
const WHEN = 2;
const REQUESTS = 3;
const NEXT = 4;

/**
 * What numbered visitors ask for within a window that slides, exact to the second and without any limit, and the most
 * that it ever was. As {@link Counters}, but nobody is looked for and nobody forgotten.
 */
export class Demand {
  private readonly windowSeconds: number;
  private rows = new Float64Array(SMALLEST * ROW);
  private rowWords = new Uint32Array(this.rows.buffer);
  // The seconds of all visitors; `free` begins the list of those given back.
  private nodes = new Float64Array(SMALLEST * NODE);
  private nodeWords = new Uint32Array(this.nodes.buffer);
  private fresh = 1;
  private free = 0;

  constructor(windowSeconds: number) {
    this.windowSeconds = windowSeconds;
  }

  /** The most requests of a visitor in a window. */
  peakRequests(visitor: number): number {
    return this.rows[visitor * ROW + 2] ?? 0;
  }

  /** The most bytes of a visitor in a window. */
  peakBytes(visitor: number): number {
    return this.rows[visitor * ROW + 3] ?? 0;
  }

  /** Book a request; the seconds of a visitor never go back. */
  add(visitor: number, second: number, bytes: number): void {
    while ((visitor + 1) * ROW > this.rows.length) this.growRows();
    this.expire(visitor, second - this.windowSeconds);
    const tail = this.rowWords[visitor * ROW * 2 + LAST] ?? 0;
    const isLast = tail !== 0 && (this.nodeWords[tail * NODE * 2 + WHEN] ?? 0) >= second;
    const node = isLast ? tail : this.append(visitor, tail, second);
    const word = node * NODE * 2 + REQUESTS;
    this.nodeWords[word] = (this.nodeWords[word] ?? 0) + 1;
    this.nodes[node * NODE] = (this.nodes[node * NODE] ?? 0) + bytes;
    this.sum(visitor * ROW, bytes);
  }

  /** Tell what counts of a visitor at a second, the earliest first. */
  recall(visitor: number, second: number, tell: CountedSecond): void {
    const horizon = second - this.windowSeconds;
    const { nodes, nodeWords } = this;
    for (let node = this.rowWords[visitor * ROW * 2 + FIRST] ?? 0; node !== 0; ) {
      const at = node * NODE * 2;
      const when = nodeWords[at + WHEN] ?? 0;
      if (when > horizon) tell(when, nodeWords[at + REQUESTS] ?? 0, nodes[node * NODE] ?? 0);
      node = nodeWords[at + NEXT] ?? 0;
    }
  }

  private sum(at: number, bytes: number): void {
    const { rows } = this;
    const requests = (rows[at] ?? 0) + 1;
    const all = (rows[at + 1] ?? 0) + bytes;
    rows[at] = requests;
    rows[at + 1] = all;
    if (requests > (rows[at + 2] ?? 0)) rows[at + 2] = requests;
    if (all > (rows[at + 3] ?? 0)) rows[at + 3] = all;
  }

  /** Give back what the horizon has passed. */
  private expire(visitor: number, horizon: number): void {
    const { rows, rowWords, nodes, nodeWords } = this;
    const at = visitor * ROW;
    const first = at * 2 + FIRST;
    let node = rowWords[first] ?? 0;
    if (node === 0 || (nodeWords[node * NODE * 2 + WHEN] ?? 0) > horizon) return;
    while (node !== 0 && (nodeWords[node * NODE * 2 + WHEN] ?? 0) <= horizon) {
      const word = node * NODE * 2;
      rows[at] = (rows[at] ?? 0) - (nodeWords[word + REQUESTS] ?? 0);
      rows[at + 1] = (rows[at + 1] ?? 0) - (nodes[node * NODE] ?? 0);
      const after = nodeWords[word + NEXT] ?? 0;
      nodeWords[word + NEXT] = this.free;
      this.free = node;
      node = after;
    }
    rowWords[first] = node;
    if (node === 0) rowWords[at * 2 + LAST] = 0;
  }

  private append(visitor: number, tail: number, second: number): number {
    const node = this.allocate();
    const { nodeWords, rowWords } = this;
    const word = node * NODE * 2;
    this.nodes[node * NODE] = 0;
    nodeWords[word + WHEN] = second;
    nodeWords[word + REQUESTS] = 0;
    nodeWords[word + NEXT] = 0;
    if (tail === 0) rowWords[visitor * ROW * 2 + FIRST] = node;
    else nodeWords[tail * NODE * 2 + NEXT] = node;
    rowWords[visitor * ROW * 2 + LAST] = node;
    return node;
  }

  private allocate(): number {
    if (this.free !== 0) {
      const node = this.free;
      this.free = this.nodeWords[node * NODE * 2 + NEXT] ?? 0;
      return node;
    }
    if (this.fresh * NODE === this.nodes.length) {
      this.nodes = grown(this.nodes, this.nodes.length * 2);
      this.nodeWords = new Uint32Array(this.nodes.buffer);
    }
    this.fresh += 1;
    return this.fresh - 1;
  }

  private growRows(): void {
    this.rows = grown(this.rows, this.rows.length * 2);
    this.rowWords = new Uint32Array(this.rows.buffer);
  }
}
