import type { Client } from './client.ts';
import type { Limits } from './limits.ts';

/** What a client had from a site within the window. */
export type Tally = { readonly requests: number; readonly bytes: number };

/** One client on one site, for a view. */
export type Counted = Tally & {
  readonly site: number;
  readonly kind: number;
  readonly words: readonly [number, number, number, number];
  /** Of the nearer limit, 0 to 1 and beyond. */
  readonly share: number;
};

/** Takes what a client had in one second. */
export type CountedSecond = (second: number, requests: number, bytes: number) => void;

export type CountersOptions = {
  readonly windowSeconds: number;
  /** Windows that begin with the clock, for everybody at once, instead of one that slides. */
  readonly aligned: boolean;
  /** Most clients that are kept; beyond them the one furthest from its limits goes. */
  readonly maxClients: number;
  /** Most seconds with traffic that are kept over all clients. */
  readonly maxSeconds: number;
  /** Mixed into every hash, so that nobody can choose who collides. */
  readonly seed: number;
  readonly limitsOf: (site: number) => Limits;
};

/** How much had to be given up for want of memory. */
export type CountersLoss = {
  /** Clients that were forgotten although their window had not passed. */
  readonly evictedLive: number;
  /** The largest share of its limit that one of those had used: the bound of the error. */
  readonly evictedMaxShare: number;
  /** Requests or responses that were booked on an earlier second than theirs. */
  readonly merged: number;
};

const KEY_WORDS = 5;

/*
 * What belongs to one client lies together, as does what belongs to one second: reading it from memory costs more than
 * anything that is done with it. Bytes are a number of 64 bits, which lies behind the words of 32.
 */

/** Words of a place: the key, then first and last second (0 is none), requests, and bytes in the last two. */
const PLACE = 10;
const HEAD = 5;
const TAIL = 6;
const REQUESTS = 7;
const PLACE_FLOATS = PLACE / 2;
const BYTES = 4;

/** Words of a second: when it was, requests, which one follows, one that is not used, and bytes in the last two. */
const NODE = 6;
const NODE_REQUESTS = 1;
const NEXT = 2;
const NODE_FLOATS = NODE / 2;
const NODE_BYTES = 2;

/** Words of a client and of a second where they are kept. */
const PACKED_CLIENT = KEY_WORDS + 1;
const PACKED_SECOND = 4;

/** Most words of one client: no window that anybody sets has more seconds than a day. */
const MOST_PACKED = PACKED_CLIENT + PACKED_SECOND * 86_400;

/** Places that are compared when one has to go. */
const NEIGHBOURS = 16;

/** Places that each newcomer looks at for clients whose window has passed. */
const SWEPT = 2;

const FULLEST = 0.7;
const SMALLEST = 1024;

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x85ebca6b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
}

/** The same words in an array with room for more. */
export function grown<T extends Uint8Array | Uint32Array | Float64Array>(old: T, length: number): T {
  const larger = new (old.constructor as new (length: number) => T)(length);
  larger.set(old as never);
  return larger;
}

/**
 * Requests and bytes of each client on each site, exact to the second: a list of the seconds in which something
 * happened, and their sum. Everything lies in typed arrays, 40 bytes a place and 24 a second, so a million clients
 * fit in some 110 MB and cost the garbage collector nothing. The table uses linear probing; whoever is removed leaves
 * no gap behind. A place is in use when its list is not empty.
 */
export class Counters {
  private readonly options: CountersOptions;
  private capacity = SMALLEST;
  private places = new Uint32Array(SMALLEST * PLACE);
  private placeFloats = new Float64Array(this.places.buffer);
  private used = 0;
  private hash = 0;
  private found = 0;
  private hand = 0;
  // The seconds of all clients; `free` begins the list of those given back.
  private nodes: Uint32Array;
  private nodeFloats: Float64Array;
  private fresh = 1;
  private free = 0;
  private evictedLive = 0;
  private evictedMaxShare = 0;
  private merged = 0;

  constructor(options: CountersOptions) {
    this.options = options;
    const length = Math.min(SMALLEST, options.maxSeconds + 1);
    this.nodes = new Uint32Array(length * NODE);
    this.nodeFloats = new Float64Array(this.nodes.buffer);
  }

  /** Clients that are kept. */
  get size(): number {
    return this.used;
  }

  get loss(): CountersLoss {
    return { evictedLive: this.evictedLive, evictedMaxShare: this.evictedMaxShare, merged: this.merged };
  }

  /** What a client had until now within the window that ends with this second. */
  tally(site: number, client: Client, second: number): Tally {
    const slot = this.find(site, client);
    return slot === -1 ? { requests: 0, bytes: 0 } : this.tallyAt(slot, this.horizon(second));
  }

