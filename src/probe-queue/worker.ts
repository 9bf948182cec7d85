import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, type ExitCode } from '../errors.ts';
import type { Conversation, Place as Server, Variant } from '../mx/conversation.ts';
import { registeredDomain } from '../mx/provider.ts';
import { Gate, type Switchboard } from '../mx/switchboard.ts';
import type { MxProbeResult } from '../schema/mx-probe.ts';
import type { ProbeJob, ProbePlan, ProbeRow } from '../schema/probe-job.ts';
import { type Outcome, type Serving, serveJobs } from './bull.ts';
import { briefly, isQueueTrouble, type Link } from './link.ts';
import { readJobId } from './names.ts';
import { PRESENT_MS, sayGone, sayPresent } from './presence.ts';
import { keepRow } from './rows.ts';
import { ServerBusy, sharedSwitchboard, TurnLost } from './switchboard.ts';

/** Probes as a plan wants it. */
export type Prober = {
  readonly converse: (
    place: Server,
    variant: Variant | undefined,
    signal: AbortSignal,
  ) => Promise<Conversation>;
  readonly probe: (target: string, talk: Switchboard['talk']) => Promise<MxProbeResult>;
};

export type WorkerOptions = {
  readonly link: Link;
  /** What it is called in the rows. */
  readonly name: string;
  readonly concurrency: number;
  /** How this machine probes; the signal ends all of it. */
  readonly prober: (plan: ProbePlan, signal: AbortSignal) => Prober;
  /** Why a plan is not served here; undefined where it is. */
  readonly refusal: (plan: ProbePlan) => string | undefined;
  /** What of a failure is told. */
  readonly describe: (thrown: unknown) => {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly exit: ExitCode;
  };
  readonly onEvent: (event: Readonly<Record<string, unknown>>) => void;
  /** Asks it to stop. */
  readonly signal: AbortSignal;
  /** How long what is at work may take when it stops, in milliseconds; then it is given back. */
  readonly graceMs: number;
  /** Stop by itself when there was nothing to do for so long, in milliseconds. */
  readonly idleMs?: number;
};

/** What a worker has done. */
export type Work = {
  readonly probed: number;
  readonly givenBack: number;
  readonly refused: number;
};

/** Runs that are kept ready. */
const MAX_RUNS = 4;

/** Longest job, in characters of JSON. */
const MAX_JOB = 16 * 1024;

/** What is at work when the time is over gets so long to be given back, in milliseconds. */
const BACK_MS = 2000;

/** A server that is busy is tried again after so long, and up to twice as long, in milliseconds. */
const LATER_MS = 3000;

/** Run and target of a job. */
type Place = NonNullable<ReturnType<typeof readJobId>>;

/** The worker stops. */
class GivenBack extends Error {
  override readonly name = 'GivenBack';
}

