import { availableParallelism } from 'node:os';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { mostCases, openBatch, readBatchText } from '../../src/cli/batch.ts';
import {
  type AnyCheck,
  idOf,
  type Job,
  nameOf,
  type Order,
  openChecker,
} from '../../src/cli/bulk/checker.ts';
import { asError, CheckPool, type Row } from '../../src/cli/bulk/pool.ts';
import { type CheckFlags, checkFlags } from '../../src/cli/check-flags.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { type MessagePlace, messagePlaces } from '../../src/cli/message-sources.ts';
import { mapParallel } from '../../src/cli/parallel.ts';
import { renderMessageCheck, renderPartialCheck } from '../../src/cli/render/check.ts';
import type { MessageCheckOnlyResult, MessageCheckResult } from '../../src/schema/message-check.ts';

/** Verdicts that meet a demand. */
const MEETS: Readonly<Record<'trusted' | 'authenticated', ReadonlySet<string>>> = {
  trusted: new Set(['trusted']),
  authenticated: new Set(['trusted', 'authenticated', 'open-signup']),
};

export default class MessageCheck extends BaseCommand {
  static override summary = 'Say who really sent a message, and whether that sender can be trusted.';
  static override description =
    'Checks SPF, DKIM, DMARC and ARC of a saved message, and gives one of five verdicts: trusted (a listed company ' +
    'signed it), authenticated (the domain is proved, nobody vouches for it), open-signup (the domain is proved, and ' +
    'anybody can get an address there), unauthenticated, suspicious. What SPF needs to know comes from the line ' +
    'where the message entered your system, or from flags. A pasted header block is judged as far as that goes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> message.eml',
    '<%= config.bin %> <%= command.id %> message.eml --registry trusted.json --require trusted',
    '<%= config.bin %> <%= command.id %> - --explain < message.eml',
    '<%= config.bin %> <%= command.id %> message.eml --ip 192.0.2.20 --helo mail.example.org --mail-from a@example.org',
    '<%= config.bin %> <%= command.id %> old.eml --dns-cache keys.json --offline --as-of 2026-01-31',
    '<%= config.bin %> <%= command.id %> --batch cases.jsonl --format jsonl',
  ];
  static override several = true;
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({
      description: 'Message or header block; "-" is standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...checkFlags,
    format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'sarif']),
  };

  override async run(): Promise<readonly AnyCheck[]> {
    const { args, flags } = await this.parse(MessageCheck);
    if (flags.only !== undefined) this.resultIs('message check only');
    if (flags.batch !== undefined) return await this.checkBatch(flags.batch, flags);
    if (!args.file && process.stdin.isTTY)
      this.note([{ text: 'Paste the message or its headers, then Ctrl-D.' }]);
    const places = await messagePlaces(args.file ?? ['-']);
    const [only] = places;
    const order = this.order(flags, '.');
    return places.length === 1 && only
      ? await this.checkOne(only, order)
      : await this.withThreads(workersFor(places, flags), order, (pool) =>
          this.checkAll(places, order, pool),
        );
  }

  /** Threads start while the cases are read. */
  private async checkBatch(file: string, flags: CheckFlags): Promise<readonly AnyCheck[]> {
    const { bytes, folder } = await openBatch(file);
    const order = this.order(flags, folder);
    const workers = isAlone(flags) ? 1 : threadsFor(mostCases(bytes), flags);
    return await this.withThreads(workers, order, (pool) =>
      this.checkAll(readBatchText(file, bytes), order, pool),
    );
  }

  /** @param work  gets null where one thread will do, which is this one */
  private async withThreads<T>(
    workers: number,
    order: Order,
    work: (pool: CheckPool | null) => Promise<T>,
  ): Promise<T> {
    const pool = workers === 1 ? null : new CheckPool(order, workers, this.signal);
    try {
      return await work(pool);
    } finally {
      await pool?.end();
    }
  }

  private order(flags: CheckFlags, folder: string): Order {
    return { flags, root: this.config.root, folder, nowMs: Date.now(), head: this.lineHead };
  }

  private async checkOne(job: Job, order: Order): Promise<readonly AnyCheck[]> {
    const checker = await openChecker(order, this.signal);
    try {
      const result = this.judged(await checker.check(job), order);
      this.emit(result, view(order, false));
      if ('verdict' in result && result.authorDomain) this.next(`postern trust show ${result.authorDomain}`);
      return [result];
    } finally {
      checker.finish();
    }
  }

  /** A row a job; rows are written and forgotten, as there may be many. */
  private async checkAll(
    jobs: readonly Job[],
    order: Order,
    pool: CheckPool | null,
  ): Promise<readonly AnyCheck[]> {
    this.beginRows({ fast: order.flags.batch !== undefined || jobs.length >= MANY });
    if (pool === null) await this.checkHere(jobs, order);
    else await this.checkInThreads(jobs, order, pool);
    this.signal.throwIfAborted();
    return [];
  }

  private async checkHere(jobs: readonly Job[], order: Order): Promise<void> {
    const checker = await openChecker(order, this.signal);
    const check = async (job: Job) => this.judged(await checker.check(job), order);
    try {
      await mapParallel(jobs, { ...order.flags, signal: this.signal }, check, (job, outcome) => {
        if ('error' in outcome) this.emitFailure(nameOf(job), outcome.error, idOf(job));
        else this.emit(outcome.value, view(order, true), idOf(job));
      });
    } finally {
      checker.finish();
    }
  }

  private async checkInThreads(jobs: readonly Job[], order: Order, pool: CheckPool): Promise<void> {
    await pool.ready();
    const { ordered } = order.flags;
    // Each has its next jobs waiting when it is done with some.
    const spread = { parallel: pool.size * 2, ordered, signal: this.signal };
    await mapParallel(inPortions(jobs), spread, pool.run, (some, outcome) => {
      if ('error' in outcome) throw outcome.error;
      for (const [index, row] of outcome.value.entries()) this.tellRow(some[index] as Job, row, order);
    });
  }

  private tellRow(job: Job, row: Row, order: Order): void {
    if (row.kind === 'failure') return this.emitFailure(nameOf(job), asError(row.failure), idOf(job));
    if (row.kind === 'result')
      return void this.emit(this.judged(row.result, order), view(order, true), idOf(job));
    this.demand(row.verdict, order);
    this.emitLine(row.line, row.status);
  }

  private judged(result: AnyCheck, order: Order): AnyCheck {
    // What was cut short by Ctrl-C found nothing out.
    this.signal.throwIfAborted();
    if ('verdict' in result) this.demand((result satisfies MessageCheckResult).verdict, order);
    else result satisfies MessageCheckOnlyResult;
    return result;
  }

  private demand(verdict: string | null, { flags }: Order): void {
    if (flags.require !== undefined && verdict !== null && !MEETS[flags.require].has(verdict))
      this.demandNotMet();
  }
}

