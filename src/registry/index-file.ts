import { type Names, namesOf } from '../trust/names.ts';
import {
  type Entry,
  indexByDomain,
  type Listing,
  type Registry,
  readEntry,
  readRegistry,
} from '../trust/registry.ts';
import { canonicalJson, type Json } from './canonical.ts';
import { RuleFault } from './rules.ts';

/*
 * The index of a large list: numbers alone, as they lie in memory.
 *
 *   marker, entries E, names longest, then of each table its rows; the length of the mediator's name, and the name
 *   E × (offset, length) of each entry in the list
 *   of each table its hashes in order, then the entry of each hash
 *
 * It says where to look, never what stands there: an entry is read from the list itself, whose digest was verified. So two
 * names with one hash, or a wrong index, can hide an entry and never make one up.
 */

const TABLES = ['domains', 'byName', 'byDomain', 'byLabel'] as const;
type Table = (typeof TABLES)[number];

/** Written as a number: an index of a machine with another byte order is none. */
const MARKER = 0x70_74_78_31;
const HEAD_WORDS = 4 + TABLES.length;

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** A hash and the number of an entry. */
type Pair = readonly [hash: number, entry: number];
type Rows = { readonly hashes: Uint32Array; readonly entries: Uint32Array };

/**
 * Make the index of a list.
 *
 * @throws {RuleFault} `form` when the list is not in its canonical form (RFC 8785)
 */
export function buildIndex(document: Uint8Array): Buffer {
  const registry = readRegistry(document, 'the list of domains');
  const spans = entrySpans(document);
  const pairs: Readonly<Record<Table, Pair[]>> = { domains: [], byName: [], byDomain: [], byLabel: [] };
  let longest = 0;
  for (const [number, entry] of registry.entries.entries()) {
    const names = namesOf([entry]);
    longest = Math.max(longest, names.longest);
    for (const { domain } of entry.domains) pairs.domains.push([hashOf(domain), number]);
    for (const table of ['byName', 'byDomain', 'byLabel'] as const)
      for (const key of names[table].keys()) pairs[table].push([hashOf(key), number]);
  }
  const rows = TABLES.map((table) => sortRows(pairs[table]));
  const name = Buffer.from(registry.mediator.name);
  const head = [MARKER, spans.length / 2, longest, ...rows.map(({ hashes }) => hashes.length), name.length];
  const padded = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4)]);
  return Buffer.concat([
    bytesOf(Uint32Array.from(head)),
    padded,
    bytesOf(spans),
    ...rows.flatMap(({ hashes, entries }) => [bytesOf(hashes), bytesOf(entries)]),
  ]);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/**
 * Offset and length of each entry in a list.
 *
 * @throws {RuleFault} `form` when it is not in its canonical form (RFC 8785)
 */
export function entrySpans(document: Uint8Array): Uint32Array {
  const value = JSON.parse(Buffer.from(document).toString('utf8')) as Record<string, Json>;
  let at = 1;
  let spans: Uint32Array = new Uint32Array();
  const parts: string[] = [];
  for (const key of Object.keys(value).sort((a, b) => (a < b ? -1 : 1))) {
    const begin = `${JSON.stringify(key)}:`;
    const list = key === 'entries' ? (value[key] as readonly Json[]) : null;
    const texts = list === null ? [] : list.map(canonicalJson);
    if (list !== null) spans = spansOf(texts, at + Buffer.byteLength(begin) + 1);
    const text = begin + (list === null ? canonicalJson(value[key] as Json) : `[${texts.join(',')}]`);
    parts.push(text);
    at += Buffer.byteLength(text) + 1;
  }
  if (!Buffer.from(`{${parts.join(',')}}`).equals(document))
    throw new RuleFault('form', 'The list of domains is not in its canonical form (RFC 8785).');
  return spans;
}

function spansOf(texts: readonly string[], start: number): Uint32Array {
  const spans = new Uint32Array(texts.length * 2);
  let at = start;
  for (const [index, text] of texts.entries()) {
    const length = Buffer.byteLength(text);
    spans.set([at, length], index * 2);
    at += length + 1;
  }
  return spans;
}

