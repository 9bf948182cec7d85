import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { AppError, ExitCode } from '../errors.ts';
import type { RedisServer } from './place.ts';

/** A script in Lua, which runs as a whole or not at all. */
export type Script = { readonly name: string; readonly lua: string };

export type ClientOptions = {
  readonly server: RedisServer;
  readonly password?: () => string;
  /** That the server was given with. */
  readonly flag: string;
  /** How long a connection and an answer may take, in milliseconds. */
  readonly connectMs: number;
  readonly answerMs: number;
  /** When a connection that was lost is tried again; null for never. */
  readonly againMs: number | null;
};

function readCa(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError(`--${flag}: '${file}' cannot be read.`, {
      code: 'E_STORE_URL',
      exit: ExitCode.usage,
      hint: 'sslrootcert names the certificate authorities of the server in PEM.',
      cause,
    });
  }
}

/**
 * How a client reaches a server, and shows who it is.
 *
 * @param flag  that the server was given with
 * @throws AppError E_STORE_URL (exit 64), or what reading the password throws
 */
export function clientOptions(server: RedisServer, password: (() => string) | undefined, flag: string) {
  const { host, port, database: db, user, tls } = server;
  const secret = password?.();
  return {
    host,
    port,
    db,
    ...(user !== undefined && { username: user }),
    ...(secret !== undefined && { password: secret }),
    ...(tls && {
      tls: { minVersion: 'TLSv1.2' as const, ...(tls.ca !== undefined && { ca: readCa(tls.ca, flag) }) },
    }),
  };
}

/**
 * A client that has not connected yet. What cannot be asked now is told so, and never asked behind anybody's back.
 *
 * @throws AppError E_STORE_URL (exit 64), or what reading the password throws
 */
export async function makeClient(options: ClientOptions): Promise<Redis> {
  const { server, password, flag, connectMs, answerMs, againMs } = options;
  const { Redis } = await import('ioredis');
  return new Redis({
    ...clientOptions(server, password, flag),
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: answerMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => againMs,
    // Its pipelines of themselves throw where nobody can catch it when the server dies under one (ioredis 6.0.0).
    enableAutoPipelining: false,
  });
}

/** What INFO says, by its names. */
export function infoOf(text: unknown): ReadonlyMap<string, string> {
  const rows = String(text).matchAll(/^(\w+):(.*?)\r?$/gm);
  return new Map([...rows].map(([, name = '', value = '']) => [name, value]));
}

/** Run a script by its digest; the server that does not know it gets its text. */
export function runScript(
  redis: Redis,
  { name, lua }: Script,
  keys: readonly string[],
  values: readonly (string | number)[],
): Promise<unknown> {
  const commands = redis as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  if (commands[name] === undefined) redis.defineCommand(name, { lua });
  return commands[name]?.call(redis, keys.length, ...keys, ...values) ?? Promise.resolve();
}
