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
 * happened, and their sum. Everything lies in typed arrays, 40 bytes a client and 20 a second, so a million clients
 * fit in some 100 MB and cost the garbage collector nothing. The table uses linear probing; whoever is removed leaves
 * no gap behind. A place is in use when its list is not empty.
 */
export class Counters {
  private readonly options: CountersOptions;
  private capacity = SMALLEST;
  private keys = new Uint32Array(SMALLEST * KEY_WORDS);
  private heads = new Uint32Array(SMALLEST);
  private tails = new Uint32Array(SMALLEST);
  private requests = new Uint32Array(SMALLEST);
  private bytes = new Float64Array(SMALLEST);
  private used = 0;
  private hand = 0;
  // The seconds of all clients; 0 is no second, and `free` begins the list of those given back.
  private seconds: Uint32Array;
  private secondRequests: Uint32Array;
  private secondBytes: Float64Array;
  private next: Uint32Array;
  private fresh = 1;
  private free = 0;
  private evictedLive = 0;
  private evictedMaxShare = 0;
  private merged = 0;

  constructor(options: CountersOptions) {
    this.options = options;
    const length = Math.min(SMALLEST, options.maxSeconds + 1);
    this.seconds = new Uint32Array(length);
    this.secondRequests = new Uint32Array(length);
    this.secondBytes = new Float64Array(length);
    this.next = new Uint32Array(length);
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
    return { requests: this.requests[slot] ?? 0, bytes: this.bytes[slot] ?? 0 };
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
      while (this.heads[slot] !== 0 && (this.keys[slot * KEY_WORDS] ?? 0) >>> 1 === site) this.removeAt(slot);
  }

