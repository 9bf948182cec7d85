import type { IncomingMessage } from 'node:http';
import {
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { dialTcp } from '../net/dial.ts';
import { judgeLeaf } from '../smtp/certificate.ts';
import { describeTlsError } from '../smtp/tls.ts';
import type { PolicyHostCertificate, PolicyProblem } from './types.ts';

/** One address of a policy host to ask. It was resolved and vetted by the caller: no name is looked up. */
export type PolicyRequest = {
  /** Name for SNI, certificate and Host field. */
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  /** When the expiry of the certificate is judged, in milliseconds since the epoch. */
  readonly asOfMs: number;
  /** For connection and handshake, so that a dead address leaves time for the next one. */
  readonly connectTimeoutMs: number;
  /** The deadline of the whole. */
  readonly signal: AbortSignal;
};

/**
 * What came of it. `unreachable`: nothing answers, another address may do; `no-route`: so too, and it is this machine's
 * own lack (no IPv6); the rest is an answer.
 */
export type PolicyReply =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Lower case, without parameters; empty without one. */
      readonly mediaType: string;
      readonly certificate: PolicyHostCertificate;
    }
  | { readonly kind: 'unreachable' | 'no-route' | 'failed'; readonly problem: PolicyProblem };

/** Fetches a policy from one address. Never throws for what the other side does. */
export type PolicyFetcher = (request: PolicyRequest) => Promise<PolicyReply>;

/** RFC 8461 §3.3 suggests this limit. */
export const MAX_POLICY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const PATH = '/.well-known/mta-sts.txt';
const DAY_MS = 86_400_000;

/** Carries a problem out of the fetch; never leaves this file. */
class FetchFault extends Error {
  readonly problem: PolicyProblem;

  constructor(reason: string, evidence?: string, result: PolicyProblem['result'] = 'sts-policy-fetch-error') {
    super(reason);
    this.problem = { result, reason, ...(evidence !== undefined && { evidence }) };
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}

const CONNECT_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the policy host refuses the connection',
  ECONNRESET: 'the policy host resets the connection',
  EHOSTUNREACH: 'the policy host cannot be reached',
  ETIMEDOUT: 'the policy host did not answer in time',
};
const NO_ROUTE: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** The TLS handshake with SNI; whether the certificate will do is judged afterwards, so that it can be told. */
async function handshake(
  { host, ip, port }: PolicyRequest,
  context: SecureContext,
  limit: AbortSignal,
): Promise<TLSSocket> {
  const tcp = await dialTcp({ ip, port }, limit);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({
    socket: tcp,
    servername: host,
    secureContext: context,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined, // judgeCertificate does, more strictly
    ALPNProtocols: ['http/1.1'],
  });
  const closed = () => reject(new FetchFault('the policy host closed the connection during the handshake'));
  const stop = () => reject(limit.reason);
  socket.once('secureConnect', () => resolve(socket)).once('close', closed);
  // Stays: what a socket says after its end was told already must not end the program.
  socket.on('error', (error) => {
    const { message, evidence } = describeTlsError(error);
    reject(new FetchFault(message.replace('the server', 'the policy host'), evidence));
  });
  limit.addEventListener('abort', stop, { once: true });
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    tcp.destroy();
    throw error;
  } finally {
    limit.removeEventListener('abort', stop);
    socket.removeListener('close', closed);
  }
}

/** RFC 8461 §3.3: a chain to a known authority, in date, with the policy host's name as DNS-ID. */
function judgeCertificate(socket: TLSSocket, { host, asOfMs }: PolicyRequest): PolicyHostCertificate {
  const invalid = (reason: string, evidence?: string) =>
    new FetchFault(reason, evidence, 'sts-webpki-invalid');
  const judged = judgeLeaf(socket, asOfMs);
  if (!judged) throw invalid('the policy host has no certificate');
  const { leaf, facts: certificate } = judged;
  const evidence = `${certificate.names.slice(0, 10).join(', ')}; issued by ${certificate.issuer}`;
  if (!certificate.trusted)
    throw invalid(`the certificate of the policy host is not trusted, ${certificate.distrust}`, evidence);
  if (leaf.checkHost(host, { subject: 'never', partialWildcards: false }) === undefined)
    throw invalid(`the certificate of the policy host is not for ${host}`, evidence);
  const daysLeft = Math.floor((Date.parse(certificate.notAfter) - asOfMs) / DAY_MS);
  return { notAfter: certificate.notAfter, daysLeft };
}

