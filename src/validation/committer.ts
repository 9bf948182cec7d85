import type { DatabaseSync } from 'node:sqlite';

type Job = {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceMs: number;
};

/** How long a write waits for other processes that write, in milliseconds. */
const PATIENCE_MS = 2000;

/** SQLITE_BUSY, with its extended codes in the higher bits. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}

/**
 * Collects what is to be written while the disk is busy, and commits it as one: the cost of a commit is the wait for
 * the disk, so sixteen writes cost as much as one. Nothing resolves before it is on the disk.
 */
export class Committer {
  private readonly database: DatabaseSync;
  private queue: Job[] = [];
  private scheduled = false;

  /** @param database  with a busy time-out of 0: waiting happens here, without stopping everything else */
  constructor(database: DatabaseSync) {
    this.database = database;
  }

  /** @param work  statements; they may be run again when the database was busy */
  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.queue.push({ work, resolve, reject, sinceMs: performance.now() });
      this.schedule(0);
    });
  }

  private schedule(delayMs: number): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const flush = () => {
      this.scheduled = false;
      this.flush();
    };
    if (delayMs === 0) setImmediate(flush);
    else setTimeout(flush, delayMs);
  }

  private flush(): void {
    const jobs = this.queue;
    this.queue = [];
    try {
      this.database.exec('BEGIN IMMEDIATE');
      const results = jobs.map(({ work }) => work());
      this.database.exec('COMMIT');
      for (const [index, job] of jobs.entries()) job.resolve(results[index] as never);
    } catch (error) {
      this.undo();
      if (isBusy(error)) this.again(jobs, error);
      else for (const job of jobs) job.reject(error);
    }
  }

  private undo(): void {
    try {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
    } catch {
      // A disk that fails fails here as well; SQLite has rolled back by itself then.
    }
  }

  private again(jobs: readonly Job[], error: unknown): void {
    const late = performance.now() - PATIENCE_MS;
    for (const job of jobs) if (job.sinceMs < late) job.reject(error);
    this.queue.unshift(...jobs.filter(({ sinceMs }) => sinceMs >= late));
    // Several processes that were refused together should not come back together.
    if (this.queue.length > 0) this.schedule(1 + Math.random() * 4);
  }
}