/** As JSON; what is nested too deeply for it counts as endless. */
function lengthOf(data: unknown): number {
  try {
    return (JSON.stringify(data) ?? '').length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** @returns the job, or why it is none */
async function readJob(data: unknown): Promise<ProbeJob | string> {
  if (lengthOf(data) > MAX_JOB) return 'the job is too long';
  const { probeJob } = await import('../schema/probe-job.ts');
  const { v } = (typeof data === 'object' && data !== null ? data : {}) as { readonly v?: unknown };
  if (typeof v === 'number' && v !== 1) return `version ${v} of a job is not known here`;
  const read = probeJob.safeParse(data);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  return `the job is not what a job is: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'wrong'}`;
}

class QueueWorker {
  readonly counts = { probed: 0, givenBack: 0, refused: 0 };
  atWork = 0;
  lastMs = performance.now();
  /** Ends what waits for a turn. */
  readonly stopping = new AbortController();
  /** Ends everything. */
  readonly ending = new AbortController();
  private readonly options: WorkerOptions;
  private readonly everyone: Gate;
  private readonly runs = new Map<string, Pick<Prober, 'probe'> & Pick<Switchboard, 'talk'>>();

  constructor(options: WorkerOptions) {
    this.options = options;
    this.everyone = new Gate(options.concurrency);
  }

  async work(id: string, data: unknown): Promise<Outcome> {
    this.atWork += 1;
    try {
      return await this.workOn(id, data);
    } finally {
      this.atWork -= 1;
      this.lastMs = performance.now();
    }
  }

  private async workOn(id: string, data: unknown): Promise<Outcome> {
    const place = readJobId(id);
    const job = place ? await readJob(data) : 'its id is none of ours';
    if (place === undefined || typeof job === 'string') return this.refuse(id, String(job));
    const reason = this.options.refusal(job.plan);
    if (reason !== undefined) return this.refuse(id, reason);
    return this.attempt(place, job);
  }

  private async attempt(place: Place, job: ProbeJob): Promise<Outcome> {
    const startedMs = performance.now();
    try {
      const row = await this.probe(place.run, job);
      const wanted = await keepRow(this.options.link, place.run, place.field, row);
      this.counts.probed += 1;
      this.options.onEvent({
        event: 'probed',
        target: job.target,
        status: 'result' in row.outcome ? row.outcome.result.status : 'unknown',
        ms: Math.round(performance.now() - startedMs),
        ...(!wanted && { wanted }),
      });
      return { kind: 'done' };
    } catch (error) {
      if (this.stopping.signal.aborted) return this.giveBack(job.target);
      if (isQueueTrouble(error)) this.options.onEvent({ event: 'trouble', reason: (error as Error).message });
      return { kind: 'later', ms: LATER_MS * (1 + Math.random()) };
    }
  }

  private refuse(id: string, reason: string): Outcome {
    this.counts.refused += 1;
    this.options.onEvent({ event: 'refused', job: id.slice(0, 100), reason });
    return { kind: 'refused', reason };
  }

  /** @throws ServerBusy, TurnLost, E_QUEUE, or why the worker stops: then there is no row yet */
  private async probe(run: string, { target, start, plan }: ProbeJob): Promise<ProbeRow> {
    const row = (outcome: ProbeRow['outcome']): ProbeRow => ({
      v: 1,
      worker: this.options.name,
      time: new Date().toISOString(),
      outcome,
    });
    try {
      const { probe, talk } = this.ready(run, start, plan);
      return row({ result: await probe(target, talk) });
    } catch (error) {
      const comesAgain = [ServerBusy, TurnLost, GivenBack].some((kind) => error instanceof kind);
      // What is broken off may fail in any way.
      const brokenOff = this.ending.signal.aborted && !(error instanceof AppError);
      if (comesAgain || brokenOff || isQueueTrouble(error)) throw error;
      return row({ error: this.options.describe(error) });
    }
  }

  private giveBack(target: string): Outcome {
    this.counts.givenBack += 1;
    this.options.onEvent({ event: 'given back', target });
    return { kind: 'back' };
  }

  /** A run with its switchboard; those that were asked for last are kept. */
  private ready(run: string, start: string, plan: ProbePlan) {
    // Whoever makes up ids gets a run of his own.
    const key = `${run} ${start} ${JSON.stringify(plan)}`;
    const found = this.runs.get(key) ?? this.open(run, plan);
    this.runs.delete(key);
    this.runs.set(key, found);
    if (this.runs.size > MAX_RUNS) this.runs.delete(this.runs.keys().next().value ?? '');
    return found;
  }

  private open(run: string, plan: ProbePlan) {
    const signal = this.ending.signal;
    const { converse, probe } = this.options.prober(plan, signal);
    const { talk } = sharedSwitchboard({
      link: this.options.link,
      run,
      providerOf: registeredDomain,
      converse,
      everyone: this.everyone,
      stopping: this.stopping.signal,
      signal,
    });
    return { probe, talk };
  }
}

function isAbsence({ message, ...error }: NodeJS.ErrnoException): boolean {
  return /^Connection is closed/.test(message) || /^E[A-Z]+$/.test(error.code ?? '');
}

/** Resolves when there was nothing to do for so long. */
async function untilIdle(worker: QueueWorker, serving: Serving, idleMs: number, signal: AbortSignal) {
  for (;;) {
    await wait(Math.min(idleMs, 1000) / 2, undefined, { signal });
    const isIdle = worker.atWork === 0 && performance.now() - worker.lastMs > idleMs;
    if (isIdle && (await serving.waiting()) === 0) return;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/**
 * Serve a queue until somebody asks to stop; what is at work then gets `graceMs` to end, and goes to other workers after
 * that.
 *
 * @throws AppError E_QUEUE (exit 69) when the queue was away for too long
 */
export async function serveQueue(options: WorkerOptions): Promise<Work> {
  const { link, name, concurrency, signal, idleMs, graceMs, onEvent } = options;
  const worker = new QueueWorker(options);
  const self = `${name} ${randomUUID()}`;
  await sayPresent(link, self);
  const presence = setInterval(() => void sayPresent(link, self).catch(() => undefined), PRESENT_MS);
  const serving = await serveJobs(link.redis, {
    concurrency,
    name,
    work: (id, data) => worker.work(id, data),
    // Whether the server is there is watched by who opened the connection.
    onError: (error) =>
      isAbsence(error) || onEvent({ event: 'trouble', reason: error.message.slice(0, 500) }),
  });
  const idle = new AbortController();
  try {
    await Promise.race([
      untilAborted(signal),
      link.lost,
      ...(idleMs === undefined ? [] : [untilIdle(worker, serving, idleMs, idle.signal)]),
    ]);
    await finish(worker, serving, graceMs);
    await briefly(sayGone(link, self), BACK_MS);
    return worker.counts;
  } finally {
    idle.abort();
    clearInterval(presence);
    worker.stopping.abort(new GivenBack());
    worker.ending.abort(new GivenBack());
    await briefly(serving.leave(), BACK_MS);
  }
}

async function finish(worker: QueueWorker, serving: Serving, graceMs: number): Promise<void> {
  worker.stopping.abort(new GivenBack('The worker stops.'));
  const late = setTimeout(() => worker.ending.abort(new GivenBack('The worker stops.')), graceMs);
  await briefly(serving.drain(), graceMs + BACK_MS);
  clearTimeout(late);
}
