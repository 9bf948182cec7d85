import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, type Writer } from '../publisher.ts';
import type { Warden } from '../warden.ts';
import { apacheMaps, type Rows } from './maps.ts';
import { encodeSdbm } from './sdbm.ts';

const TABLES = ['blocks', 'clients', 'exempt', 'shed', 'sites'];

function isSame(one: Rows | undefined, other: Rows): boolean {
  if (one === undefined || one.size !== other.size) return false;
  return [...other].every(([key, value]) => one.get(key) === value);
}

/**
 * Writes the maps that Apache looks up (mod_rewrite, `dbm=sdbm:`). Every process of Apache remembers what it found, and
 * what it did not find, until a file has another time of modification: so that no two versions ever have the same, the
 * times are given here, and so that it does not remember whatever it was asked for, all files get new ones now and then.
 */
export class ApacheWriter implements Writer {
  readonly coalescedMs = 250;
  readonly longestMs = 10_000;
  private readonly folder: string;
  private written = new Map<string, Rows>();
  private renewedMs = Number.NEGATIVE_INFINITY;
  private lastMs = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const before = await Promise.all(
      TABLES.map((name) =>
        stat(join(this.folder, `${name}.dir`)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    this.lastMs = Math.ceil(Math.max(...before));
  }

  async write(warden: Warden): Promise<boolean> {
    const renewed = performance.now() - this.renewedMs >= this.longestMs;
    const maps = [...apacheMaps(warden)].filter(
      ([name, rows]) => renewed || !isSame(this.written.get(name), rows),
    );
    for (const [name, rows] of maps) {
      await this.replace(name, rows);
      this.written.set(name, rows);
    }
    if (renewed) this.renewedMs = performance.now();
    return maps.length > 0;
  }

  /** Pairs first, then the tree, with the later time: whoever opens both in between looks again. */
  private async replace(name: string, rows: Rows): Promise<void> {
    const { pag, dir } = encodeSdbm(rows);
    await replaceFile(this.folder, `${name}.pag`, pag, this.nextMs());
    await replaceFile(this.folder, `${name}.dir`, [{ at: 0, bytes: dir }], this.nextMs());
  }

  private nextMs(): number {
    this.lastMs = Math.max(Date.now(), this.lastMs + 1);
    return this.lastMs;
  }
}
