import { Worker } from 'node:worker_threads';
import { AppError, ExitCode } from '../../errors.ts';
import type { Status } from '../../report.ts';
import { workerUrl } from '../../worker-url.ts';
import { describeFailure, type Failure } from '../failure.ts';
import type { AnyCheck, Job, Order } from './checker.ts';

/** What became of one job in a thread. */
export type Row =
  | {
      readonly kind: 'result';
      readonly result: AnyCheck;
    }
  | {
      readonly kind: 'line';
      /** As it is written. */
      readonly line: Uint8Array;
      readonly status: Status;
      /** Null where no verdict was asked for. */
      readonly verdict: string | null;
    }
  | { readonly kind: 'failure'; readonly failure: Failure };

/** Jobs that are handed over at once; their rows come back in the same order. */
export type ToWorker = { readonly number: number; readonly jobs: readonly Job[] };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'rows'; readonly number: number; readonly rows: readonly Row[] };

/** A failure of a thread, thrown again here. */
export function asError({ message, code, exit, hint }: Failure): Error {
  if (exit === ExitCode.software) return new Error(message);
  return new AppError(message, { code, exit, ...(hint !== undefined && { hint }) });
}

type Pending = {
  readonly jobs: readonly Job[];
  readonly settle: (rows: readonly Row[]) => void;
  readonly fail: (reason: unknown) => void;
};

/** One thread. A message on which it dies costs the rows it was busy with, and the next jobs get a new one. */
class Member {
  private readonly order: Order;
  private readonly script: URL;
  private readonly pending = new Map<number, Pending>();
  private worker: Worker;
  private numbers = 0;
  /** A thread that could not even start is not started again. */
  private hopeless: Failure | null = null;
  /** Settles when the thread can work, or says why it cannot. */
  readonly ready: Promise<void>;

  constructor(order: Order, script: URL) {
    this.order = order;
    this.script = script;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    // Whoever waits for it hears of it; nobody has to.
    promise.catch(() => undefined);
    this.worker = this.start(resolve, reject);
  }

  get load(): number {
    return this.pending.size;
  }

  run(jobs: readonly Job[]): Promise<readonly Row[]> {
    if (this.hopeless !== null) return Promise.resolve(failedRows(jobs, this.hopeless));
    const number = this.numbers++;
    return new Promise((settle, fail) => {
      this.pending.set(number, { jobs, settle, fail });
      this.worker.postMessage({ number, jobs } satisfies ToWorker);
    });
  }

  /** @param reason  why what is not done yet is not done any more */
  async end(reason: unknown): Promise<void> {
    for (const { fail } of this.pending.values()) fail(reason);
    this.pending.clear();
    this.worker.removeAllListeners();
    await this.worker.terminate();
  }

  private start(begun: () => void = nothing, refused: (reason: Error) => void = nothing): Worker {
    let works = false;
    const worker = new Worker(this.script, { workerData: this.order });
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'rows') return this.settle(message);
      if (message.kind === 'refused') return refused(asError(message.failure));
      works = true;
      begun();
    });
    worker.on('error', (error) => {
      refused(error instanceof Error ? error : new Error(String(error)));
      this.lose(error, works);
    });
    return worker;
  }

  private settle({ number, rows }: FromWorker & { readonly kind: 'rows' }): void {
    this.pending.get(number)?.settle(rows);
    this.pending.delete(number);
  }

  private lose(error: unknown, again: boolean): void {
    const failure = describeFailure(error, 'postern message check');
    const lost = [...this.pending.values()];
    this.pending.clear();
    if (again) this.worker = this.start();
    else this.hopeless = failure;
    for (const { jobs, settle } of lost) settle(failedRows(jobs, failure));
  }
}

function nothing(): void {}

function failedRows(jobs: readonly Job[], failure: Failure): Row[] {
  return jobs.map(() => ({ kind: 'failure', failure }));
}

/** Threads that share the work. */
export class CheckPool {
  private readonly members: readonly Member[];
  private readonly signal: AbortSignal;

  /**
   * @param count   of threads
   * @param signal  ends them all
   * @param script  that each runs
   */
  constructor(
    order: Order,
    count: number,
    signal: AbortSignal,
    script = workerUrl(import.meta.url, 'check-worker'),
  ) {
    this.members = Array.from({ length: count }, () => new Member(order, script));
    this.signal = signal;
    signal.addEventListener('abort', this.end);
  }

  get size(): number {
    return this.members.length;
  }

  /** @throws AppError what keeps a thread from working, such as a list that cannot be read */
  async ready(): Promise<void> {
    await Promise.all(this.members.map(({ ready }) => ready));
  }

  /** Have the least busy thread check these; one row a job. */
  readonly run = (jobs: readonly Job[]): Promise<readonly Row[]> => {
    const [first, ...others] = this.members;
    if (first === undefined) return Promise.resolve([]);
    return others.reduce((best, each) => (each.load < best.load ? each : best), first).run(jobs);
  };

  readonly end = async (): Promise<void> => {
    this.signal.removeEventListener('abort', this.end);
    await Promise.all(this.members.map((member) => member.end(this.signal.reason)));
  };
}
