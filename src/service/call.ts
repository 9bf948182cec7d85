import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { AppError, ExitCode } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './address.ts';

export type CallOptions = {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Speak TLS; `ca` in PEM is trusted in place of the well-known authorities. */
  readonly tls?: { readonly ca?: string | undefined };
  /** What to do when the service does not answer, or is none. */
  readonly hint?: string;
};

/** Largest answer that is read, in bytes. */
const MAX_ANSWER = 64_000_000;

function unreachable(endpoint: Endpoint, cause: unknown, hint: string): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const denied = code === 'EACCES' || code === 'EPERM';
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'nobody listens there',
    EACCES: 'permission denied',
  };
  return new AppError(
    `The service does not answer at ${formatEndpoint(endpoint)}: ${why[code] ?? (code || (cause as Error).message)}.`,
    {
      code: 'E_SERVICE',
      exit: denied ? ExitCode.noPermission : ExitCode.unavailable,
      hint: denied ? 'Its group may use it.' : hint,
      cause,
    },
  );
}

/** The failure that the service told, as if it had happened here. */
function failureOf(answer: unknown): AppError {
  const { error } = (answer ?? {}) as {
    error?: { code?: string; message?: string; hint?: string; exit?: number };
  };
  const known = Object.values(ExitCode).find((code) => code === error?.exit);
  return new AppError(error?.message ?? 'The service did not understand.', {
    code: error?.code ?? 'E_SERVICE',
    exit: known ?? ExitCode.unavailable,
    ...(error?.hint !== undefined && { hint: error.hint }),
  });
}

function parsed(text: string, hint: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('What answers there is no service of postern.', {
      code: 'E_SERVICE',
      exit: ExitCode.unavailable,
      hint,
      cause,
    });
  }
}

/**
 * Ask a service of ours.
 *
 * @param path  path and query
 * @throws AppError E_SERVICE (exit 69, or 77 without permission) when it does not answer, and what it says itself
 */
export function callService(
  endpoint: Exclude<Endpoint, { kind: 'activated' }>,
  path: string,
  { method = 'GET', body, token, timeoutMs = 10_000, signal, tls, hint }: CallOptions = {},
): Promise<unknown> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const where =
    endpoint.kind === 'unix' ? { socketPath: endpoint.path } : { host: endpoint.host, port: endpoint.port };
  return new Promise((resolve, reject) => {
    const call = (tls ? requestTls : request)({
      ...where,
      ...(tls?.ca !== undefined && { ca: tls.ca }),
      path,
      method,
      agent: false,
      timeout: timeoutMs,
      ...(signal && { signal }),
      headers: {
        host: endpoint.kind === 'unix' ? 'service' : formatEndpoint(endpoint),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
      },
    });
    call.on('timeout', () => call.destroy(Object.assign(new Error('it takes too long'), { code: '' })));
    call.on('error', (error) =>
      reject(
        unreachable(
          endpoint,
          error,
          hint ?? 'Start it (postern throttle serve), or name its socket with --service.',
        ),
      ),
    );
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER) call.destroy(new Error('its answer is too long'));
        chunks.push(chunk);
      });
      response.on('end', () => {
        try {
          const answer = parsed(
            Buffer.concat(chunks).toString('utf8'),
            hint ?? 'Name its socket with --service.',
          );
          if ((response.statusCode ?? 500) < 300) resolve(answer);
          else reject(failureOf(answer));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    call.end(text);
  });
}
