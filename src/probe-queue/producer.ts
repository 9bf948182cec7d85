import { randomUUID } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';
import type { MxProbeResult } from '../schema/mx-probe.ts';
import type { ProbePlan, ProbeRow } from '../schema/probe-job.ts';
import { type Jobs, OUTLIVED, openJobs } from './bull.ts';
import { briefly, type Link, queueLost } from './link.ts';
import { fieldOf, jobIdOf, keys, runOf } from './names.ts';
import { workersPresent } from './presence.ts';
import { dropAnswers, dropRows, dropRun, fieldsThere, rowsOf } from './rows.ts';

/** Jobs of a run that are in the queue at a time: what Redis has to hold does not grow with the list. */
export const OUTSTANDING = 1000;

/** Rows are looked for so often although nobody has told of one, in milliseconds. */
const SWEEP_MS = 2000;

/** A job whose row does not come is looked after so often, in milliseconds. */
const FATE_MS = 5000;

export type RunOptions = {
  readonly link: Link;
  readonly plan: ProbePlan;
  /** Somebody chose the time at which the plan judges. */
  readonly chosenTime: boolean;
  /** The whole list, which is what makes the run. */
  readonly targets: readonly string[];
  /** Those whose row of an earlier start is to be forgotten. */
  readonly again: readonly string[];
  /** How long there may be no worker. */
  readonly patienceMs: number;
  readonly onAlone: () => void;
  readonly signal: AbortSignal;
};

/** A run as the one who started it sees it. */
export type QueuedRun = {
  /** Rows that are there from an earlier start. */
  readonly found: number;
  /**
   * The row of a target.
   *
   * @throws AppError as the probe itself would, E_WORKER_LOST or E_JOB_REFUSED (exit 69), or the signal's reason
   */
  ask(target: string): Promise<MxProbeResult>;
  /** Rejects when nobody serves the queue, or it is away, for too long: E_QUEUE (exit 69). */
  readonly lost: Promise<never>;
  /** All rows are there and written: nothing of the run is kept. */
  finish(): Promise<void>;
  close(): Promise<void>;
};

type Waiter = {
  readonly target: string;
  lookedMs: number;
  readonly resolve: (row: ProbeRow) => void;
  readonly reject: (reason: unknown) => void;
};

function resultOf({ worker, time, outcome }: ProbeRow): MxProbeResult {
  if ('result' in outcome) return { ...outcome.result, probed: { worker, time } };
  const { code, message, hint, exit } = outcome.error;
  throw new AppError(message, { code, exit, ...(hint !== undefined && { hint }) });
}

/** What a job cannot become a row for: it took too many workers with it, or no worker takes it. */
function failedJob(target: string, reason: string, outlived: boolean): AppError {
  return new AppError(
    outlived ? `${target} ended three workers that probed it.` : `The workers refuse ${target}: ${reason}.`,
    {
      code: outlived ? 'E_WORKER_LOST' : 'E_JOB_REFUSED',
      exit: ExitCode.unavailable,
      hint: outlived
        ? 'Their logs tell how they ended; probe it from one machine, without --queue.'
        : 'Is the same version of postern on all machines?',
    },
  );
}

class Producer implements QueuedRun {
  readonly lost: Promise<never>;
  private readonly options: RunOptions;
  private readonly jobs: Jobs;
  private readonly start = randomUUID();
  private readonly run: string;
  private readonly there: ReadonlySet<string>;
  private readonly waiting = new Map<string, Waiter>();
  private readonly listener: Link['redis'];
  private readonly timer: NodeJS.Timeout;
  private fail: (error: AppError) => void = () => undefined;
  private sweeping = false;
  /** Since when nobody serves the queue; undefined while somebody does. */
  private aloneSinceMs: number | undefined;

