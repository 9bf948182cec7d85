import { isIP } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';

/** Where a server listens, or is listened to. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  /** A socket that systemd opened, by the name in its unit. */
  | { readonly kind: 'activated'; readonly name: string };

/** Longest path of a socket on Linux: 108 bytes with the final NUL (unix(7)). */
const LONGEST_PATH = 107;

function wrong(text: string, flag: string): AppError {
  return new AppError(`--${flag}: '${text}' is no place to listen.`, {
    code: 'E_LISTEN',
    exit: ExitCode.usage,
    hint: 'Write HOST:PORT, [IPV6]:PORT, unix:/PATH, or systemd:NAME for a socket that systemd opens.',
  });
}

/**
 * Where to listen, from `HOST:PORT`, `[IPV6]:PORT`, `unix:/PATH` or `systemd:NAME`.
 *
 * @param flag  which flag it came from, for the error
 * @throws AppError E_LISTEN (exit 64)
 */
export function parseEndpoint(text: string, flag: string): Endpoint {
  const [, scheme, rest = ''] = /^(unix|systemd):(.+)$/.exec(text) ?? [];
  if (scheme === 'unix') {
    if (!rest.startsWith('/') || Buffer.byteLength(rest) > LONGEST_PATH) throw wrong(text, flag);
    return { kind: 'unix', path: rest };
  }
  if (scheme === 'systemd') return { kind: 'activated', name: rest };
  const [, ipv6, name = '', port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === '' || (ipv6 !== undefined && isIP(ipv6) !== 6) || Number(port) > 65_535)
    throw wrong(text, flag);
  return { kind: 'tcp', host, port: Number(port) };
}

/** An endpoint as it is written. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'activated':
      return `systemd:${endpoint.name}`;
    case 'tcp':
      return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
  }
}

/** The first socket that systemd hands over: 0 to 2 are the standard streams (sd_listen_fds(3)). */
const FIRST_FD = 3;

/**
 * Sockets that systemd opened for this process, by name (sd_listen_fds(3)).
 *
 * @param env  LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES as they are
 * @returns none when they are meant for another process
 */
export function activatedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): ReadonlyMap<string, number> {
  const count = Number(env['LISTEN_FDS'] ?? 0);
  if (Number(env['LISTEN_PID']) !== pid || !Number.isInteger(count) || count < 1 || count > 64)
    return new Map();
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  return new Map(
    Array.from({ length: count }, (_, index) => [names[index] || `fd${FIRST_FD + index}`, FIRST_FD + index]),
  );
}