function view({ flags: { explain } }: Order, named: boolean) {
  return (result: AnyCheck, columns: number) =>
    'verdict' in result
      ? renderMessageCheck(result, columns, { explain, named })
      : renderPartialCheck(result, columns, { named });
}

/** Rows that are collected before they are written: nobody reads so many as they come. */
const MANY = 100;
/** Messages that are worth a thread a processor: each takes as long to start as a hundred messages. */
const WORTH_THREADS = 1000;
const MOST_THREADS = 8;

function workersFor(places: readonly MessagePlace[], flags: CheckFlags): number {
  return isAlone(flags) || places.some(({ file }) => file === '-') ? 1 : threadsFor(places.length, flags);
}

/** One thread has standard input, and one the recording. */
function isAlone(flags: CheckFlags): boolean {
  return flags['dns-record'] !== undefined || flags.registry === '-' || flags['dns-cache'] === '-';
}

function threadsFor(count: number, { workers }: CheckFlags): number {
  if (workers !== undefined) return Math.min(workers, Math.max(1, count));
  return count < WORTH_THREADS ? 1 : Math.min(availableParallelism(), MOST_THREADS);
}

/** Jobs that are handed over at once: few enough that all threads are busy until the end. */
const PORTION = 32;

function inPortions(jobs: readonly Job[]): readonly (readonly Job[])[] {
  return Array.from({ length: Math.ceil(jobs.length / PORTION) }, (_, index) =>
    jobs.slice(index * PORTION, (index + 1) * PORTION),
  );
}