/** One GET on a connection that is there; what stands in the way of a body is thrown. */
async function ask(socket: TLSSocket, { host, port, signal }: PolicyRequest): Promise<IncomingMessage> {
  const { request } = await import('node:http');
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({
    createConnection: () => socket, // with an agent, even `false`, this would not be asked
    host,
    port,
    defaultPort: 443,
    path: PATH,
    // Without a name of the program some hosts answer 403.
    headers: { accept: 'text/plain, */*;q=0.1', connection: 'close', 'user-agent': 'postern' },
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  });
  // A change of protocols (101) ends neither with a response nor with an error.
  const closed = () => reject(new FetchFault('the policy host closed the connection without an answer'));
  outgoing.once('response', resolve).on('error', reject).once('close', closed).end();
  return promise;
}

function refuseStatus({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400) {
    throw new FetchFault(
      'the policy host redirects, which senders must not follow',
      `HTTP ${statusCode}, location: ${(headers.location ?? 'none').slice(0, 200)}`,
    );
  }
  if (statusCode !== 200)
    throw new FetchFault(`the policy host answers with status ${statusCode}`, `HTTP ${statusCode}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new FetchFault('the policy host compresses what nobody asked it to', encoding.slice(0, 80));
}

async function collect(incoming: IncomingMessage): Promise<string> {
  const tooLong = () => new FetchFault(`the policy is longer than ${MAX_POLICY_BYTES} bytes`);
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_POLICY_BYTES) throw tooLong();
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > MAX_POLICY_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new FetchFault('the policy is not UTF-8 text', undefined, 'sts-policy-invalid');
  }
}

/** What HTTP and sockets throw, in words. */
function problemOf(error: unknown, { ip, signal }: PolicyRequest): PolicyProblem {
  const result = 'sts-policy-fetch-error';
  if (signal.aborted) return { result, reason: 'the policy host did not answer in time', evidence: ip };
  if (error instanceof FetchFault) return error.problem;
  const code = codeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return { result, reason: 'the policy host closed the connection before its answer was whole' };
  if (code === 'HPE_HEADER_OVERFLOW')
    return { result, reason: `the header of the answer is longer than ${MAX_HEADER_BYTES} bytes` };
  if (code.startsWith('HPE_')) return { result, reason: 'the answer is not HTTP', evidence: code };
  if (error instanceof Error && code.startsWith('ERR_SSL_')) {
    // TLS 1.3: the alert to our Finished comes when the handshake is over for us.
    const { message } = describeTlsError(error);
    return { result, reason: message.replace('the server', 'the policy host'), evidence: code };
  }
  if (/^E(?!RR_)[A-Z]+$/.test(code)) return { result, reason: 'the connection failed', evidence: code };
  throw error; // a bug of ours
}

async function read(socket: TLSSocket, request: PolicyRequest): Promise<PolicyReply> {
  try {
    const certificate = judgeCertificate(socket, request);
    const incoming = await ask(socket, request);
    refuseStatus(incoming);
    const mediaType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    return { kind: 'text', text: await collect(incoming), mediaType: mediaType.slice(0, 80), certificate };
  } catch (error) {
    return { kind: 'failed', problem: problemOf(error, request) };
  } finally {
    socket.destroy();
  }
}

/** Why there is no connection; a fault of the handshake is an answer. */
function withoutConnection(error: unknown, { ip }: PolicyRequest, limit: AbortSignal): PolicyReply {
  if (error instanceof FetchFault) return { kind: 'failed', problem: error.problem };
  const result = 'sts-policy-fetch-error';
  if (limit.aborted) {
    const reason = 'the policy host did not answer in time';
    return { kind: 'unreachable', problem: { result, reason, evidence: ip } };
  }
  const code = codeOf(error);
  const evidence = `${code} at ${ip}`;
  if (NO_ROUTE.has(code)) {
    const reason = 'there is no route to the policy host from here';
    return { kind: 'no-route', problem: { result, reason, evidence } };
  }
  const reason = CONNECT_FAULTS[code] ?? 'the connection to the policy host failed';
  return { kind: 'unreachable', problem: { result, reason, evidence } };
}

async function fetchFrom(request: PolicyRequest, context: SecureContext): Promise<PolicyReply> {
  const limit = AbortSignal.any([request.signal, AbortSignal.timeout(request.connectTimeoutMs)]);
  let socket: TLSSocket;
  try {
    socket = await handshake(request, context, limit);
  } catch (error) {
    return withoutConnection(error, request, limit);
  }
  return read(socket, request);
}

/**
 * The way policies are fetched (RFC 8461 §3.3): HTTPS with TLS 1.2 or later, the certificate verified for the name
 * against Node's roots and `ca`, no redirects, at most 64 KiB. Make one a run: reading the roots takes time.
 *
 * @param ca  certificates in PEM, trusted beside those of Node
 * @throws Error on the first use when `ca` is no PEM certificate
 */
export function createPolicyFetcher(ca?: string): PolicyFetcher {
  let context: SecureContext | undefined;
  return (request) => {
    context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
    });
    return fetchFrom(request, context);
  };
}
