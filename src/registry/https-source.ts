import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import type { Resolver } from '../dns/types.ts';
import { addressClass } from '../net/address.ts';
import { tooLarge } from './folder-source.ts';
import { RuleFault } from './rules.ts';
import type { Source } from './update.ts';

/** What a web server is asked with. */
export type HttpsWorld = {
  readonly dns: Resolver;
  /** PEM, trusted beside the authorities of Node. */
  readonly ca?: string;
  readonly allowPrivate: boolean;
  /** Connect to loopback only. */
  readonly offline: boolean;
  /** For one file. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

type Place = { readonly ip: string; readonly url: URL };

const MAX_HEADER_BYTES = 16 * 1024;

/**
 * A mediator that publishes on a web server. HTTPS only, the certificate verified, no redirects, addresses vetted before
 * anything connects, sizes and times limited.
 *
 * @param base  `https://…/`; files are asked for below it
 */
export function httpsSource(base: URL, world: HttpsWorld): Source {
  let resolved: Promise<string> | undefined;
  let authorities: string[] | undefined;
  return {
    async read(name, maxBytes) {
      resolved ??= addressOf(base, world);
      const ip = await resolved;
      authorities ??= [...getCACertificates('default'), ...(world.ca === undefined ? [] : [world.ca])];
      return await get({ ip, url: new URL(name, base) }, maxBytes, authorities, world);
    },
  };
}

/** One address that may be connected to. */
async function addressOf({ hostname }: URL, world: HttpsWorld): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const ips = isIP(host) > 0 ? [host] : await lookUp(host, world);
  const open = ips.filter((ip) => world.allowPrivate || addressClass(ip) === 'public');
  const [ip] = world.offline ? open.filter((each) => addressClass(each) === 'loopback') : open;
  if (ip !== undefined) return ip;
  if (open.length > 0)
    throw new RuleFault('source', `${host} was not asked: offline, only loopback is connected to.`);
  const kind = addressClass(ips[0] ?? '') ?? 'reserved';
  throw new RuleFault(
    'source',
    `${host} has no public address (${kind}); --allow-private takes it all the same.`,
  );
}

async function lookUp(host: string, { dns }: HttpsWorld): Promise<string[]> {
  const [v4, v6] = await Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')]);
  const found = [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  if (found.length > 0) return found;
  const failed = [v4, v6].find((answer) => answer.kind === 'failed');
  const why = failed?.kind === 'failed' ? `cannot be looked up: ${failed.rcode}` : 'has no address';
  throw new RuleFault('source', `${host} ${why}.`);
}

async function get(
  { ip, url }: Place,
  maxBytes: number,
  ca: string[],
  { signal, timeoutMs }: HttpsWorld,
): Promise<Uint8Array | null> {
  const { request } = await import('node:https');
  const deadline = AbortSignal.timeout(timeoutMs);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, {
    agent: false,
    ca,
    minVersion: 'TLSv1.2',
    lookup: (_host, options, done) => {
      const family = isIP(ip);
      if (options.all) done(null, [{ address: ip, family }]);
      else done(null, ip, family);
    },
    headers: { accept: 'application/json', connection: 'close', 'user-agent': 'postern' },
    maxHeaderSize: MAX_HEADER_BYTES,
    signal: AbortSignal.any([signal, deadline]),
  });
  outgoing.once('response', resolve).on('error', reject).end();
  try {
    return await bodyOf(await promise, url, maxBytes);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RuleFault) throw error;
    if (deadline.aborted) throw new RuleFault('source', `${url.host} did not answer in time.`);
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new RuleFault('source', `${url.href} cannot be had: ${code}.`);
  } finally {
    outgoing.destroy();
  }
}

async function bodyOf(incoming: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array | null> {
  const { statusCode = 0, headers } = incoming;
  if (statusCode === 404 || statusCode === 410) return null;
  if (statusCode >= 300 && statusCode < 400)
    throw new RuleFault('source', `${url.href} redirects, which is not followed.`);
  if (statusCode !== 200) throw new RuleFault('source', `${url.href} is answered with status ${statusCode}.`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new RuleFault('source', `${url.href} is compressed, which nobody asked for.`);
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(name, maxBytes);
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > maxBytes) throw tooLarge(name, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, lengthBytes);
}
