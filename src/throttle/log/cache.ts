import { hashOf, keep, stands, textOf, wordsOf } from './bytes.ts';

/** Places in a row that a key may stand in. */
const NEIGHBOURS = 8;

/** No slot at all. */
export const NOWHERE = -1;

/**
 * What was made of a few bytes, remembered for when they come again: names of browsers and clients repeat line after
 * line. Each has a few places; when all of them are taken, the first is given to whoever comes, so a log that is made
 * to collide costs time, nothing else.
 */
export class ByteCache<T extends object | boolean | null> {
  private readonly make: (text: string) => T;
  private readonly width: number;
  private readonly most: number;
  private slots: number;
  private used = 0;
  private keys: Float64Array;
  private readonly words: number;
  /** Of each place the hash of its key, never 0 where there is one, and what the key belongs to. */
  private marks: Int32Array;
  private lengths: Uint16Array;
  private values: T[];

  /**
   * @param slots  places to begin with, a power of two
   * @param most  places at the most, a power of two: there are twice as many whenever half of them are taken
   * @param width  longest key that is remembered, in bytes
   * @param make  what is made of a key, as Latin-1
   */
  constructor(slots: number, most: number, width: number, make: (text: string) => T) {
    this.make = make;
    this.width = width;
    this.most = most;
    this.slots = slots;
    this.words = wordsOf(width);
    this.keys = new Float64Array(slots * this.words);
    this.marks = new Int32Array(slots * 2);
    this.lengths = new Uint16Array(slots);
    this.values = places(slots);
  }

  /**
   * What is made of the bytes between two places.
   *
   * @param owner  what they belong to: the same bytes of another one are another key
   */
  get(bytes: DataView, from: number, to: number, owner = 0): T {
    const slot = this.find(bytes, from, to, owner);
    return slot === NOWHERE ? this.make(textOf(bytes, from, to)) : this.at(slot);
  }

  /** Where that is remembered; {@link NOWHERE} when it is too long. Good until something else is asked for. */
  find(bytes: DataView, from: number, to: number, owner = 0): number {
    const length = to - from;
    if (length > this.width) return NOWHERE;
    const hash = markOf(bytes, from, to, owner);
    const last = this.slots - 1;
    for (let looked = 0, slot = hash & last; looked < NEIGHBOURS; looked += 1, slot = (slot + 1) & last) {
      const mark = this.marks[slot * 2];
      if (mark === 0) break;
      if (mark === hash && this.isAt(slot, bytes, from, length, owner)) return slot;
    }
    return this.keep(bytes, from, to, owner);
  }

  /** What is remembered there. */
  at(slot: number): T {
    return this.values[slot] as T;
  }

  /**
   * Where a key ends that begins at a place, if it is the one that was remembered in that slot once; -1 when it is
   * not, or does not end before `end`.
   */
  endOf(slot: number, bytes: DataView, from: number, end: number): number {
    if (slot >= this.slots || this.marks[slot * 2] === 0) return -1;
    const length = this.lengths[slot] ?? 0;
    const isThere = from + length < end && stands(this.keys, slot * this.words, length, bytes, from);
    return isThere ? from + length : -1;
  }

  private isAt(slot: number, bytes: DataView, from: number, length: number, owner: number): boolean {
    return (
      this.lengths[slot] === length &&
      this.marks[slot * 2 + 1] === owner &&
      stands(this.keys, slot * this.words, length, bytes, from)
    );
  }

  private keep(bytes: DataView, from: number, to: number, owner: number): number {
    if (this.used > this.slots / 2 && this.slots < this.most) this.grow();
    return this.put(bytes, from, to, owner, this.make(textOf(bytes, from, to)));
  }

  private put(bytes: DataView, from: number, to: number, owner: number, value: T): number {
    const slot = this.placeFor(markOf(bytes, from, to, owner));
    if (this.marks[slot * 2] === 0) this.used += 1;
    keep(bytes, from, to - from, this.keys, slot * this.words);
    this.marks[slot * 2] = markOf(bytes, from, to, owner);
    this.marks[slot * 2 + 1] = owner;
    this.lengths[slot] = to - from;
    this.values[slot] = value;
    return slot;
  }

  private placeFor(hash: number): number {
    const last = this.slots - 1;
    for (let looked = 0, slot = hash & last; looked < NEIGHBOURS; looked += 1, slot = (slot + 1) & last)
      if (this.marks[slot * 2] === 0) return slot;
    return hash & last;
  }

  private grow(): void {
    const { keys, marks, lengths, values, slots, words } = this;
    this.slots = slots * 2;
    this.used = 0;
    this.keys = new Float64Array(this.slots * words);
    this.marks = new Int32Array(this.slots * 2);
    this.lengths = new Uint16Array(this.slots);
    this.values = places(this.slots);
    for (let from = 0; from < slots; from += 1) {
      const mark = marks[from * 2] ?? 0;
      if (mark === 0) continue;
      const to = this.placeFor(mark);
      if (this.marks[to * 2] === 0) this.used += 1;
      this.keys.set(keys.subarray(from * words, (from + 1) * words), to * words);
      this.marks[to * 2] = mark;
      this.marks[to * 2 + 1] = marks[from * 2 + 1] ?? 0;
      this.lengths[to] = lengths[from] ?? 0;
      this.values[to] = values[from] as T;
    }
  }
}

/** The hash of a key, never 0. */
function markOf(bytes: DataView, from: number, to: number, owner: number): number {
  return hashOf(bytes, from, to) ^ Math.imul(owner, 0x9e3779b1) || 1;
}

/** Filled one by one: an array that is told its length has holes, and is slower to look into. */
function places<T>(slots: number): T[] {
  const all: (T | null)[] = [];
  for (let slot = 0; slot < slots; slot += 1) all.push(null);
  return all as T[];
}
