import type { Redis } from 'ioredis';
import { AppError, ExitCode } from '../errors.ts';
import { infoOf, makeClient, runScript, type Script } from './client.ts';
import { nameOfRedis, type RedisServer } from './place.ts';

/** A server that is asked one command after another, over one connection. */
export type Server = {
  /** As it is shown. */
  readonly name: string;
  /** Run a command that reads. */
  readonly ask: (command: string, ...values: readonly (string | number)[]) => Promise<unknown>;
  /** Run a script that writes: what it wrote is on the disk when this resolves. */
  readonly write: (script: Script, keys: readonly string[], values: readonly string[]) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

export type ServerOptions = {
  readonly server: RedisServer;
  readonly password?: () => string;
  /** Serve although it may forget what it has confirmed. */
  readonly mayForget: boolean;
};

/** How long each step may take, in milliseconds. */
const LIMITS = { connectMs: 5000, answerMs: 5000, durableMs: 2000 } as const;

/** When a connection that was lost is tried again, in milliseconds. */
const AGAIN_MS = 500;

function broken(name: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const { message = 'unknown' } = cause as { message?: string };
  return new AppError(`The store ${name} cannot be used: ${message}.`, {
    code: 'E_STORE',
    exit: ExitCode.unavailable,
    hint: 'Is the server running, and reached from here? What was not told as done may be repeated.',
    cause,
  });
}

function unsafe(name: string, what: string, hint: string): AppError {
  return new AppError(`The store ${name} may forget what it has told as written: ${what}.`, {
    code: 'E_STORE_UNSAFE',
    exit: ExitCode.config,
    hint: `${hint} Whoever takes the risk that used codes count again says --store-may-forget.`,
  });
}

/** Settings without which a write may be lost, what they have to be, and how to get there. */
const PROMISES: readonly (readonly [setting: string, value: string, hint: string])[] = [
  ['appendonly', 'yes', 'Set "appendonly yes".'],
  ['appendfsync', 'always', 'Set "appendfsync always": each write is on the disk before it is confirmed.'],
  [
    'maxmemory-policy',
    'noeviction',
    'Set "maxmemory-policy noeviction": keys are not to be given up for room.',
  ],
];

type Facts = Readonly<Record<string, string>>;

async function settingsOf(redis: Redis): Promise<Facts> {
  const names = PROMISES.map(([name]) => name);
  const pairs = (await redis.call('CONFIG', ['GET', ...names]).catch(() => [])) as string[];
  return Object.fromEntries(names.map((name) => [name, pairs[pairs.indexOf(name) + 1] ?? 'not told']));
}

/** See that a server keeps what it confirms. A replica takes no writes; one with replicas may be replaced by them. */
async function requirePromises(redis: Redis, name: string, mayForget: boolean): Promise<void> {
  const facts = infoOf(await redis.info('replication'));
  const replicas = facts.get('connected_slaves') ?? '0';
  if (facts.get('role') !== 'master') throw broken(name, new Error('it is a replica, which takes no writes'));
  if (mayForget) return;
  const settings = await settingsOf(redis);
  for (const [setting, value, hint] of PROMISES) {
    const found = settings[setting] ?? 'not told';
    if (found !== value) throw unsafe(name, `${setting} is ${found}`, hint);
  }
  if (replicas !== '0')
    throw unsafe(
      name,
      `${replicas} of its replicas may take over without its last writes`,
      'Run it without replicas, or take PostgreSQL.',
    );
}

/** Looks at each new connection once, before anything is asked over it. */
class Gate {
  private readonly redis: Redis;
  private readonly look: () => Promise<void>;
  private looked: Promise<void> | undefined;

  constructor(redis: Redis, look: () => Promise<void>) {
    this.redis = redis;
    this.look = look;
    redis.on('close', () => {
      this.looked = undefined;
    });
  }

  async pass(): Promise<void> {
    if (this.redis.status === 'wait') await this.redis.connect();
    this.looked ??= this.look().catch((error: unknown) => {
      this.looked = undefined;
      throw error;
    });
    await this.looked;
  }
}

/** Since 7.2 a connection can wait for its writes to be on the disk, whatever the settings have become meanwhile. */
async function hasWaitAof(redis: Redis): Promise<boolean> {
  const [known] = (await redis.call('COMMAND', ['INFO', 'WAITAOF']).catch(() => [null])) as unknown[];
  return known !== null && known !== undefined;
}

/**
 * Reach a server. Nothing is asked of it yet.
 *
 * @throws AppError E_STORE_URL (exit 64); what is run throws E_STORE (exit 69), or E_STORE_UNSAFE (exit 78) where the
 *   server does not promise to keep what it has confirmed
 */
export async function reachServer(options: ServerOptions): Promise<Server> {
  const name = nameOfRedis(options.server);
  const redis = await makeClient({
    ...options,
    ...LIMITS,
    flag: 'store',
    againMs: AGAIN_MS,
  });
  let waits = false;
  // Why the last connection failed: whoever asks is told only that there is none.
  let last: Error | undefined;
  redis.on('error', (error: Error) => {
    last = error;
  });
  const gate = new Gate(redis, async () => {
    await requirePromises(redis, name, options.mayForget);
    waits = !options.mayForget && (await hasWaitAof(redis));
  });
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      await gate.pass();
      return await work();
    } catch (error) {
      const isVague = /^Connection is closed|isn't writeable/.test((error as Error).message);
      throw broken(name, isVague ? (last ?? error) : error);
    }
  };
  return {
    name,
    ask: (command, ...values) => told(() => redis.call(command, [...values])),
    write: (script, keys, values) =>
      told(async () => {
        const result = await runScript(redis, script, keys, values);
        if (waits) await requireOnDisk(redis);
        return result;
      }),
    close: async () => redis.disconnect(),
  };
}

async function requireOnDisk(redis: Redis): Promise<void> {
  const [local] = (await redis.call('WAITAOF', [1, 0, LIMITS.durableMs])) as number[];
  if (Number(local) < 1)
    throw Object.assign(new Error('the write is not on the disk'), { code: 'ENOTDURABLE' });
}