  /** Book requests and bytes. @returns what the client had with them within the window */
  add(site: number, client: Client, second: number, requests: number, bytes: number): Tally {
    let slot = this.find(site, client);
    if (slot === -1) slot = this.insert(site, client, second);
    else this.expire(slot, this.horizon(second));
    this.book(slot, second, requests, bytes);
    return {
      requests: this.places[slot * PLACE + REQUESTS] ?? 0,
      bytes: this.placeFloats[slot * PLACE_FLOATS + BYTES] ?? 0,
    };
  }

  /**
   * Book what happened in a second that may lie back, where it belongs; what has left the window is not booked.
   *
   * @param second  the present one
   * @returns what the client had with it within the window
   */
  addLate(
    site: number,
    client: Client,
    when: number,
    second: number,
    requests: number,
    bytes: number,
  ): Tally {
    const horizon = this.horizon(second);
    let slot = this.find(site, client);
    if (when <= horizon) return slot === -1 ? { requests: 0, bytes: 0 } : this.tallyAt(slot, horizon);
    if (slot === -1) slot = this.insert(site, client, second);
    else this.expire(slot, horizon);
    this.bookBetween(slot, Math.min(when, second), requests, bytes);
    return this.tallyAt(slot, horizon);
  }

  /** Forget a client on a site. */
  remove(site: number, client: Client): void {
    const slot = this.find(site, client);
    if (slot !== -1) this.removeAt(slot);
  }

  /** Forget everybody on a site. */
  forget(site: number): void {
    for (let slot = 0; slot < this.capacity; slot += 1)
      // Removing moves another one up, who may be of the same site.
      while (this.places[slot * PLACE + HEAD] !== 0 && (this.places[slot * PLACE] ?? 0) >>> 1 === site)
        this.removeAt(slot);
  }

  /** The earliest second that counts for a client, or null. */
  earliest(site: number, client: Client, second: number): number | null {
    const slot = this.find(site, client);
    if (slot === -1) return null;
    this.expire(slot, this.horizon(second));
    const first = this.places[slot * PLACE + HEAD] ?? 0;
    if (first !== 0) return this.nodes[first * NODE] ?? null;
    this.used -= 1;
    this.closeGap(slot);
    return null;
  }

  /**
   * Everything that counts at a second, to be kept: for each client its key, how many seconds there are, and each of
   * them with requests and bytes (the lower 32 bits first).
   */
  pack(second: number): Uint32Array {
    const horizon = this.horizon(second);
    let words = new Uint32Array(this.used * (PACKED_CLIENT + PACKED_SECOND) + SMALLEST);
    let length = 0;
    for (let slot = 0; slot < this.capacity; slot += 1) {
      if (this.places[slot * PLACE + HEAD] === 0) continue;
      if (words.length < length + MOST_PACKED)
        words = grown(words, Math.max(words.length * 2, length + MOST_PACKED));
      length = this.packClient(slot, horizon, words, length);
    }
    return words.subarray(0, length);
  }

