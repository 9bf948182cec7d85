import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { parseEndpoint } from '../service/address.ts';
import { type CallOptions, callService } from '../service/call.ts';
import { withEnvironment } from './flags.ts';
import { readSecretFile } from './secrets.ts';

/** Where the service listens for administrators unless it is told otherwise. */
export const DEFAULT_SERVICE = 'unix:/run/postern/throttle.sock';

/** Flags of everything that asks the running service. */
export const serviceFlags = withEnvironment({
  service: Flags.string({
    summary: 'Where the service is asked: unix:/PATH, or HOST:PORT with a token.',
    default: DEFAULT_SERVICE,
    helpValue: 'PLACE',
  }),
  'token-file': Flags.string({
    summary: 'File with the token for a service that is asked over TCP.',
    helpValue: 'FILE',
  }),
});

type ServiceFlags = Interfaces.InferredFlags<typeof serviceFlags>;

/** Asks the service that the flags name; the answer has the shape that the schemas of the commands describe. */
export function serviceCaller<T>(
  flags: ServiceFlags,
  signal: AbortSignal,
): (path: string, options?: Pick<CallOptions, 'method' | 'body'>) => Promise<T> {
  const endpoint = parseEndpoint(flags.service, 'service');
  if (endpoint.kind === 'activated') {
    throw new AppError('--service: only the service itself is handed sockets by systemd.', {
      code: 'E_LISTEN',
      exit: ExitCode.usage,
      hint: 'Give unix:/PATH or HOST:PORT.',
    });
  }
  const token = flags['token-file'] === undefined ? undefined : readSecretFile(flags['token-file']);
  return async (path, options = {}) =>
    (await callService(endpoint, path, { ...options, signal, ...(token !== undefined && { token }) })) as T;
}

/** A path with its parts encoded, and a query of what is given. */
export function servicePath(
  parts: readonly string[],
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return `/v1/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}
