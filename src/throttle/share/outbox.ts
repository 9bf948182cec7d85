import type { Client } from '../client.ts';
import { countHeading, countLine, EVERYBODY, type Operation } from './wire.ts';

/** What is told at once, and kept until it is of no use to anybody. */
export type Batch = {
  /** From 1, without gaps. */
  readonly number: number;
  readonly counts: string;
  readonly operations: readonly Operation[];
  readonly rows: number;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
};

type Sum = { requests: number; bytes: number };
type Sums = Map<string, Sum>;

/** Most rows of a batch, and bytes of its operations: the whole stays below what a node takes of another. */
const MOST_ROWS = 4000;
const MOST_OPERATION_BYTES = 256 * 1024;
const MOST_OPERATIONS = 1000;

/** Rows that are added up in memory before they are made into batches. */
const MOST_PENDING = 40_000;

/** Bytes of batches that are kept. */
const MOST_KEPT = 16 * 1024 * 1024;

/** What an entry costs beside its text. */
const OVERHEAD = 200;

type Chunk = { text: string; rows: number };

/** The last chunk, or another one when that is full. */
function roomIn(chunks: Chunk[]): Chunk {
  const last = chunks.at(-1);
  if (last !== undefined && last.rows < MOST_ROWS) return last;
  const fresh = { text: '', rows: 0 };
  chunks.push(fresh);
  return fresh;
}

/**
 * What this node has to tell: counts, added up by client and second until they are told, and operations in their order.
 * Batches stay for as long as their counts matter, as a server that lost them has to be told again. They are bounded: what is
 * oldest goes first.
 */
export class Outbox {
  private readonly nameOf: (site: number) => string;
  private readonly keepMs: number;
  private readonly seconds = new Map<number, Map<number, Sums>>();
  // The last group: one request is often followed by another in the same second.
  private second = -1;
  private site = -1;
  private sums: Sums = new Map();
  private pending = 0;
  private operations: Operation[] = [];
  private kept: Batch[] = [];
  private keptBytes = 0;
  private sealed = 0;
  private acknowledged = 0;
  private lost = 0;

  /** @param keepMs  for which counts matter */
  constructor(nameOf: (site: number) => string, keepMs: number) {
    this.nameOf = nameOf;
    this.keepMs = keepMs;
  }

  /** Whether there is anything that was not made into a batch. */
  get isEmpty(): boolean {
    return this.pending === 0 && this.operations.length === 0;
  }

  /** Whether there are so many operations that they have to be made into batches, told or not. */
  get isLong(): boolean {
    return this.operations.length >= MOST_OPERATIONS;
  }

  /** The number of the last batch. */
  get last(): number {
    return this.sealed;
  }

  /** The last batch that the server has. */
  get told(): number {
    return this.acknowledged;
  }

  /** Rows that were not told yet. */
  get waiting(): number {
    return (
      this.pending +
      this.kept.reduce((sum, { number, rows }) => sum + (number > this.acknowledged ? rows : 0), 0)
    );
  }

  /** Rows that were given up before anybody was told. */
  get lostRows(): number {
    return this.lost;
  }

  /** @param client  null for all of them together @returns whether there are so many that they have to be sealed */
  add(site: number, client: Client | null, second: number, requests: number, bytes: number): boolean {
    if (second !== this.second || site !== this.site) this.turnTo(second, site);
    const name = client === null ? EVERYBODY : client.text;
    const sum = this.sums.get(name);
    if (sum === undefined) {
      this.sums.set(name, { requests, bytes });
      this.pending += 1;
      return this.pending > MOST_PENDING;
    }
    sum.requests += requests;
    sum.bytes += bytes;
    return false;
  }

  private turnTo(second: number, site: number): void {
    const sites = this.seconds.get(second) ?? new Map<number, Sums>();
    const sums = sites.get(site) ?? new Map<string, Sum>();
    this.seconds.set(second, sites);
    sites.set(site, sums);
    [this.second, this.site, this.sums] = [second, site, sums];
  }

  /** @returns the number of the batch that it will be in */
  operate(operation: Operation): number {
    this.operations.push(operation);
    return this.sealed + 1;
  }

  /**
   * Make batches of everything.
   *
   * @param shiftSeconds  what the clock of all nodes is ahead of this one
   */
  seal(nowMs: number, shiftSeconds: number): void {
    const operations = this.chunksOfOperations();
    const counts = this.chunksOfCounts(shiftSeconds);
    for (let at = 0; at < Math.max(operations.length, counts.length); at += 1) {
      const { text = '', rows = 0 } = counts[at] ?? {};
      this.keep(text, rows, operations[at] ?? [], nowMs);
    }
    this.seconds.clear();
    [this.second, this.site, this.sums] = [-1, -1, new Map()];
    this.pending = 0;
    this.operations = [];
  }

  /** All operations are in the first batch unless they are very many: whoever asks for the number gets the first. */
  private chunksOfOperations(): Operation[][] {
    const chunks: Operation[][] = [];
    let room = 0;
    for (const operation of this.operations) {
      const size = operation.field.length + operation.value.length;
      if (room < size) {
        chunks.push([]);
        room = MOST_OPERATION_BYTES;
      }
      chunks.at(-1)?.push(operation);
      room -= size;
    }
    return chunks;
  }

  private chunksOfCounts(shiftSeconds: number): Chunk[] {
    const chunks: Chunk[] = [];
    for (const [second, sites] of this.seconds)
      for (const [site, sums] of sites) {
        const heading = countHeading(second + shiftSeconds, this.nameOf(site));
        let headed: Chunk | undefined;
        for (const [client, { requests, bytes }] of sums) {
          const chunk = roomIn(chunks);
          if (chunk !== headed) chunk.text += heading;
          headed = chunk;
          chunk.text += countLine(client, requests, bytes);
          chunk.rows += 1;
        }
      }
    return chunks;
  }

  private keep(counts: string, rows: number, operations: readonly Operation[], atMs: number): void {
    this.sealed += 1;
    const told = operations.reduce((sum, { field, value }) => sum + field.length + value.length, 0);
    const bytes = counts.length + told + OVERHEAD;
    this.kept.push({ number: this.sealed, counts, operations, rows, bytes, atMs });
    this.keptBytes += bytes;
    this.forget(atMs);
  }

  /** Let go what is too old or too much. */
  private forget(nowMs: number): void {
    let gone = 0;
    for (const { number, rows, bytes, atMs } of this.kept) {
      if (atMs >= nowMs - this.keepMs && this.keptBytes <= MOST_KEPT) break;
      if (number > this.acknowledged) this.lost += rows;
      this.keptBytes -= bytes;
      gone += 1;
    }
    this.kept.splice(0, gone);
  }

  /** What to tell next, and the number of the batch that has to be there already; null when all is told. */
  next(nowMs: number): { readonly batch: Batch; readonly after: number } | null {
    this.forget(nowMs);
    const at = this.kept.findIndex(({ number }) => number > this.acknowledged);
    const batch = this.kept[at];
    return batch === undefined ? null : { batch, after: this.kept[at - 1]?.number ?? 0 };
  }

  /** What nobody was told yet. */
  untold(): readonly Batch[] {
    return this.kept.filter(({ number }) => number > this.acknowledged);
  }

  /** The server has the batches up to this one; what it forgot is told again. */
  acknowledge(number: number): void {
    this.acknowledged = Math.min(number, this.sealed);
  }
}
