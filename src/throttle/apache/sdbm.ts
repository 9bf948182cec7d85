import { endianness } from 'node:os';

/** A table as Apache's `dbm=sdbm:` maps read it: the two files that it consists of. */
export type Sdbm = {
  /** Runs of pages with pairs, each by its place in the file; in between there is nothing. */
  readonly pag: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** Which pages were split: a bit for each node of a binary tree, numbered like a heap. */
  readonly dir: Uint8Array;
  /** Pairs for which there was no room. */
  readonly dropped: number;
};

/** Bytes of a page, and how many of them pairs with their places may take (sdbm_private.h of APR-util). */
const PAGE = 1024;
const MOST_OF_PAGE = 1008;

/** Bytes of the tree that are read at once: less than that at the end of the file is read as nothing. */
const DIRECTORY_BLOCK = 4096;

/** Bits of a hash that are looked at: whoever can choose keys whose hashes are alike gets no further. */
const DEEPEST = 20;

const IS_LITTLE = endianness() === 'LE';

type Pair = {
  readonly key: string;
  readonly value: string;
  /** Bits of the hash, the first to be looked at the highest. */
  readonly order: number;
};

/** @param key  ASCII: the characters of APR have a sign */
function hashOf(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (key.charCodeAt(at) + Math.imul(65_599, hash)) | 0;
  return hash;
}

function reversed(bits: number): number {
  let from = bits;
  let to = 0;
  for (let bit = 0; bit < DEEPEST; bit += 1) {
    to = (to << 1) | (from & 1);
    from >>>= 1;
  }
  return to;
}

const sizeOf = ({ key, value }: Pair) => key.length + value.length + 4;

/** A page: how many places, the places, and from its end downwards what stands there, key and value in turn. */
function pageOf(pairs: readonly Pair[]): Buffer {
  const page = Buffer.alloc(PAGE);
  const view = new DataView(page.buffer, page.byteOffset, PAGE);
  let end = PAGE;
  for (const [index, text] of pairs.flatMap(({ key, value }) => [key, value]).entries()) {
    end -= text.length;
    page.write(text, end, 'latin1');
    view.setUint16(2 + index * 2, end, IS_LITTLE);
  }
  view.setUint16(0, pairs.length * 2, IS_LITTLE);
  return page;
}

/** The tree that grows when pages are split where they are too full. */
class Tree {
  readonly pages = new Map<number, Uint8Array>();
  readonly split: number[] = [];
  dropped = 0;
  private readonly pairs: readonly Pair[];
  /** Bytes of the pairs before each. */
  private readonly before: Float64Array;

  /** @param pairs  by their order: those that share bits lie together */
  constructor(pairs: readonly Pair[]) {
    this.pairs = pairs;
    this.before = new Float64Array(pairs.length + 1);
    for (const [index, pair] of pairs.entries())
      this.before[index + 1] = (this.before[index] ?? 0) + sizeOf(pair);
    this.grow(0, pairs.length, 0, 0, 0);
  }

  /** @param number  the bits of the hash that led here, the first the lowest @param node  its number in the tree */
  private grow(from: number, to: number, depth: number, number: number, node: number): void {
    if (from === to) return;
    const size = 2 + (this.before[to] ?? 0) - (this.before[from] ?? 0);
    if (size <= MOST_OF_PAGE || depth === DEEPEST) {
      this.pages.set(number, pageOf(this.those(from, to)));
      return;
    }
    this.split.push(node);
    const middle = this.border(from, to, depth);
    this.grow(from, middle, depth + 1, number, node * 2 + 1);
    this.grow(middle, to, depth + 1, number | (1 << depth), node * 2 + 2);
  }

  /** The first of them whose bit at this depth is set. */
  private border(from: number, to: number, depth: number): number {
    const bit = 1 << (DEEPEST - 1 - depth);
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.pairs[middle]?.order ?? 0) & bit) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** As many as fit. */
  private those(from: number, to: number): Pair[] {
    const taken: Pair[] = [];
    let size = 2;
    for (const pair of this.pairs.slice(from, to)) {
      size += sizeOf(pair);
      if (size > MOST_OF_PAGE) break;
      taken.push(pair);
    }
    this.dropped += to - from - taken.length;
    return taken;
  }
}

/** Pages that follow one another go together. */
function runsOf(pages: ReadonlyMap<number, Uint8Array>): Sdbm['pag'] {
  const runs: { at: number; pages: Uint8Array[] }[] = [];
  for (const [number, page] of [...pages].sort(([one], [other]) => one - other)) {
    const last = runs.at(-1);
    if (last && last.at + last.pages.length * PAGE === number * PAGE) last.pages.push(page);
    else runs.push({ at: number * PAGE, pages: [page] });
  }
  return runs.map((run) => ({ at: run.at, bytes: Buffer.concat(run.pages) }));
}

function directory(split: readonly number[]): Uint8Array {
  const most = split.reduce((sum, node) => Math.max(sum, node), -1);
  const bits = new Uint8Array(Math.ceil((most + 1) / 8 / DIRECTORY_BLOCK) * DIRECTORY_BLOCK);
  for (const node of split) bits[node >> 3] = (bits[node >> 3] ?? 0) | (1 << (node & 7));
  return bits;
}

/**
 * A table in the format of APR's sdbm, in which a look-up reads one page however many pairs there are. (A text map is
 * read from its beginning for every key that is new since it changed.) Without pairs both files are empty.
 *
 * @param rows  ASCII, each key once; a pair has at most about a thousand characters
 */
export function encodeSdbm(rows: Iterable<readonly [key: string, value: string]>): Sdbm {
  const pairs = [...rows]
    .map(([key, value]): Pair => ({ key, value, order: reversed(hashOf(key)) }))
    .sort((one, other) => one.order - other.order);
  const { pages, split, dropped } = new Tree(pairs);
  return { pag: runsOf(pages), dir: directory(split), dropped };
}