  /** One client, if anything of it still counts. @returns where the next one begins */
  private packClient(slot: number, horizon: number, words: Uint32Array, from: number): number {
    for (let word = 0; word < KEY_WORDS; word += 1)
      words[from + word] = this.places[slot * PLACE + word] ?? 0;
    let to = from + PACKED_CLIENT;
    for (
      let node = this.places[slot * PLACE + HEAD] ?? 0;
      node !== 0;
      node = this.nodes[node * NODE + NEXT] ?? 0
    ) {
      if ((this.nodes[node * NODE] ?? 0) <= horizon || to + PACKED_SECOND > from + MOST_PACKED) continue;
      const bytes = this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] ?? 0;
      words[to] = this.nodes[node * NODE] ?? 0;
      words[to + 1] = this.nodes[node * NODE + NODE_REQUESTS] ?? 0;
      words[to + 2] = bytes % 2 ** 32;
      words[to + 3] = Math.floor(bytes / 2 ** 32);
      to += PACKED_SECOND;
    }
    const seconds = (to - from - PACKED_CLIENT) / PACKED_SECOND;
    words[from + KEY_WORDS] = seconds;
    return seconds === 0 ? from : to;
  }

  /** Take up what {@link pack} gave, without what no longer counts. @throws RangeError when it is something else */
  unpack(words: Uint32Array, second: number): void {
    const horizon = this.horizon(second);
    for (let at = 0; at < words.length; ) {
      const [tag = 0, a = 0, b = 0, c = 0, d = 0, count = 0] = words.subarray(at, at + PACKED_CLIENT);
      const end = at + PACKED_CLIENT + count * PACKED_SECOND;
      if (count === 0 || end > words.length) throw new RangeError('a list of seconds is cut off');
      const client = { text: '', kind: (tag & 1) as Client['kind'], words: [a, b, c, d] as const };
      for (at += PACKED_CLIENT; at < end; at += PACKED_SECOND) {
        const [when = 0, requests = 0, low = 0, high = 0] = words.subarray(at, at + PACKED_SECOND);
        if (when > horizon && when <= second)
          this.add(tag >>> 1, client, when, requests, high * 2 ** 32 + low);
      }
    }
  }

  /**
   * Who is nearest to the limits, the nearest first.
   *
   * @param site  null for all
   */
  nearest(site: number | null, limit: number, second: number): Counted[] {
    const horizon = this.horizon(second);
    const found: Counted[] = [];
    let least = 0;
    for (let slot = 0; slot < this.capacity; slot += 1) {
      if (this.places[slot * PLACE + HEAD] === 0) continue;
      const tag = this.places[slot * PLACE] ?? 0;
      if (site !== null && tag >>> 1 !== site) continue;
      // What has left the window is in these sums yet: they are never too small.
      const limits = this.options.limitsOf(tag >>> 1);
      const most = Math.max(
        (this.places[slot * PLACE + REQUESTS] ?? 0) / limits.requests,
        (this.placeFloats[slot * PLACE_FLOATS + BYTES] ?? 0) / limits.bytes,
      );
      if (most <= least) continue;
      const share = this.shareAt(slot, horizon);
      if (share <= least) continue;
      found.push(this.countedAt(slot, horizon, share));
      if (found.length < limit * 2) continue;
      found.sort((a, b) => b.share - a.share).length = limit;
      least = found.at(-1)?.share ?? 0;
    }
    return found.sort((a, b) => b.share - a.share).slice(0, limit);
  }

  private countedAt(slot: number, horizon: number, share: number): Counted {
    const at = slot * PLACE;
    const [tag = 0, a = 0, b = 0, c = 0, d = 0] = this.places.subarray(at, at + KEY_WORDS);
    return { site: tag >>> 1, kind: tag & 1, words: [a, b, c, d], share, ...this.tallyAt(slot, horizon) };
  }

  /** The last second that no longer counts. */
  private horizon(second: number): number {
    const { aligned, windowSeconds } = this.options;
    return aligned ? second - (second % windowSeconds) - 1 : second - windowSeconds;
  }

  private hashOf(tag: number, [a, b, c, d]: Client['words']): number {
    return mix(mix(mix(mix(mix(this.options.seed, tag), a), b), c), d) >>> 0;
  }

  /** Where the one whose key stands there would stand alone. */
  private homeAt(keys: Uint32Array, from: number): number {
    let hash = this.options.seed;
    for (let at = from; at < from + KEY_WORDS; at += 1) hash = mix(hash, keys[at] ?? 0);
    return (hash >>> 0) & (this.capacity - 1);
  }

  /** Looks for a client, and keeps its hash for {@link insert}. @returns its place, or -1 */
  private find(site: number, { kind, words }: Client): number {
    const tag = site * 2 + kind;
    // A request is decided and then accounted: whoever was found last is often looked for again.
    if (this.isAt(this.found, tag, words)) return this.found;
    this.hash = this.hashOf(tag, words);
    const last = this.capacity - 1;
    for (let slot = this.hash & last; this.places[slot * PLACE + HEAD] !== 0; slot = (slot + 1) & last) {
      if (!this.isAt(slot, tag, words)) continue;
      this.found = slot;
      return slot;
    }
    return -1;
  }

  private isAt(slot: number, tag: number, [a, b, c, d]: Client['words']): boolean {
    const { places } = this;
    const at = slot * PLACE;
    return (
      places[at + 4] === d &&
      places[at + 3] === c &&
      places[at + 2] === b &&
      places[at + 1] === a &&
      places[at] === tag &&
      places[at + HEAD] !== 0
    );
  }

  /** The sum of a list without what the horizon has passed. */
  private tallyAt(slot: number, horizon: number): Tally {
    let requests = this.places[slot * PLACE + REQUESTS] ?? 0;
    let bytes = this.placeFloats[slot * PLACE_FLOATS + BYTES] ?? 0;
    for (
      let node = this.places[slot * PLACE + HEAD] ?? 0;
      node !== 0;
      node = this.nodes[node * NODE + NEXT] ?? 0
    ) {
      if ((this.nodes[node * NODE] ?? 0) > horizon) break;
      requests -= this.nodes[node * NODE + NODE_REQUESTS] ?? 0;
      bytes -= this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] ?? 0;
    }
    return { requests, bytes };
  }

  /** Give back what the horizon has passed. The list may be empty then: something is booked at once. */
  private expire(slot: number, horizon: number): void {
    let node = this.places[slot * PLACE + HEAD] ?? 0;
    while (node !== 0 && (this.nodes[node * NODE] ?? 0) <= horizon) {
      this.places[slot * PLACE + REQUESTS] =
        (this.places[slot * PLACE + REQUESTS] ?? 0) - (this.nodes[node * NODE + NODE_REQUESTS] ?? 0);
      this.placeFloats[slot * PLACE_FLOATS + BYTES] =
        (this.placeFloats[slot * PLACE_FLOATS + BYTES] ?? 0) -
        (this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] ?? 0);
      const after = this.nodes[node * NODE + NEXT] ?? 0;
      this.release(node);
      node = after;
    }
    this.places[slot * PLACE + HEAD] = node;
    if (node === 0) this.places[slot * PLACE + TAIL] = 0;
  }

  private book(slot: number, second: number, requests: number, bytes: number): void {
    const tail = this.places[slot * PLACE + TAIL] ?? 0;
    // A clock that was set back books on the latest second that there is.
    let node = tail !== 0 && (this.nodes[tail * NODE] ?? 0) >= second ? tail : this.allocate();
    if (node === 0) {
      // No memory for another second: the last one takes it, and is forgotten a little too early.
      node = tail;
      this.merged += 1;
    } else if (node !== tail) this.append(slot, node, second);
    this.credit(slot, node, requests, bytes);
  }

  /** Book on a second before the latest; the list stays in order. */
  private bookBetween(slot: number, second: number, requests: number, bytes: number): void {
    const tail = this.places[slot * PLACE + TAIL] ?? 0;
    if (tail === 0 || (this.nodes[tail * NODE] ?? 0) <= second)
      return this.book(slot, second, requests, bytes);
    let before = 0;
    let after = this.places[slot * PLACE + HEAD] ?? 0;
    while ((this.nodes[after * NODE] ?? 0) <= second) {
      before = after;
      after = this.nodes[after * NODE + NEXT] ?? 0;
    }
    const isThere = before !== 0 && this.nodes[before * NODE] === second;
    this.credit(slot, isThere ? before : this.insertSecond(slot, second, before, after), requests, bytes);
  }

  /** @returns a new second between two others; the later one where there is no memory for it */
  private insertSecond(slot: number, second: number, before: number, after: number): number {
    const node = this.allocate();
    if (node === 0) {
      this.merged += 1;
      return after;
    }
    this.begin(node, second, after);
    if (before === 0) this.places[slot * PLACE + HEAD] = node;
    else this.nodes[before * NODE + NEXT] = node;
    return node;
  }

  private credit(slot: number, node: number, requests: number, bytes: number): void {
    this.nodes[node * NODE + NODE_REQUESTS] = (this.nodes[node * NODE + NODE_REQUESTS] ?? 0) + requests;
    this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] =
      (this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] ?? 0) + bytes;
    this.places[slot * PLACE + REQUESTS] = (this.places[slot * PLACE + REQUESTS] ?? 0) + requests;
    this.placeFloats[slot * PLACE_FLOATS + BYTES] =
      (this.placeFloats[slot * PLACE_FLOATS + BYTES] ?? 0) + bytes;
  }

  private append(slot: number, node: number, second: number): void {
    const tail = this.places[slot * PLACE + TAIL] ?? 0;
    this.begin(node, second, 0);
    if (tail === 0) this.places[slot * PLACE + HEAD] = node;
    else this.nodes[tail * NODE + NEXT] = node;
    this.places[slot * PLACE + TAIL] = node;
  }

  private begin(node: number, second: number, next: number): void {
    this.nodes[node * NODE] = second;
    this.nodes[node * NODE + NODE_REQUESTS] = 0;
    this.nodeFloats[node * NODE_FLOATS + NODE_BYTES] = 0;
    this.nodes[node * NODE + NEXT] = next;
  }

  /** A second that nobody uses; 0 when there is none left. */
  private allocate(): number {
    if (this.free !== 0) {
      const node = this.free;
      this.free = this.nodes[node * NODE + NEXT] ?? 0;
      return node;
    }
    if (this.fresh * NODE === this.nodes.length && !this.growSeconds()) return 0;
    this.fresh += 1;
    return this.fresh - 1;
  }

  private release(node: number): void {
    this.nodes[node * NODE + NEXT] = this.free;
    this.free = node;
  }

  private growSeconds(): boolean {
    const length = Math.min(this.nodes.length * 2, (this.options.maxSeconds + 1) * NODE);
    if (length <= this.nodes.length) return false;
    this.nodes = grown(this.nodes, length);
    this.nodeFloats = new Float64Array(this.nodes.buffer);
    return true;
  }

  /** A place for a newcomer who was looked for just now. Its list is empty: something is booked at once. */
  private insert(site: number, { kind, words }: Client, second: number): number {
    const tag = site * 2 + kind;
    const { hash } = this;
    this.makeRoom(second, hash);
    let slot = hash & (this.capacity - 1);
    while (this.places[slot * PLACE + HEAD] !== 0) slot = (slot + 1) & (this.capacity - 1);
    const at = slot * PLACE;
    this.places[at] = tag;
    for (let word = 1; word < KEY_WORDS; word += 1) this.places[at + word] = words[word - 1] ?? 0;
    this.places[slot * PLACE + TAIL] = 0;
    this.places[slot * PLACE + REQUESTS] = 0;
    this.placeFloats[slot * PLACE_FLOATS + BYTES] = 0;
    this.used += 1;
    return slot;
  }

  private makeRoom(second: number, hash: number): void {
    this.sweep(this.horizon(second));
    const noSecond = this.free === 0 && this.fresh > this.options.maxSeconds;
    if (this.used >= this.options.maxClients || noSecond) this.evict(hash & (this.capacity - 1), second);
    else if (this.used >= this.capacity * FULLEST) this.growTable();
  }

  /** Forget a few whose window has passed, each time others than before. */
  private sweep(horizon: number): void {
    for (let looked = 0; looked < SWEPT; looked += 1) {
      this.hand = (this.hand + 1) & (this.capacity - 1);
      const tail = this.places[this.hand * PLACE + TAIL] ?? 0;
      if (this.places[this.hand * PLACE + HEAD] !== 0 && (this.nodes[tail * NODE] ?? 0) <= horizon)
        this.removeAt(this.hand);
    }
  }

  /** Forget one of those nearby: the one that used the least of its limits. */
  private evict(from: number, second: number): void {
    const horizon = this.horizon(second);
    let least = Number.POSITIVE_INFINITY;
    let victim = -1;
    for (let looked = 0, slot = from; looked < NEIGHBOURS || victim === -1; looked += 1) {
      if (this.places[slot * PLACE + HEAD] !== 0) {
        const share = this.shareAt(slot, horizon);
        if (share < least) {
          least = share;
          victim = slot;
        }
      }
      slot = (slot + 1) & (this.capacity - 1);
    }
    if (least > 0) {
      this.evictedLive += 1;
      this.evictedMaxShare = Math.max(this.evictedMaxShare, least);
    }
    this.removeAt(victim);
  }

  private shareAt(slot: number, horizon: number): number {
    const { requests, bytes } = this.tallyAt(slot, horizon);
    const limits = this.options.limitsOf((this.places[slot * PLACE] ?? 0) >>> 1);
    return Math.max(requests / limits.requests, bytes / limits.bytes);
  }

  private removeAt(slot: number): void {
    this.expire(slot, Number.POSITIVE_INFINITY);
    this.used -= 1;
    this.closeGap(slot);
  }

  /** Move up whoever stands behind a gap only because the place was taken. */
  private closeGap(from: number): void {
    const last = this.capacity - 1;
    let gap = from;
    for (let slot = (gap + 1) & last; this.places[slot * PLACE + HEAD] !== 0; slot = (slot + 1) & last) {
      const distance = (slot - this.homeAt(this.places, slot * PLACE)) & last;
      if (distance < ((slot - gap) & last)) continue;
      this.move(slot, gap);
      gap = slot;
    }
  }

  private move(from: number, to: number): void {
    this.places.copyWithin(to * PLACE, from * PLACE, from * PLACE + PLACE);
    this.places[from * PLACE + HEAD] = 0;
  }

  private growTable(): void {
    const { capacity, places } = this;
    this.capacity = capacity * 2;
    this.places = new Uint32Array(this.capacity * PLACE);
    this.placeFloats = new Float64Array(this.places.buffer);
    for (let old = 0; old < capacity * PLACE; old += PLACE) {
      if (places[old + HEAD] === 0) continue;
      let slot = this.homeAt(places, old);
      while (this.places[slot * PLACE + HEAD] !== 0) slot = (slot + 1) & (this.capacity - 1);
      for (let word = 0; word < PLACE; word += 1) this.places[slot * PLACE + word] = places[old + word] ?? 0;
    }
  }
}
