import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { VerifyStatus } from './answer.ts';
import { parsePairs, REQUEST_LIMITS } from './request.ts';
import { answerVerify, type VerifyWorld } from './verify.ts';

/** Certificate chain and key, in PEM. */
export type Certificate = { readonly cert: string; readonly key: string };

export type ServerOptions = {
  readonly world: VerifyWorld;
  /** Without one the server speaks plain HTTP. */
  readonly certificate?: Certificate;
  readonly onAnswer: (status: VerifyStatus) => void;
};

const PATH = '/wsapi/2.0/verify';

/** Answers that are held back at a time; beyond that they are sent at once. */
const MOST_HELD = 200;

function send(response: ServerResponse, status: number, text: string, fields = {}): void {
  response.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...fields,
  });
  response.end(text);
}

/** A form as it was sent; null when it is too long or none. */
async function readForm(request: IncomingMessage): Promise<string | null> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  // Breaking off would end the connection before the answer: the rest is read, and forgotten.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > REQUEST_LIMITS.bytes) {
      request.resume();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function addressOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? 'local').replace(/^::ffff:/, '');
}

/** Handles requests; HTTP or HTTPS is another matter. */
function handler({ world, onAnswer }: ServerOptions) {
  let held = 0;
  const hold = async (ms: number): Promise<void> => {
    if (ms === 0 || held >= MOST_HELD) return;
    held += 1;
    await wait(ms);
    held -= 1;
  };
  const verify = async (request: IncomingMessage, response: ServerResponse, query: string): Promise<void> => {
    const text = request.method === 'POST' ? await readForm(request) : query;
    const { status, body, holdMs } = await answerVerify(
      world,
      text === null ? null : parsePairs(text),
      addressOf(request),
    );
    await hold(holdMs);
    onAnswer(status);
    // Every verdict is 200: clients repeat what is answered with 400 or 5xx.
    send(response, 200, body);
  };
  const health = async (response: ServerResponse): Promise<void> => {
    const fine = await world.store.check(world.nowMs()).then(
      () => true,
      () => false,
    );
    send(response, fine ? 200 : 503, fine ? 'ok\n' : 'the store takes no writes\n');
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (path === PATH && (reads || request.method === 'POST')) await verify(request, response, query);
    else if (path === '/healthz' && reads) await health(response);
    else if (path === PATH || path === '/healthz')
      send(response, 405, 'GET or POST\n', { allow: 'GET, POST' });
    else send(response, 404, 'There is nothing here.\n');
  };
}

/**
 * The public side of the server: `GET` and `POST /wsapi/2.0/verify`, and `/healthz`, which tells whether a write stays.
 * The protocols before 2.0 have no nonce and are not answered.
 */
export function createValidationServer(options: ServerOptions): Server | TlsServer {
  const handle = handler(options);
  const limits = {
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 15_000,
    connectionsCheckingInterval: 5000,
    maxHeaderSize: 8192,
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch(() => response.destroy());
  };
  const server = options.certificate
    ? createTlsServer({ ...limits, ...options.certificate, minVersion: 'TLSv1.2' }, answer)
    : createServer(limits, answer);
  server.maxHeadersCount = 64;
  server.maxConnections = 1024;
  return server;
}
