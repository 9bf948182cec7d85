import { AppError, ExitCode } from '../errors.ts';
import { addressClass } from '../net/address.ts';

/** A Redis or Valkey server, and a database of it. */
export type RedisServer = {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  /** Undefined for the default user. */
  readonly user: string | undefined;
  /** Null speaks without TLS, on loopback alone. */
  readonly tls: { readonly ca: string | undefined } | null;
};

/** Whether a store is a Redis or Valkey server. */
export function isRedisUrl(text: string): boolean {
  return /^(redis|valkey)s?:/i.test(text);
}

function unfit(flag: string, what: string, hint: string): AppError {
  return new AppError(`--${flag}: ${what}.`, { code: 'E_STORE_URL', exit: ExitCode.usage, hint });
}

/**
 * The server that a URL names: `redis://HOST[:PORT][/NUMBER]` on loopback, `rediss://` elsewhere.
 *
 * @param flag  that it was given with
 * @throws AppError E_STORE_URL (exit 64), E_SECRET_ARGV (exit 64) for one with a password, which is not repeated
 */
export function parseRedisUrl(text: string, flag: string): RedisServer {
  const url = URL.parse(text);
  if (url?.password) {
    throw new AppError(`--${flag}: a password does not belong into a URL, which others can read.`, {
      code: 'E_SECRET_ARGV',
      exit: ExitCode.usage,
      hint: `Change it, and name a private file with --${flag}-password-file.`,
    });
  }
  if (!isRedisUrl(text))
    throw unfit(flag, 'it names no server', 'Write rediss://USER@HOST:PORT, or redis://127.0.0.1.');
  const path = /^\/?(?<database>\d{1,3})?$/.exec(url?.pathname ?? '-');
  const odd = [...(url?.searchParams.keys() ?? [])].find((name) => name !== 'sslrootcert');
  if (!url?.hostname || url.username.includes('%') || !path || url.hash || odd !== undefined)
    throw unfit(flag, 'it names no server', 'Write rediss://USER@HOST:PORT, or redis://127.0.0.1.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = /^(rediss|valkeys):$/.test(url.protocol);
  if (!secure && host !== 'localhost' && addressClass(host) !== 'loopback')
    throw unfit(flag, 'another machine is reached over TLS alone', `Write rediss://${url.host}.`);
  return {
    host,
    port: Number(url.port || 6379),
    database: Number(path.groups?.['database'] ?? 0),
    user: url.username || undefined,
    tls: secure ? { ca: url.searchParams.get('sslrootcert') ?? undefined } : null,
  };
}

/** A server as it is shown. */
export function nameOfRedis({ host, port, database, tls }: RedisServer): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'rediss' : 'redis'}://${name}:${port}/${database}`;
}
