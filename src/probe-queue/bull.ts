import type { Job, JobJson } from 'bullmq';
import type { Redis } from 'ioredis';
import { KEEP_MS, PREFIX, QUEUE } from './names.ts';

// The only file that loads BullMQ.

/** Jobs as those see them who put them in. */
export type Jobs = {
  /** Put a job in; one that is there already stays as it is. */
  add(id: string, data: unknown): Promise<void>;
  /** What became of a job: null while it is waiting or at work. */
  fate(id: string): Promise<{ readonly kind: 'gone' } | { readonly kind: 'failed'; reason: string } | null>;
  remove(id: string): Promise<void>;
  close(): Promise<void>;
};

/** What a worker makes of a job. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Not now: others go first. */
  | { readonly kind: 'later'; readonly ms: number }
  /** Somebody else is to do it. */
  | { readonly kind: 'back' }
  /** Nobody ever is to do it. */
  | { readonly kind: 'refused'; readonly reason: string };

export type ServeOptions = {
  readonly concurrency: number;
  readonly name: string;
  readonly work: (id: string, data: unknown) => Promise<Outcome>;
  readonly onError: (error: Error) => void;
};

/** Jobs as they are worked on. */
export type Serving = {
  /** Jobs that nobody has taken yet. */
  waiting(): Promise<number>;
  /** Take nothing new; resolves when what was taken is done or given back. */
  drain(): Promise<void>;
  /** Leave at once; what is at work goes to others when its lock runs out. */
  leave(): Promise<void>;
};

/** A worker that was not heard of for so long is given up for dead, in milliseconds. */
const LOCK_MS = 10_000;

/** How often somebody looks for jobs whose worker is dead, in milliseconds. */
const STALLED_MS = 5000;

/** Workers that a job may outlive; the next one does not touch it any more. */
const DEATHS = 2;

/** What BullMQ writes where a job has outlived too many. */
export const OUTLIVED = 'job stalled more than allowable limit';

/** Events that are kept; nobody reads them. */
const EVENTS = 100;

const KEEP_FAILED = { age: KEEP_MS / 1000 };

// It would look at the server and write to the terminal; we have looked.
const BASE = { prefix: PREFIX, skipVersionCheck: true } as const;

/** A job that everybody refuses. */
const NOTHING = {
  name: '',
  data: 'null',
  opts: {},
  progress: 0,
  attemptsMade: 0,
  attemptsStarted: 0,
  stalledCounter: 0,
  timestamp: 0,
  failedReason: '',
  stacktrace: '[]',
  returnvalue: '',
} as const;

/** Put jobs in. */
export async function openJobs(redis: Redis): Promise<Jobs> {
  const { Queue } = await import('bullmq');
  const queue = new Queue(QUEUE, {
    ...BASE,
    connection: redis,
    streams: { events: { maxLen: EVENTS } },
  });
  // The connection is watched by who opened it.
  queue.on('error', () => undefined);
  return {
    add: async (id, data) => {
      await queue.add('probe', data, { jobId: id, removeOnComplete: true, removeOnFail: KEEP_FAILED });
    },
    fate: async (id) => {
      const state = await queue.getJobState(id);
      if (state === 'unknown') return { kind: 'gone' };
      if (state !== 'failed') return null;
      return { kind: 'failed', reason: (await queue.getJob(id))?.failedReason ?? 'no reason' };
    },
    remove: async (id) => {
      await queue.remove(id);
    },
    close: () => queue.close(),
  };
}

/** Work on jobs as they come. */
export async function serveJobs(
  redis: Redis,
  { concurrency, name, work, onError }: ServeOptions,
): Promise<Serving> {
  const { DelayedError, Queue, UnrecoverableError, WaitingError, Worker } = await import('bullmq');
  const process = async (job: Job, token?: string): Promise<null> => {
    const outcome = await work(job.id ?? '', job.data);
    switch (outcome.kind) {
      case 'done':
        return null;
      case 'later':
        await job.moveToDelayed(Date.now() + outcome.ms, token);
        throw new DelayedError();
      case 'back':
        await job.moveToWait(token);
        throw new WaitingError();
      case 'refused':
        throw new UnrecoverableError(outcome.reason);
    }
  };
  class Steady extends Worker {
    protected override createJob(data: JobJson, id: string): Job {
      try {
        return super.createJob(data, id);
      } catch {
        // What is no JSON would be handed from one worker to the next for ever.
        return super.createJob({ ...NOTHING, id }, id);
      }
    }
  }
  const worker = new Steady(QUEUE, process, {
    ...BASE,
    connection: redis,
    concurrency,
    name,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: DEATHS,
    runRetryDelay: 1000,
    removeOnComplete: { count: 0 },
    removeOnFail: KEEP_FAILED,
  });
  worker.on('error', onError);
  const queue = new Queue(QUEUE, { ...BASE, connection: redis });
  queue.on('error', () => undefined);
  return {
    waiting: async () => {
      const counts = await queue.getJobCounts('wait', 'delayed');
      return (counts['wait'] ?? 0) + (counts['delayed'] ?? 0);
    },
    drain: () => worker.close(),
    leave: async () => {
      await worker.close(true);
      await queue.close();
    },
  };
}