  constructor(options: RunOptions, jobs: Jobs, run: string, there: ReadonlySet<string>) {
    this.options = options;
    this.jobs = jobs;
    this.run = run;
    this.there = there;
    const alone = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    this.lost = Promise.race([alone, options.link.lost]);
    this.lost.catch(() => undefined);
    this.listener = options.link.redis.duplicate();
    // The first connection is watched; this one comes and goes with it.
    this.listener.on('error', () => undefined);
    this.listener.on('message', (_, field) => void this.collect([field]).catch(() => undefined));
    this.listener.subscribe(keys.news(run)).catch(() => undefined);
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS);
    options.signal.addEventListener('abort', this.stop, { once: true });
  }

  get found(): number {
    return this.there.size;
  }

  async ask(target: string): Promise<MxProbeResult> {
    this.options.signal.throwIfAborted();
    const field = fieldOf(target);
    const row = new Promise<ProbeRow>((resolve, reject) =>
      this.waiting.set(field, { target, lookedMs: performance.now(), resolve, reject }),
    );
    const begun = this.there.has(field) ? this.collectOrAdd(field) : this.add(field, target);
    begun.catch(this.lose);
    return resultOf(await row);
  }

  async finish(): Promise<void> {
    await briefly(dropRun(this.options.link, this.run), SWEEP_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.options.signal.removeEventListener('abort', this.stop);
    this.listener.disconnect();
    await briefly(this.jobs.close(), SWEEP_MS);
  }

  private readonly stop = () => {
    for (const { reject } of this.waiting.values()) reject(this.options.signal.reason);
    this.waiting.clear();
  };

  /** What the queue refuses to do it will refuse for the next target as well. */
  private readonly lose = (error: unknown) => {
    const { link } = this.options;
    this.fail(error instanceof AppError ? error : queueLost(link.name, (error as Error).message, error));
  };

  private settle(field: string, how: (waiter: Waiter) => void): void {
    const waiter = this.waiting.get(field);
    this.waiting.delete(field);
    if (waiter) how(waiter);
  }

  private async add(field: string, target: string): Promise<void> {
    await this.jobs.add(jobIdOf(this.run, field), {
      v: 1,
      target,
      start: this.start,
      plan: this.options.plan,
    });
  }

  private async collectOrAdd(field: string): Promise<void> {
    await this.collect([field]);
    const waiter = this.waiting.get(field);
    if (waiter) await this.add(field, waiter.target);
  }

  /** Hand on the rows that are there. */
  private async collect(fields: readonly string[]): Promise<void> {
    const { link } = this.options;
    const wanted = fields.filter((field) => this.waiting.has(field));
    for (const [field, row] of await rowsOf(link, this.run, wanted)) {
      if (row) this.settle(field, ({ resolve }) => resolve(row));
      // What is no row is none: the target is probed again.
      else await dropRows(link, this.run, [field]);
    }
  }

  private async sweep(): Promise<void> {
    // One at a time: while the server is away they wait.
    if (this.sweeping) return;
    this.sweeping = true;
    try {
      await this.collect([...this.waiting.keys()]);
      await this.lookAfter();
      await this.lookForWorkers();
    } catch (error) {
      this.lose(error);
    } finally {
      this.sweeping = false;
    }
  }

  /** Jobs that failed, and those that Redis has forgotten. */
  private async lookAfter(): Promise<void> {
    const nowMs = performance.now();
    const due = [...this.waiting].filter(([, { lookedMs }]) => nowMs - lookedMs > FATE_MS);
    await Promise.all(
      due.map(async ([field, waiter]) => {
        waiter.lookedMs = nowMs;
        const id = jobIdOf(this.run, field);
        const fate = await this.jobs.fate(id);
        if (fate === null) return;
        // Its row may have come in this moment.
        await this.collect([field]);
        if (!this.waiting.has(field)) return;
        if (fate.kind === 'gone') return this.add(field, waiter.target);
        await this.jobs.remove(id);
        const { reason } = fate;
        this.settle(field, ({ target, reject }) => reject(failedJob(target, reason, reason === OUTLIVED)));
      }),
    );
  }

  private async lookForWorkers(): Promise<void> {
    const { link, patienceMs, onAlone } = this.options;
    if (this.waiting.size === 0 || (await workersPresent(link)) > 0) {
      this.aloneSinceMs = undefined;
      return;
    }
    if (this.aloneSinceMs === undefined) onAlone();
    this.aloneSinceMs ??= performance.now();
    if (performance.now() - this.aloneSinceMs > patienceMs)
      this.fail(queueLost(link.name, `no worker has served it for ${Math.round(patienceMs / 1000)} s`));
  }
}

/** Begin a run, or take it up where it stands. */
export async function openRun(options: RunOptions): Promise<QueuedRun> {
  const { link, plan, chosenTime, targets, again } = options;
  const run = runOf(plan, targets, chosenTime);
  const open = async () => {
    if (again.length > 0) await dropAnswers(link, run, again.map(fieldOf));
    return new Producer(options, await openJobs(link.redis), run, await fieldsThere(link, run));
  };
  return Promise.race([open(), link.lost]);
}
