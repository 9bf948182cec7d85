/**
 * What was made of a few bytes, remembered for when they come again: names of browsers and clients repeat line after
 * line. Each has two places, and whoever needs one next takes it, so a log that is made to collide costs time, nothing
 * else.
 */
export class ByteCache<T extends object | boolean | null> {
  private readonly make: (text: string) => T;
  private readonly width: number;
  private readonly mask: number;
  private readonly keys: Uint8Array;
  private readonly lengths: Uint16Array;
  private readonly values: (T | undefined)[] = [];

  /**
   * @param slots  places, a power of two
   * @param width  longest key that is remembered, in bytes
   * @param make  what is made of a key, as Latin-1
   */
  constructor(slots: number, width: number, make: (text: string) => T) {
    this.make = make;
    this.width = width;
    this.mask = slots - 1;
    this.keys = new Uint8Array(slots * width);
    this.lengths = new Uint16Array(slots);
    for (let slot = 0; slot < slots; slot += 1) this.values.push(undefined);
  }

  /** What is made of the bytes between two places. */
  get(bytes: Buffer, from: number, to: number): T {
    if (to - from > this.width) return this.make(bytes.toString('latin1', from, to));
    const home = this.slotOf(bytes, from, to);
    const known = this.at(home, bytes, from, to) ?? this.at(home ^ 1, bytes, from, to);
    return known ?? this.keep(this.values[home] === undefined ? home : home ^ 1, bytes, from, to);
  }

  private at(slot: number, bytes: Buffer, from: number, to: number): T | undefined {
    return this.lengths[slot] === to - from && this.isKey(slot, bytes, from, to)
      ? this.values[slot]
      : undefined;
  }

  private keep(slot: number, bytes: Buffer, from: number, to: number): T {
    const made = this.make(bytes.toString('latin1', from, to));
    this.keys.set(bytes.subarray(from, to), slot * this.width);
    this.lengths[slot] = to - from;
    this.values[slot] = made;
    return made;
  }

  /** From the last 16 bytes and every eighth before: short keys differ at their end. */
  private slotOf(bytes: Buffer, from: number, to: number): number {
    let hash = to - from;
    const near = Math.max(from, to - 16);
    for (let at = from; at < near; at += 8) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    for (let at = near; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    return (hash ^ (hash >>> 15)) & this.mask;
  }

  private isKey(slot: number, bytes: Buffer, from: number, to: number): boolean {
    const { keys } = this;
    for (let at = from, key = slot * this.width; at < to; at += 1, key += 1)
      if (keys[key] !== bytes[at]) return false;
    return true;
  }
}
