import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AppError, ExitCode } from '../errors.ts';
import type { Right, Tokens } from './tokens.ts';

/** One request to the API, its path taken apart. */
export type Call = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON that was sent; undefined when none was. */
  readonly body: unknown;
};

/** Answers with a value that becomes JSON, or with a text of its own type. */
export type Handler = (call: Call) => unknown;

/** An answer that is not JSON. */
export class TextAnswer {
  readonly type: string;
  readonly text: string;

  constructor(type: string, text: string) {
    this.type = type;
    this.text = text;
  }
}

/** An answer that something else writes, such as one without an end. */
export class StreamAnswer {
  readonly begin: (response: ServerResponse) => void;

  constructor(begin: (response: ServerResponse) => void) {
    this.begin = begin;
  }
}

/** What a TCP listener demands of its callers; on a Unix socket the file's mode is the permission. */
export type Gate = {
  readonly tokens: Tokens;
  /** Names without port under which the API is reached; another one in Host is a web page that tricks a browser. */
  readonly hosts: ReadonlySet<string>;
};

export type ApiOptions = {
  /** `GET /v1/sites/:name` and what answers it. */
  readonly routes: Readonly<Record<string, Handler>>;
  readonly gate?: Gate;
  /** Another way to know a caller; it throws what the caller is told. */
  readonly permit?: (request: IncomingMessage) => Right;
  /** Hears of what should not happen. */
  readonly onError: (error: unknown) => void;
};

/** Largest body, in bytes. */
const MAX_BODY = 64 * 1024;

const STATUS: Readonly<Record<string, number>> = {
  E_TOKEN: 401,
  E_SESSION: 401,
  E_FORBIDDEN: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_EXISTS: 409,
  E_TOO_LARGE: 413,
  E_TYPE: 415,
  E_BUSY: 503,
  E_FULL: 507,
};

function refuse(code: string, message: string): AppError {
  return new AppError(message, {
    code,
    exit: code === 'E_TOKEN' || code === 'E_FORBIDDEN' ? ExitCode.noPermission : ExitCode.usage,
  });
}

type Route = { readonly method: string; readonly path: readonly string[]; readonly handle: Handler };

function compile(routes: ApiOptions['routes']): Route[] {
  return Object.entries(routes).map(([pattern, handle]) => {
    const [method = '', path = ''] = pattern.split(' ');
    return { method, path: path.split('/'), handle };
  });
}

function match({ path }: Route, segments: readonly string[]): Record<string, string> | null {
  if (path.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of path.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = segment;
    else if (part !== segment) return null;
  }
  return params;
}

function decoded(pathname: string): string[] {
  try {
    return pathname.split('/').map(decodeURIComponent);
  } catch {
    throw refuse('E_NOT_FOUND', 'The path is not properly encoded.');
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw refuse('E_TOO_LARGE', `A body has at most ${MAX_BODY} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  // A form of a web page cannot send this type without asking first (CORS), and nobody answers that.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw refuse('E_TYPE', 'A body has to be application/json.');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw refuse('E_JSON', 'The body is not JSON.');
  }
}

function rightOf(request: IncomingMessage, { gate, permit }: ApiOptions): Right {
  if (permit) return permit(request);
  if (!gate) return 'write';
  if (!gate.hosts.has((request.headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '')))
    throw refuse('E_FORBIDDEN', 'This API is not reached under that name.');
  const right = gate.tokens.rightOf(request.headers.authorization);
  if (right === null) throw refuse('E_TOKEN', 'A token is needed.');
  return right;
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(text);
}

/** Say what went wrong, as `{ error }`; a bug is told to the log alone. */
export function sendFailure(response: ServerResponse, thrown: unknown, onError: ApiOptions['onError']): void {
  if (!(thrown instanceof AppError)) onError(thrown);
  const error =
    thrown instanceof AppError
      ? {
          code: thrown.code,
          message: thrown.message,
          ...(thrown.hint !== undefined && { hint: thrown.hint }),
          exit: thrown.exit,
        }
      : { code: 'E_BUG', message: 'This is a bug in postern.', exit: ExitCode.software };
  const status = STATUS[error.code] ?? (error.exit === ExitCode.software ? 500 : 400);
  if (response.headersSent) response.destroy();
  else send(response, status, 'application/json', `${JSON.stringify({ error })}\n`);
}

/** Answers requests to a small JSON API, see {@link createApi}. */
export function createApiListener(
  options: ApiOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { onError } = options;
  const compiled = compile(options.routes);
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const url = URL.parse(request.url ?? '/', 'http://service');
    if (url === null) throw refuse('E_NOT_FOUND', 'There is nothing here.');
    const segments = decoded(url.pathname);
    const found = compiled.flatMap((route) => {
      const params = match(route, segments);
      return params ? [{ route, params }] : [];
    });
    if (url.pathname !== '/healthz' && rightOf(request, options) === 'read' && request.method !== 'GET')
      throw refuse('E_FORBIDDEN', 'This token may only read.');
    if (found.length === 0) throw refuse('E_NOT_FOUND', 'There is nothing here.');
    const chosen = found.find(({ route }) => route.method === request.method);
    if (!chosen) throw refuse('E_METHOD', 'That cannot be done here.');
    const body = request.method === 'GET' ? undefined : await readBody(request);
    return chosen.route.handle({ params: chosen.params, query: url.searchParams, body });
  };
  return (request, response) => {
    answer(request).then(
      (value) => {
        if (value instanceof TextAnswer) send(response, 200, value.type, value.text);
        else if (value instanceof StreamAnswer) value.begin(response);
        else send(response, 200, 'application/json', `${JSON.stringify(value ?? {})}\n`);
      },
      (error: unknown) => sendFailure(response, error, onError),
    );
  };
}

/** How long a request may take to arrive, in milliseconds: whoever sends a byte a second holds nothing up. */
export type RequestTimes = {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
};

const TIMES: RequestTimes = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5000,
};

/** An HTTP server whose headers, connections and times are bounded. */
export function createBoundedServer(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  times: RequestTimes = TIMES,
): Server {
  const server = createServer({ ...times, keepAliveTimeout: 5000 }, listener);
  server.maxHeadersCount = 64;
  server.maxConnections = 256;
  return server;
}

/**
 * An HTTP server for a small JSON API: bodies, headers and times are bounded, callers over TCP show a token and the
 * right name, errors are `{ error: { code, message, hint, exit } }`.
 */
export function createApi({ times, ...options }: ApiOptions & { readonly times?: RequestTimes }): Server {
  return createBoundedServer(createApiListener(options), times);
}
