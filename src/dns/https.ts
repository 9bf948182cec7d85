import type { Agent, RequestOptions } from 'node:https';
import type { DnsServer } from './server.ts';
import { judgeBytes } from './stream.ts';
import { NO_REPLY, networkFailure, type Transport, type TransportOptions } from './transport.ts';
import { buildQuery } from './wire.ts';

const MEDIA_TYPE = 'application/dns-message';
const MAX_REPLY_BYTES = 65_535;

/**
 * DNS over HTTPS by POST. As with TLS the certificate is always verified, so AD is believed. Redirects are
 * not followed: a resolver that was named is the one that is asked.
 */
export function createHttps(server: DnsServer & { kind: 'https' }, options: TransportOptions): Transport {
  const agent = once(() => createAgent(options.ca));
  return {
    label: server.url,
    async ask(question, signal) {
      // RFC 8484 §4.1: id 0 suits caches; HTTP tells replies apart.
      const query = buildQuery(question, { id: 0, caseBits: null, pad: true });
      try {
        const bytes = await post(server.url, query.bytes, { agent: await agent(), signal });
        const outcome = judgeBytes(bytes, query);
        return outcome.kind === 'reply' ? { ...outcome, believed: true } : outcome;
      } catch (error) {
        return signal.aborted ? NO_REPLY : networkFailure(error);
      }
    },
    close: () => void agent.started()?.then((opened) => opened.destroy()),
  };
}

async function createAgent(ca: readonly string[]): Promise<Agent> {
  const { Agent } = await import('node:https');
  const trust =
    ca.length > 0 ? { ca: [...(await import('node:tls')).getCACertificates('default'), ...ca] } : {};
  // Idle connections of an agent do not hold the process.
  return new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: true, ...trust });
}

/** @throws Error for anything but 200 with a message of a sane size */
async function post(url: string, body: Buffer, options: RequestOptions): Promise<Buffer> {
  const { request } = await import('node:https');
  const headers = { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, 'content-length': body.length };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const outgoing = request(url, { ...options, method: 'POST', headers }, (incoming) => {
    collect(incoming).then(resolve, reject);
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

async function collect(incoming: import('node:http').IncomingMessage): Promise<Buffer> {
  const type = incoming.headers['content-type'] ?? '';
  if (incoming.statusCode !== 200 || type.split(';')[0]?.trim() !== MEDIA_TYPE) {
    incoming.destroy();
    throw new Error(`the server answered HTTP ${incoming.statusCode} ${type}`.trim());
  }
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > MAX_REPLY_BYTES) throw new Error('the reply is longer than a DNS message can be');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Make a thing when it is first needed; `started` gives it only if that has happened. */
function once<V>(make: () => Promise<V>): (() => Promise<V>) & { started: () => Promise<V> | null } {
  let made: Promise<V> | null = null;
  const get = () => {
    made ??= make();
    return made;
  };
  return Object.assign(get, { started: () => made });
}
