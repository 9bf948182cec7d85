import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { getCACertificates, type TLSSocket } from 'node:tls';
import type { Resolver } from '../dns/types.ts';
import { addressClass } from './address.ts';

/** What a web server is asked with. */
export type HttpsWorld = {
  readonly dns: Resolver;
  /** PEM, trusted beside the authorities of Node. */
  readonly ca?: string;
  /** Whether an address may be connected to; {@link isPublicAddress} wherever strangers name the host. */
  readonly admits: (ip: string) => boolean;
  /** Connect to loopback only. */
  readonly offline: boolean;
  /** Until the connection is secure. */
  readonly connectMs: number;
  /** For one file, redirects and all. */
  readonly totalMs: number;
  readonly signal: AbortSignal;
};

export type HttpsRequest = {
  readonly accept: string;
  readonly maxBytes: number;
  /** Of the copy that is held; null without one. */
  readonly etag?: string | null;
  /** How many redirects are followed, each to https and each vetted like the first address. */
  readonly redirects?: number;
};

export type HttpsAnswer =
  | { readonly kind: 'found'; readonly bytes: Buffer; readonly etag: string | null }
  /** What is held is still what the server has. */
  | { readonly kind: 'unchanged' }
  /** 404 or 410. */
  | { readonly kind: 'absent' };

/** Why a file could not be had; the message is a sentence. */
export class HttpsFault extends Error {
  override name = 'HttpsFault';
  /** It was the kind of address that kept us from asking. */
  readonly isPrivate: boolean;

  /** Its certificate leads to no authority that is trusted here. */
  readonly isUntrusted: boolean;

  constructor(message: string, { isPrivate = false, isUntrusted = false } = {}) {
    super(message);
    this.isPrivate = isPrivate;
    this.isUntrusted = isUntrusted;
  }
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate leads to an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate leads to no authority that is trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate leads to no authority that is trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
};

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_ETAG = 200;

export function isPublicAddress(ip: string): boolean {
  return addressClass(ip) === 'public';
}

/**
 * Fetch one file: https only, the certificate verified, addresses vetted after resolving and before anything connects
 * (and connected to as resolved), nothing compressed, no cookies, sizes and times limited.
 *
 * @throws {HttpsFault} when it cannot be had
 */
export async function fetchHttps(url: URL, wish: HttpsRequest, world: HttpsWorld): Promise<HttpsAnswer> {
  const deadline = AbortSignal.timeout(world.totalMs);
  const signal = AbortSignal.any([world.signal, deadline]);
  let place = url;
  try {
    for (let left = wish.redirects ?? 0; ; left -= 1) {
      demandPlain(place);
      const ip = await addressOf(place, world, signal);
      const answer = await ask(place, ip, wish, { ...world, signal });
      if (!('location' in answer)) return answer;
      if (left <= 0) throw new HttpsFault(`${place.href} redirects, which is not followed.`);
      place = redirected(answer.location, place);
    }
  } catch (error) {
    world.signal.throwIfAborted();
    if (error instanceof HttpsFault) throw error;
    if (deadline.aborted) throw new HttpsFault(`${place.host} did not answer in time.`);
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const isUntrusted = UNTRUSTED.has(code);
    throw new HttpsFault(`${place.href} cannot be had: ${WORDS[code] ?? code}.`, { isUntrusted });
  }
}

function demandPlain({ protocol, username, password, href }: URL): void {
  if (protocol !== 'https:') throw new HttpsFault(`${href} is not fetched: only https is.`);
  if (username !== '' || password !== '') throw new HttpsFault('An address with a password is not fetched.');
}

function redirected(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new HttpsFault(`${from.href} redirects to nowhere.`);
  return new URL(location, from.href);
}

/** One address that may be connected to. */
async function addressOf({ hostname }: URL, world: HttpsWorld, signal: AbortSignal): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const ips = isIP(host) > 0 ? [host] : await lookUp(host, world, signal);
  const open = ips.filter((ip) => world.admits(ip));
  const [ip] = world.offline ? open.filter((each) => addressClass(each) === 'loopback') : open;
  if (ip !== undefined) return ip;
  if (open.length > 0) throw new HttpsFault(`${host} was not asked: offline, only loopback is connected to.`);
  const kind = addressClass(ips[0] ?? '') ?? 'reserved';
  throw new HttpsFault(`${host} has no public address (${kind}).`, { isPrivate: true });
}

async function lookUp(host: string, { dns }: HttpsWorld, signal: AbortSignal): Promise<string[]> {
  const [v4, v6] = await unlessAborted(
    Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')]),
    signal,
  );
  const found = [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  if (found.length > 0) return found;
  const failed = [v4, v6].find((answer) => answer.kind === 'failed');
  const why = failed?.kind === 'failed' ? `cannot be looked up: ${failed.rcode}` : 'has no address';
  throw new HttpsFault(`${host} ${why}.`);
}

/** A resolver that never answers holds nobody. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

let authorities: string[] | undefined;

async function ask(
  url: URL,
  ip: string,
  { accept, maxBytes, etag = null }: HttpsRequest,
  { ca, connectMs, signal }: HttpsWorld,
): Promise<HttpsAnswer | { readonly location: string }> {
  const { request } = await import('node:https');
  authorities ??= getCACertificates('default');
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, {
    agent: false,
    ca: ca === undefined ? authorities : [...authorities, ca],
    minVersion: 'TLSv1.2',
    lookup: (_host, options, done) => {
      const family = isIP(ip);
      if (options.all) done(null, [{ address: ip, family }]);
      else done(null, ip, family);
    },
    headers: {
      accept,
      connection: 'close',
      'user-agent': 'postern',
      ...(etag !== null && { 'if-none-match': etag }),
    },
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  });
  const timer = setTimeout(() => reject(new HttpsFault(`${url.host} did not connect in time.`)), connectMs);
  outgoing.once('socket', (socket) => (socket as TLSSocket).once('secureConnect', () => clearTimeout(timer)));
  outgoing.once('response', resolve).on('error', reject).end();
  try {
    return await answerOf(await promise, url, maxBytes);
  } finally {
    clearTimeout(timer);
    outgoing.destroy();
  }
}

async function answerOf(
  incoming: IncomingMessage,
  url: URL,
  maxBytes: number,
): Promise<HttpsAnswer | { readonly location: string }> {
  const { statusCode = 0, headers } = incoming;
  if (statusCode === 404 || statusCode === 410) return { kind: 'absent' };
  if (statusCode === 304) return { kind: 'unchanged' };
  if (statusCode >= 300 && statusCode < 400) return { location: headers.location ?? '' };
  if (statusCode !== 200) throw new HttpsFault(`${url.href} is answered with status ${statusCode}.`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new HttpsFault(`${url.href} is compressed, which nobody asked for.`);
  const bytes = await bodyOf(incoming, url, maxBytes);
  const { etag } = headers;
  return { kind: 'found', bytes, etag: etag !== undefined && etag.length <= MAX_ETAG ? etag : null };
}

async function bodyOf(incoming: IncomingMessage, url: URL, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => {
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1) || url.href;
    return new HttpsFault(`${name} is larger than ${maxBytes} bytes.`);
  };
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, lengthBytes);
}
