import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { AppError, ExitCode } from '../errors.ts';
import { clientOptions, infoOf, runScript, type Script } from '../redis/client.ts';
import { nameOfRedis, type RedisServer } from '../redis/place.ts';

/** The connection to the Redis or Valkey server that holds a queue. */
export type Link = {
  /** As it is shown. */
  readonly name: string;
  /** For BullMQ and for listening; commands wait while the server is away. */
  readonly redis: Redis;
  /** @throws AppError E_QUEUE (exit 69) */
  run(script: Script, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>;
  /** Rejects once the server has been away for too long, with E_QUEUE (exit 69). */
  readonly lost: Promise<never>;
  close(): void;
};

export type LinkOptions = {
  readonly server: RedisServer;
  readonly password?: () => string;
  /** How long the server may be away. */
  readonly patienceMs: number;
  readonly onAway?: (reason: string) => void;
  readonly onBack?: () => void;
};

/** The server is asked so often whether it is there. */
const BEAT_MS = 1000;

/** Beats without an answer after which it is said to be away. */
const QUIET_BEATS = 3;

const LONGEST_PAUSE_MS = 2000;

/** Answers that stay the same however often one asks. */
const FINAL = /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid password|DB index|Client sent AUTH))/;

/** The oldest server whose scripts may look at the clock and write. */
const OLDEST = [6, 2];

/** What a queue cannot be used for; no row is lost by it. */
export function queueLost(name: string, reason: string, cause?: unknown): AppError {
  return new AppError(`The queue ${name} cannot be used: ${reason.replace(/\.$/, '')}.`, {
    code: 'E_QUEUE',
    exit: ExitCode.unavailable,
    hint: FINAL.test(reason)
      ? 'Name its user in the URL and the password with --queue-password-file; the user needs what the runbook says.'
      : 'No row is lost: start the same command again when it is back.',
    cause,
  });
}

/** Whether something went wrong with the queue rather than with what was asked. */
export function isQueueTrouble(error: unknown): boolean {
  return error instanceof AppError && error.code === 'E_QUEUE';
}

function unfit(name: string, what: string, hint: string): AppError {
  return new AppError(`The queue ${name} cannot be used: ${what}.`, {
    code: 'E_QUEUE',
    exit: ExitCode.config,
    hint,
  });
}

/** @throws AppError E_QUEUE (exit 78) for a server that would lose jobs */
async function requireFit(redis: Redis, name: string): Promise<void> {
  const facts = infoOf(await redis.info());
  const [major = 0, minor = 0] = (facts.get('redis_version') ?? '').split('.').map(Number);
  const [oldMajor = 0, oldMinor = 0] = OLDEST;
  if (major < oldMajor || (major === oldMajor && minor < oldMinor))
    throw unfit(
      name,
      `its version is ${major}.${minor}`,
      `Take Redis ${OLDEST.join('.')} or later, or Valkey.`,
    );
  if (facts.get('role') !== 'master')
    throw unfit(name, 'it is a replica', 'Name the server that it follows.');
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction')
    throw unfit(name, `it may give up jobs for room (${policy})`, 'Set "maxmemory-policy noeviction".');
}

/** Asks the server again and again, and notices when it does not answer. */
class Vigil {
  readonly lost: Promise<never>;
  private fail: (error: AppError) => void = () => undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly options: LinkOptions;
  private readonly redis: Redis;
  private missed = 0;
  private asked = false;
  private reason = 'no answer';

  constructor(redis: Redis, options: LinkOptions) {
    this.redis = redis;
    this.options = options;
    this.lost = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    // Whoever cares waits for it, too.
    this.lost.catch(() => undefined);
    redis.on('error', (error: Error) => this.note(error));
    // Beats are counted, not the clock: a machine that slept has missed nothing.
    this.timer = setInterval(() => this.beat(), BEAT_MS);
    this.timer.unref();
  }

  /** Resolves with the first answer. */
  async first(): Promise<void> {
    await Promise.race([this.redis.ping().catch((error: Error) => this.end(error)), this.lost]);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private note(error: Error): void {
    this.reason = (error as NodeJS.ErrnoException).code ?? error.message;
    if (FINAL.test(error.message)) this.end(error);
  }

  private end(error: Error): void {
    this.close();
    this.fail(queueLost(nameOfRedis(this.options.server), error.message, error));
  }

  private beat(): void {
    const { patienceMs, onAway, onBack } = this.options;
    this.missed += 1;
    if (this.missed === QUIET_BEATS) onAway?.(this.reason);
    if (this.missed * BEAT_MS >= patienceMs)
      this.end(new Error(`it was away for ${Math.round(patienceMs / 1000)} s (${this.reason})`));
    if (this.asked) return;
    this.asked = true;
    const answered = () => {
      this.asked = false;
      if (this.missed >= QUIET_BEATS) onBack?.();
      this.missed = 0;
      this.reason = 'no answer';
    };
    this.redis.ping().then(answered, (error: Error) => {
      this.asked = false;
      this.note(error);
    });
  }
}

/**
 * Reach the server of a queue, waiting for it as long as `patienceMs`.
 *
 * @throws AppError E_QUEUE: exit 69 where it is not reached or refuses the password, 78 where it cannot keep jobs;
 *   E_STORE_URL (exit 64)
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const name = nameOfRedis(options.server);
  const { Redis } = await import('ioredis');
  const redis = new Redis({
    ...clientOptions(options.server, options.password, 'queue'),
    // BullMQ demands it: commands wait until the server is back. What waits for too long ends by the vigil.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 10), LONGEST_PAUSE_MS),
  });
  const vigil = new Vigil(redis, options);
  const close = () => {
    vigil.close();
    redis.disconnect();
  };
  try {
    await vigil.first();
    await Promise.race([requireFit(redis, name), vigil.lost]);
  } catch (error) {
    close();
    throw error instanceof AppError ? error : queueLost(name, (error as Error).message, error);
  }
  return {
    name,
    redis,
    lost: vigil.lost,
    close,
    run: (script, keys, values) =>
      runScript(redis, script, keys, values).catch((error: Error) => {
        throw queueLost(name, error.message, error);
      }),
  };
}

/** Lets what is on its way arrive, but waits for nobody who is away. */
export function briefly(work: Promise<unknown>, ms: number): Promise<unknown> {
  return Promise.race([work.catch(() => undefined), wait(ms, undefined, { ref: false })]);
}
