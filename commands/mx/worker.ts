import { hostname } from 'node:os';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { describeFailure } from '../../src/cli/failure.ts';
import {
  dnsFlags,
  duration,
  laboratoryFlags,
  policyFlags,
  smtpFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { tell } from '../../src/cli/journal.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { MAIL_PORTS, openProber } from '../../src/cli/prober.ts';
import { requiredQueueFlags } from '../../src/cli/queue-flags.ts';
import { renderDone } from '../../src/cli/render/validation.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { nameOfRedis } from '../../src/redis/place.ts';
import type { MxWorkerResult } from '../../src/schema/mx-worker.ts';
import type { ProbePlan } from '../../src/schema/probe-job.ts';

/** How long what is at work may take when the worker stops, in milliseconds; the rest goes to others. */
const GRACE_MS = 10_000;

/** What leaving takes beyond that, in milliseconds. */
const LEAVE_MS = 6000;

const { 'dns-record': _, ...askFlags } = dnsFlags;
const { 'as-of': __, ...labFlags } = laboratoryFlags;

const flags = {
  ...requiredQueueFlags,
  ...withEnvironment({
    concurrency: Flags.integer({
      summary: 'Targets at a time, and connections.',
      default: 64,
      min: 1,
      max: 1000,
      helpValue: 'N',
    }),
    name: Flags.string({
      summary: 'What the rows call this worker; the default is the name of this host.',
      helpValue: 'NAME',
    }),
    'idle-exit': duration({ summary: 'Stop by itself when there was nothing to do for so long.' }),
    port: Flags.integer({
      summary: 'Let jobs ask this port, beside 25, 465 and 587; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      min: 1,
      max: 65_535,
      helpValue: 'N',
      helpGroup: 'LABORATORY',
    }),
    check: Flags.boolean({ summary: 'Say what would be served, and connect to nothing.' }),
  }),
  ehlo: smtpFlags.ehlo,
  ...askFlags,
  ...labFlags,
  'https-port': policyFlags['https-port'],
  cache: policyFlags.cache,
};

type WorkerFlags = Interfaces.InferredFlags<typeof flags>;

/** @throws AppError E_USAGE (exit 64) for a name that cannot stand in a row */
function nameOf(given: string | undefined): string {
  const name =
    given ??
    hostname()
      .replaceAll(/[^\w.-]/g, '-')
      .slice(0, 64);
  if (/^[\w.-]{1,64}$/.test(name)) return name;
  throw new AppError(`--name: '${name}' is no name for a worker.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Take 1 to 64 letters, digits, dots, hyphens and underscores.',
  });
}

/** A queue must not make this machine knock at any port of anybody. */
function refusalOf({ port, submission }: ProbePlan, more: readonly number[]): string | undefined {
  if (submission || MAIL_PORTS.includes(port) || more.includes(port)) return undefined;
  return `port ${port} is not asked from here`;
}

export default class MxWorker extends BaseCommand {
  static override summary = 'Probe for "mx probe --queue": one of several machines that serve a queue.';
  static override description =
    'Takes targets from a queue on Redis or Valkey, probes them from this machine and hands the rows in. All workers of ' +
    'a queue together are as polite as one machine: one connection at a time to a server, two seconds between two, four ' +
    'to a provider, and each question is asked once in a run. What a worker had in hand when it was killed goes to ' +
    'another. SIGTERM and Ctrl-C stop it: what is at work gets ten seconds to end, the rest goes back. What happens is ' +
    'written to standard output, a JSON object a line.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --queue rediss://queue.example.org --queue-password-file queue.password',
    '<%= config.bin %> <%= command.id %> --queue redis://127.0.0.1 --ehlo probe1.example.org --concurrency 32',
    '<%= config.bin %> <%= command.id %> --queue redis://127.0.0.1 --idle-exit 1m',
  ];
  static override flags = flags;
  static override graceMs = GRACE_MS + LEAVE_MS;

  override async run(): Promise<MxWorkerResult> {
    const { flags: given } = await this.parse(MxWorker);
    const name = nameOf(given.name);
    const { queuePlace } = await import('../../src/cli/queue.ts');
    const queue = nameOfRedis(queuePlace(given.queue, given, process.env).server);
    const served = { worker: name, queue, concurrency: given.concurrency };
    if (given.check) {
      const summary = `The worker ${name} would serve ${queue}, ${given.concurrency} targets at a time.`;
      return this.conclusion(summary, { ...served, probed: 0, givenBack: 0, refused: 0 });
    }
    const work = await this.serve(given, served);
    tell({ event: 'stopped', ...work });
    return this.conclusion(`The worker was stopped after ${work.probed} targets.`, { ...served, ...work });
  }

  private conclusion(
    summary: string,
    rest: Omit<MxWorkerResult, 'target' | 'status' | 'summary' | 'checks'>,
  ): MxWorkerResult {
    return this.emit({ target: null, status: 'ok', summary, checks: [], ...rest }, renderDone);
  }

  private async serve(
    given: WorkerFlags,
    served: Pick<MxWorkerResult, 'worker' | 'queue' | 'concurrency'>,
  ): Promise<Pick<MxWorkerResult, 'probed' | 'givenBack' | 'refused'>> {
    const { openQueue } = await import('../../src/cli/queue.ts');
    const { serveQueue } = await import('../../src/probe-queue/worker.ts');
    // The resolver outlives the signal: what is at work may end.
    const asking = new AbortController();
    const { dns, finish } = await openDns({ ...given, 'dns-record': undefined }, asking.signal);
    const prober = (plan: ProbePlan, signal: AbortSignal) =>
      openProber(plan, {
        flags: { ...given, 'as-of': undefined, 'dns-record': undefined },
        dns,
        signal,
        warn: (reason) => tell({ event: 'warning', reason }),
      });
    try {
      const link = await openQueue(given.queue, given, {
        onAway: (reason) => tell({ event: 'queue away', reason }),
        onBack: () => tell({ event: 'queue back' }),
      });
      try {
        tell({ event: 'started', ...served });
        return await serveQueue({
          link,
          name: served.worker,
          concurrency: served.concurrency,
          prober,
          refusal: (plan) => refusalOf(plan, given.port ?? []),
          describe: (thrown) => describeFailure(thrown, 'postern mx probe'),
          onEvent: tell,
          signal: this.signal,
          graceMs: GRACE_MS,
          ...(given['idle-exit'] !== undefined && { idleMs: given['idle-exit'] }),
        });
      } finally {
        link.close();
      }
    } finally {
      asking.abort();
      finish();
    }
  }
}
