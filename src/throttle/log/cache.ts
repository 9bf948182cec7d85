import { hashOf, isSame, textOf } from './bytes.ts';

/**
 * What was made of a few bytes, remembered for when they come again: names of browsers and clients repeat line after
 * line. Each has two places, and whoever needs one next takes it, so a log that is made to collide costs time, nothing
 * else.
 */
export class ByteCache<T extends object | boolean | null> {
  private readonly make: (text: string) => T;
  private readonly width: number;
  private readonly most: number;
  private slots: number;
  private used = 0;
  private keys: DataView;
  private lengths: Uint16Array;
  private values: (T | undefined)[];

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
    this.keys = new DataView(new ArrayBuffer(slots * width));
    this.lengths = new Uint16Array(slots);
    this.values = places(slots);
  }

  /** What is made of the bytes between two places. */
  get(bytes: DataView, from: number, to: number): T {
    const length = to - from;
    if (length > this.width) return this.make(textOf(bytes, from, to));
    const home = hashOf(bytes, from, to) & (this.slots - 1);
    if (this.isAt(home, bytes, from, length)) return this.values[home] as T;
    if (this.isAt(home ^ 1, bytes, from, length)) return this.values[home ^ 1] as T;
    return this.keep(bytes, from, to);
  }

  private isAt(slot: number, bytes: DataView, from: number, length: number): boolean {
    return (
      this.lengths[slot] === length &&
      this.values[slot] !== undefined &&
      isSame(this.keys, slot * this.width, bytes, from, length)
    );
  }

  private keep(bytes: DataView, from: number, to: number): T {
    if (this.used > this.slots / 2 && this.slots < this.most) this.grow();
    const made = this.make(textOf(bytes, from, to));
    this.put(bytes, from, to, made);
    return made;
  }

  private put(bytes: DataView, from: number, to: number, value: T): void {
    const home = hashOf(bytes, from, to) & (this.slots - 1);
    const slot = this.values[home] === undefined ? home : home ^ 1;
    if (this.values[slot] === undefined) this.used += 1;
    for (let at = from, key = slot * this.width; at < to; at += 1, key += 1)
      this.keys.setUint8(key, bytes.getUint8(at));
    this.lengths[slot] = to - from;
    this.values[slot] = value;
  }

  private grow(): void {
    const { keys, lengths, values, slots, width } = this;
    this.slots = slots * 2;
    this.used = 0;
    this.keys = new DataView(new ArrayBuffer(this.slots * width));
    this.lengths = new Uint16Array(this.slots);
    this.values = places(this.slots);
    for (let slot = 0; slot < slots; slot += 1) {
      const value = values[slot];
      const key = slot * width;
      if (value !== undefined) this.put(keys, key, key + (lengths[slot] ?? 0), value);
    }
  }
}

/** Filled one by one: an array that is told its length has holes, and is slower to look into. */
function places<T>(slots: number): (T | undefined)[] {
  const all: (T | undefined)[] = [];
  for (let slot = 0; slot < slots; slot += 1) all.push(undefined);
  return all;
}
