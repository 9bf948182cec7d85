import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';
import type { Network } from '../net/network.ts';
import { clientAddress } from './client-address.ts';
import { errorPage, sendErrorPage } from './error-page.ts';
import { createFileServer } from './files.ts';
import type { Warden } from './warden.ts';

export type FrontOptions = {
  readonly warden: Warden;
  /** Where requests go that may be served: to a web server, or to the files of a folder. */
  readonly origin: URL | { readonly root: string };
  /** Proxies of ours, whose X-Forwarded-For is believed. */
  readonly trusted: readonly Network[];
  readonly onError: (error: unknown) => void;
  /** Wait for the origin, in milliseconds. */
  readonly originTimeoutMs?: number;
};

/** What belongs to one connection and is not handed on (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** What only a proxy of ours may say. */
const FORWARDING: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** @throws AppError E_ORIGIN (exit 64) */
export function parseOrigin(text: string): URL {
  const url = URL.parse(text);
  if (
    url &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === '/' &&
    url.search === '' &&
    url.username === ''
  )
    return url;
  throw new AppError(`--origin: '${text}' is no web server.`, {
    code: 'E_ORIGIN',
    exit: ExitCode.usage,
    hint: 'Write http://HOST:PORT or https://HOST, without a path.',
  });
}

/** Fields for the next hop, in their order and spelling. */
function passed(
  raw: readonly string[],
  connection: string | undefined,
  dropped: ReadonlySet<string>,
): string[] {
  const named = new Set((connection ?? '').toLowerCase().split(/\s*,\s*/));
  const fields: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2);
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !dropped.has(lower) && !named.has(lower)) fields.push(name, value);
  }
  return fields;
}

/** Host and path of a request; a target in absolute form overrides the Host field (RFC 9112 §3.2.2). */
function targetOf({ url = '/', headers }: IncomingMessage): {
  readonly host: string | undefined;
  readonly path: string;
} {
  if (!/^https?:\/\//i.test(url)) return { host: headers.host, path: url };
  const absolute = URL.parse(url);
  return absolute
    ? { host: absolute.host, path: absolute.pathname + absolute.search }
    : { host: headers.host, path: '/' };
}

/** What left on a connection since it was asked last, head and body of responses. */
function createMeter(): (socket: Socket) => number {
  const seen = new WeakMap<Socket, number>();
  return (socket) => {
    const written = socket.bytesWritten;
    const before = seen.get(socket) ?? 0;
    seen.set(socket, written);
    return written - before;
  };
}

function originFailed(response: ServerResponse, status: 502 | 504): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = status === 504 ? 'The web server takes too long.\n' : 'The web server does not answer.\n';
  response.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': text.length,
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** Hands requests on to the origin. */
function createForwarder(origin: URL, { onError, originTimeoutMs = 60_000 }: FrontOptions) {
  const secure = origin.protocol === 'https:';
  const pool = { keepAlive: true, maxSockets: 256, timeout: originTimeoutMs };
  const agent = secure ? new HttpsAgent(pool) : new Agent(pool);
  const where = {
    protocol: origin.protocol,
    host: origin.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: origin.port === '' ? (secure ? 443 : 80) : Number(origin.port),
  };
  const forward = (request: IncomingMessage, response: ServerResponse, path: string, fields: string[]) => {
    const options = {
      ...where,
      agent,
      method: request.method ?? 'GET',
      path,
      headers: fields,
      timeout: originTimeoutMs,
    };
    const upstream = secure ? requestHttps(options) : requestHttp(options);
    upstream.on('timeout', () => {
      originFailed(response, 504);
      upstream.destroy();
    });
    upstream.on('error', (error) => {
      if (response.destroyed || response.writableEnded) return;
      onError(error);
      originFailed(response, 502);
    });
    upstream.on('response', (reply) => {
      response.writeHead(
        reply.statusCode ?? 502,
        passed(reply.rawHeaders, reply.headers.connection, new Set()),
      );
      reply.on('error', () => response.destroy());
      reply.pipe(response);
    });
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  };
  return { forward, close: () => agent.destroy() };
}

/** A reverse proxy that asks the warden about every request. */
export type Front = { readonly server: Server; close(): void };

/**
 * The built-in front, for small sites, trials and the demonstration: it costs some ten times the processor time of a
 * server written for it. Requests are decided before they reach the origin; bytes are those that left on the client's
 * connection. Upgrades to other protocols are not handed on.
 */
export function createFront(options: FrontOptions): Front {
  const { warden, trusted } = options;
  const meter = createMeter();
  const { origin } = options;
  const forwarder = origin instanceof URL ? createForwarder(origin, options) : null;
  const files = origin instanceof URL ? null : createFileServer(origin.root, options.onError);
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 300_000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => {
      const { socket, method = 'GET', headers } = request;
      const { host, path } = targetOf(request);
      const peer = socket.remoteAddress ?? '127.0.0.1';
      const forwardedFor = headers['x-forwarded-for'];
      const list = Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor;
      const address = clientAddress(peer, list, trusted);
      meter(socket);
      const verdict = warden.admit(host, address, { method, path, userAgent: headers['user-agent'] ?? '' });
      if (verdict.kind === 'refuse') {
        // What is still being sent is not worth reading.
        if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
          response.setHeader('connection', 'close');
        sendErrorPage(response, method, errorPage({ ...verdict, accept: headers.accept }));
        return;
      }
      response.once('close', () => verdict.account(meter(socket)));
      if (files) {
        files(request, response, path);
        return;
      }
      const fromProxy = peer !== address;
      const fields = passed(
        request.rawHeaders,
        headers.connection,
        fromProxy ? new Set(['x-forwarded-for']) : FORWARDING,
      );
      const chain = fromProxy && list !== undefined ? `${list}, ${peer}` : peer;
      forwarder?.forward(request, response, path, [...fields, 'X-Forwarded-For', chain]);
    },
  );
  server.maxConnections = 10_000;
  return { server, close: () => forwarder?.close() };
}