  /** The earliest second that counts for a client, or null. */
  earliest(site: number, client: Client, second: number): number | null {
    const slot = this.find(site, client);
    if (slot === -1) return null;
    this.expire(slot, this.horizon(second));
    if (this.heads[slot] !== 0) return this.seconds[this.heads[slot] ?? 0] ?? null;
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
      if (this.heads[slot] === 0) continue;
      if (words.length < length + MOST_PACKED)
        words = grown(words, Math.max(words.length * 2, length + MOST_PACKED));
      length = this.packClient(slot, horizon, words, length);
    }
    return words.subarray(0, length);
  }

  /** One client, if anything of it still counts. @returns where the next one begins */
  private packClient(slot: number, horizon: number, words: Uint32Array, from: number): number {
    for (let word = 0; word < KEY_WORDS; word += 1)
      words[from + word] = this.keys[slot * KEY_WORDS + word] ?? 0;
    let to = from + PACKED_CLIENT;
    for (let node = this.heads[slot] ?? 0; node !== 0; node = this.next[node] ?? 0) {
      if ((this.seconds[node] ?? 0) <= horizon || to + PACKED_SECOND > from + MOST_PACKED) continue;
      const bytes = this.secondBytes[node] ?? 0;
      words[to] = this.seconds[node] ?? 0;
      words[to + 1] = this.secondRequests[node] ?? 0;
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
      if (this.heads[slot] === 0) continue;
      const tag = this.keys[slot * KEY_WORDS] ?? 0;
      if (site !== null && tag >>> 1 !== site) continue;
      // What has left the window is in these sums yet: they are never too small.
      const limits = this.options.limitsOf(tag >>> 1);
      const most = Math.max(
        (this.requests[slot] ?? 0) / limits.requests,
        (this.bytes[slot] ?? 0) / limits.bytes,
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
    const at = slot * KEY_WORDS;
    const [tag = 0, a = 0, b = 0, c = 0, d = 0] = this.keys.subarray(at, at + KEY_WORDS);
    return { site: tag >>> 1, kind: tag & 1, words: [a, b, c, d], share, ...this.tallyAt(slot, horizon) };
  }

  /** The last second that no longer counts. */
  private horizon(second: number): number {
    const { aligned, windowSeconds } = this.options;
    return aligned ? second - (second % windowSeconds) - 1 : second - windowSeconds;
  }

  private home(tag: number, words: Client['words']): number {
    const [a, b, c, d] = words;
    const hash = mix(mix(mix(mix(mix(this.options.seed, tag), a), b), c), d);
    return (hash >>> 0) & (this.capacity - 1);
  }

  /** Where the one who stands at a place would stand alone. */
  private homeOf(slot: number): number {
    let hash = this.options.seed;
    for (let at = slot * KEY_WORDS, end = at + KEY_WORDS; at < end; at += 1)
      hash = mix(hash, this.keys[at] ?? 0);
    return (hash >>> 0) & (this.capacity - 1);
  }

  private find(site: number, { kind, words }: Client): number {
    const tag = site * 2 + kind;
    const [a, b, c, d] = words;
    for (let slot = this.home(tag, words); this.heads[slot] !== 0; slot = (slot + 1) & (this.capacity - 1)) {
      const at = slot * KEY_WORDS;
      if (
        this.keys[at + 4] === d &&
        this.keys[at + 3] === c &&
        this.keys[at + 2] === b &&
        this.keys[at + 1] === a &&
        this.keys[at] === tag
      )
        return slot;
    }
    return -1;
  }

  /** The sum of a list without what the horizon has passed. */
  private tallyAt(slot: number, horizon: number): Tally {
    let requests = this.requests[slot] ?? 0;
    let bytes = this.bytes[slot] ?? 0;
    for (let node = this.heads[slot] ?? 0; node !== 0; node = this.next[node] ?? 0) {
      if ((this.seconds[node] ?? 0) > horizon) break;
      requests -= this.secondRequests[node] ?? 0;
      bytes -= this.secondBytes[node] ?? 0;
    }
    return { requests, bytes };
  }

  /** Give back what the horizon has passed. The list may be empty then: something is booked at once. */
  private expire(slot: number, horizon: number): void {
    let node = this.heads[slot] ?? 0;
    while (node !== 0 && (this.seconds[node] ?? 0) <= horizon) {
      this.requests[slot] = (this.requests[slot] ?? 0) - (this.secondRequests[node] ?? 0);
      this.bytes[slot] = (this.bytes[slot] ?? 0) - (this.secondBytes[node] ?? 0);
      const after = this.next[node] ?? 0;
      this.release(node);
      node = after;
    }
    this.heads[slot] = node;
    if (node === 0) this.tails[slot] = 0;
  }

  private book(slot: number, second: number, requests: number, bytes: number): void {
    const tail = this.tails[slot] ?? 0;
    // A clock that was set back books on the latest second that there is.
    let node = tail !== 0 && (this.seconds[tail] ?? 0) >= second ? tail : this.allocate();
    if (node === 0) {
      // No memory for another second: the last one takes it, and is forgotten a little too early.
      node = tail;
      this.merged += 1;
    } else if (node !== tail) this.append(slot, node, second);
    this.secondRequests[node] = (this.secondRequests[node] ?? 0) + requests;
    this.secondBytes[node] = (this.secondBytes[node] ?? 0) + bytes;
    this.requests[slot] = (this.requests[slot] ?? 0) + requests;
    this.bytes[slot] = (this.bytes[slot] ?? 0) + bytes;
  }

  private append(slot: number, node: number, second: number): void {
    const tail = this.tails[slot] ?? 0;
    this.seconds[node] = second;
    this.secondRequests[node] = 0;
    this.secondBytes[node] = 0;
    this.next[node] = 0;
    if (tail === 0) this.heads[slot] = node;
    else this.next[tail] = node;
    this.tails[slot] = node;
  }

  /** A second that nobody uses; 0 when there is none left. */
  private allocate(): number {
    if (this.free !== 0) {
      const node = this.free;
      this.free = this.next[node] ?? 0;
      return node;
    }
    if (this.fresh === this.seconds.length && !this.growSeconds()) return 0;
    this.fresh += 1;
    return this.fresh - 1;
  }

  private release(node: number): void {
    this.next[node] = this.free;
    this.free = node;
  }

  private growSeconds(): boolean {
    const length = Math.min(this.seconds.length * 2, this.options.maxSeconds + 1);
    if (length <= this.seconds.length) return false;
    this.seconds = grown(this.seconds, length);
    this.secondRequests = grown(this.secondRequests, length);
    this.secondBytes = grown(this.secondBytes, length);
    this.next = grown(this.next, length);
    return true;
  }

  /** A place for a newcomer, whose list is empty: something is booked at once. */
  private insert(site: number, { kind, words }: Client, second: number): number {
    const tag = site * 2 + kind;
    this.makeRoom(second, tag, words);
    let slot = this.home(tag, words);
    while (this.heads[slot] !== 0) slot = (slot + 1) & (this.capacity - 1);
    const at = slot * KEY_WORDS;
    this.keys[at] = tag;
    for (let word = 1; word < KEY_WORDS; word += 1) this.keys[at + word] = words[word - 1] ?? 0;
    this.tails[slot] = 0;
    this.requests[slot] = 0;
    this.bytes[slot] = 0;
    this.used += 1;
    return slot;
  }

  private makeRoom(second: number, tag: number, words: Client['words']): void {
    this.sweep(this.horizon(second));
    const noSecond = this.free === 0 && this.fresh > this.options.maxSeconds;
    if (this.used >= this.options.maxClients || noSecond) this.evict(this.home(tag, words), second);
    else if (this.used >= this.capacity * FULLEST) this.growTable();
  }

  /** Forget a few whose window has passed, each time others than before. */
  private sweep(horizon: number): void {
    for (let looked = 0; looked < SWEPT; looked += 1) {
      this.hand = (this.hand + 1) & (this.capacity - 1);
      const tail = this.tails[this.hand] ?? 0;
      if (this.heads[this.hand] !== 0 && (this.seconds[tail] ?? 0) <= horizon) this.removeAt(this.hand);
    }
  }

  /** Forget one of those nearby: the one that used the least of its limits. */
  private evict(from: number, second: number): void {
    const horizon = this.horizon(second);
    let least = Number.POSITIVE_INFINITY;
    let victim = -1;
    for (let looked = 0, slot = from; looked < NEIGHBOURS || victim === -1; looked += 1) {
      if (this.heads[slot] !== 0) {
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
    const limits = this.options.limitsOf((this.keys[slot * KEY_WORDS] ?? 0) >>> 1);
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
    for (let slot = (gap + 1) & last; this.heads[slot] !== 0; slot = (slot + 1) & last) {
      const distance = (slot - this.homeOf(slot)) & last;
      if (distance < ((slot - gap) & last)) continue;
      this.move(slot, gap);
      gap = slot;
    }
  }

  private move(from: number, to: number): void {
    this.keys.copyWithin(to * KEY_WORDS, from * KEY_WORDS, from * KEY_WORDS + KEY_WORDS);
    this.heads[to] = this.heads[from] ?? 0;
    this.tails[to] = this.tails[from] ?? 0;
    this.requests[to] = this.requests[from] ?? 0;
    this.bytes[to] = this.bytes[from] ?? 0;
    this.heads[from] = 0;
  }

  private growTable(): void {
    const { capacity, keys, heads, tails, requests, bytes } = this;
    this.capacity = capacity * 2;
    this.keys = new Uint32Array(this.capacity * KEY_WORDS);
    this.heads = new Uint32Array(this.capacity);
    this.tails = new Uint32Array(this.capacity);
    this.requests = new Uint32Array(this.capacity);
    this.bytes = new Float64Array(this.capacity);
    for (let old = 0; old < capacity; old += 1) {
      if (heads[old] === 0) continue;
      const key = keys.subarray(old * KEY_WORDS, old * KEY_WORDS + KEY_WORDS);
      const [tag = 0, a = 0, b = 0, c = 0, d = 0] = key;
      let slot = this.home(tag, [a, b, c, d]);
      while (this.heads[slot] !== 0) slot = (slot + 1) & (this.capacity - 1);
      this.keys.set(key, slot * KEY_WORDS);
      this.heads[slot] = heads[old] ?? 0;
      this.tails[slot] = tails[old] ?? 0;
      this.requests[slot] = requests[old] ?? 0;
      this.bytes[slot] = bytes[old] ?? 0;
    }
  }
}
