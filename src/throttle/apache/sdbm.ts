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

type Pair = { readonly key: Uint8Array; readonly value: Uint8Array; readonly hash: number };

/** @param key  ASCII: the characters of APR have a sign */
function hashOf(key: Uint8Array): number {
  let hash = 0;
  for (const byte of key) hash = (byte + Math.imul(65_599, hash)) | 0;
  return hash;
}

const sizeOf = ({ key, value }: Pair) => key.length + value.length + 4;

const fits = (pairs: readonly Pair[]) => pairs.reduce((sum, pair) => sum + sizeOf(pair), 2) <= MOST_OF_PAGE;

/** A page: how many places, the places, and from its end downwards what stands there, key and value in turn. */
function pageOf(pairs: readonly Pair[]): Uint8Array {
  const page = new Uint8Array(PAGE);
  const view = new DataView(page.buffer);
  let end = PAGE;
  for (const [index, bytes] of pairs.flatMap(({ key, value }) => [key, value]).entries()) {
    end -= bytes.length;
    page.set(bytes, end);
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

  /** @param number  the bits of the hash that led here, the first the lowest @param node  its number in the tree */
  grow(pairs: readonly Pair[], depth: number, number: number, node: number): void {
    if (pairs.length === 0) return;
    if (fits(pairs)) {
      this.pages.set(number, pageOf(pairs));
    } else if (depth === DEEPEST) {
      this.pages.set(number, pageOf(this.those(pairs)));
    } else {
      this.split.push(node);
      const isSet = ({ hash }: Pair) => ((hash >>> depth) & 1) === 1;
      const unset = pairs.filter((pair) => !isSet(pair));
      this.grow(unset, depth + 1, number, node * 2 + 1);
      this.grow(pairs.filter(isSet), depth + 1, number | (1 << depth), node * 2 + 2);
    }
  }

  /** As many as fit. */
  private those(pairs: readonly Pair[]): Pair[] {
    const taken: Pair[] = [];
    for (const pair of pairs) if (fits([...taken, pair])) taken.push(pair);
    this.dropped += pairs.length - taken.length;
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
  const pairs = [...rows].map(([name, text]): Pair => {
    const key = Buffer.from(name, 'latin1');
    return { key, value: Buffer.from(text, 'latin1'), hash: hashOf(key) };
  });
  const tree = new Tree();
  tree.grow(pairs, 0, 0, 0);
  return { pag: runsOf(tree.pages), dir: directory(tree.split), dropped: tree.dropped };
}
