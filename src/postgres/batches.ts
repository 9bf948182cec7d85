type Job<I, O> = {
  readonly item: I;
  readonly resolve: (value: O) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceMs: number;
};

export type BatchOptions<I, O> = {
  /** Does it for all of them at once; the results are in the order of the items. */
  readonly work: (items: readonly I[]) => Promise<readonly O[]>;
  /** No two items of a batch have the same. */
  readonly keyOf?: (item: I) => string;
  /** Batches at the same time. */
  readonly inFlight: number;
};

/** Largest batch. */
const MOST = 256;

/** How long something waits for its turn, in milliseconds. */
const PATIENCE_MS = 4000;

/** Nothing could be asked in time. */
function tooLate(): Error {
  return Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' });
}

/**
 * Collects what is to be asked while the database answers others, and asks it as one: the way there and the wait for its
 * disk cost the same for sixteen as for one.
 */
export class Batches<I, O> {
  private readonly options: BatchOptions<I, O>;
  private queue: Job<I, O>[] = [];
  private running = 0;
  private scheduled = false;

  constructor(options: BatchOptions<I, O>) {
    this.options = options;
  }

  run(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject, sinceMs: performance.now() });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.running >= this.options.inFlight || this.queue.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      const jobs = this.take();
      if (jobs.length > 0) this.send(jobs);
      this.schedule();
    });
  }

  /** The next batch; what has waited for too long is given up, and what has the same key as another stays for later. */
  private take(): Job<I, O>[] {
    const late = performance.now() - PATIENCE_MS;
    const batch: Job<I, O>[] = [];
    const left: Job<I, O>[] = [];
    const keys = new Set<string>();
    for (const job of this.queue) {
      const key = this.options.keyOf?.(job.item);
      if (job.sinceMs < late) job.reject(tooLate());
      else if (batch.length >= MOST || (key !== undefined && keys.has(key))) left.push(job);
      else {
        batch.push(job);
        if (key !== undefined) keys.add(key);
      }
    }
    this.queue = left;
    return batch;
  }

  private send(jobs: readonly Job<I, O>[]): void {
    this.running += 1;
    this.options
      .work(jobs.map(({ item }) => item))
      .then(
        (results) => {
          for (const [index, job] of jobs.entries()) job.resolve(results[index] as O);
        },
        (error: unknown) => {
          for (const job of jobs) job.reject(error);
        },
      )
      .finally(() => {
        this.running -= 1;
        this.schedule();
      });
  }
}