/** In one number each, so that a million is sorted without comparing by a function. */
function sortRows(pairs: readonly Pair[]): Rows {
  const joined = Float64Array.from(pairs, ([hash, entry]) => hash * 2 ** 21 + entry).sort();
  return {
    hashes: Uint32Array.from(joined, (each) => Math.floor(each / 2 ** 21)),
    entries: Uint32Array.from(joined, (each) => each % 2 ** 21),
  };
}

/** A list that is read where it lies. */
export type IndexedList = Pick<Registry, 'mediator' | 'entries' | 'byDomain'> & {
  readonly names: Names;
  readonly entryCount: number;
};

/**
 * Look up in a list by its index. Entries are read when they are asked for, and kept.
 *
 * @param mediator  id of the mediator
 * @returns null when the index is none, or none of this machine
 */
export function openIndex(document: Buffer, index: Buffer, mediator: string): IndexedList | null {
  if (index.length < HEAD_WORDS * 4) return null;
  const words = wordsOf(index, 0, HEAD_WORDS);
  const [marker, entryCount = 0, longest = 0] = words;
  if (marker !== MARKER) return null;
  const nameLength = words[HEAD_WORDS - 1] ?? 0;
  const start = HEAD_WORDS * 4;
  let at = start + Math.ceil(nameLength / 4) * 4;
  // Cut off, or with a number that is damaged: what it says of itself and what is there have to agree.
  const rows = TABLES.reduce((sum, _, table) => sum + (words[3 + table] ?? 0), entryCount);
  if (index.length !== at + rows * 8) return null;
  const take = (count: number) => {
    const part = wordsOf(index, at, count);
    at += count * 4;
    return part;
  };
  const spans = take(entryCount * 2);
  const [domains, byName, byDomain, byLabel] = TABLES.map((_, table) => {
    const count = words[3 + table] ?? 0;
    return { hashes: take(count), entries: take(count) };
  }) as [Rows, Rows, Rows, Rows];
  const read = entryReader(document, spans);
  const all = () => Array.from({ length: entryCount }, (_, number) => read(number).entry);
  return {
    mediator: { id: mediator, name: index.toString('utf8', start, start + nameLength) },
    entryCount,
    get entries() {
      return all();
    },
    byDomain: {
      size: domains.hashes.length,
      get: (name) => together(domains, name, (number) => read(number).byDomain.get(name)),
    },
    names: {
      longest,
      byName: { get: (key) => together(byName, key, (number) => read(number).names().byName.get(key)) },
      byDomain: { get: (key) => together(byDomain, key, (number) => read(number).names().byDomain.get(key)) },
      byLabel: { get: (key) => together(byLabel, key, (number) => read(number).names().byLabel.get(key)) },
    },
  };
}

function wordsOf(index: Buffer, at: number, count: number): Uint32Array {
  const offset = index.byteOffset + at;
  if (offset % 4 === 0 && at + count * 4 <= index.length) return new Uint32Array(index.buffer, offset, count);
  return new Uint32Array(Uint8Array.from(index.subarray(at, at + count * 4)).buffer);
}

/** What the entries at a hash say of a key. */
function together<T>(
  { hashes, entries }: Rows,
  key: string,
  ask: (entry: number) => readonly T[] | undefined,
): readonly T[] | undefined {
  const hash = hashOf(key);
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hashes[middle] ?? 0) < hash) low = middle + 1;
    else high = middle;
  }
  let found: readonly T[] | undefined;
  for (let at = low; hashes[at] === hash; at += 1) {
    const said = ask(entries[at] ?? 0);
    if (said !== undefined) found = found === undefined ? said : [...found, ...said];
  }
  return found;
}

type ReadEntry = {
  readonly entry: Entry;
  readonly byDomain: ReadonlyMap<string, readonly Listing[]>;
  names(): Names;
};

function entryReader(document: Buffer, spans: Uint32Array): (number: number) => ReadEntry {
  const kept = new Map<number, ReadEntry>();
  return (number) => {
    const there = kept.get(number);
    if (there !== undefined) return there;
    const offset = spans[number * 2] ?? 0;
    const entry = readEntry(document.subarray(offset, offset + (spans[number * 2 + 1] ?? 0)));
    let names: Names | null = null;
    const made: ReadEntry = {
      entry,
      byDomain: indexByDomain([entry]),
      names: () => {
        names ??= namesOf([entry]);
        return names;
      },
    };
    kept.set(number, made);
    return made;
  };
}
