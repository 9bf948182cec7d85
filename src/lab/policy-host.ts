import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Authority, IssuedCertificate, LeafOptions } from './certificates.ts';

/** What a request is answered with, given the policy. */
type Answer = (response: ServerResponse, policy: string, lab: Lab) => void;

/** How a policy host differs from a well-behaved one. */
type Rules = {
  readonly certificate:
    | 'good'
    | 'wrong-name'
    | 'partial-wildcard'
    | 'expired'
    | 'expires-soon'
    | 'self-signed';
  readonly tls: SecureContextOptions & { readonly requestCert?: boolean };
  /** What becomes of a connection before TLS. */
  readonly tcp: 'handshake' | 'hang' | 'close' | 'garbage';
  /** Bytes inside TLS instead of HTTP. */
  readonly raw?: string;
  readonly answer: Answer;
};

/** What lives as long as a server. */
type Lab = { readonly timers: Set<NodeJS.Timeout> };

function text(body: string | Buffer, headers: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
  };
}

const plain: Answer = (response, policy, lab) => text(policy)(response, policy, lab);

/** Another text instead of the policy, made from it. */
function instead(change: (policy: string) => string): Partial<Rules> {
  return { answer: (response, policy, lab) => text(change(policy))(response, policy, lab) };
}

function mode(name: string): Partial<Rules> {
  return instead((policy) => policy.replace(/^mode:.*$/m, `mode: ${name}`));
}

/** A byte at a time, for ever. */
const drip: Answer = (response, _policy, { timers }) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  const timer = setInterval(() => response.write('v'), 50);
  timers.add(timer);
  response.once('close', () => {
    clearInterval(timer);
    timers.delete(timer);
  });
};

/** As much as is taken, without saying how much it will be. */
const flood: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  const line = `mx: ${'x'.repeat(8192)}\n`;
  const pour = () => {
    while (!response.destroyed && response.write(line));
    if (!response.destroyed) response.once('drain', pour);
  };
  pour();
};

const GOOD: Rules = { certificate: 'good', tls: { minVersion: 'TLSv1.2' }, tcp: 'handshake', answer: plain };

/** OpenSSL's security level 1 knows no TLS below 1.2. */
const OLD = 'DEFAULT@SECLEVEL=0';
const MEGABYTE = 1_000_000;

/** What each habit changes of a good policy host. */
const DIFFERENCES = {
  good: {},
  crlf: instead((policy) => policy.replaceAll(/\r?\n/g, '\r\n')),
  testing: mode('testing'),
  'mode-none': mode('none'),
  duplicates: instead((policy) => `${policy}mode: none\nmax_age: 1\n`),
  'no-mode': instead((policy) => policy.replace(/^mode:.*\n/m, '')),
  html: {
    answer: (response, policy, lab) => text(policy, { 'content-type': 'text/html' })(response, policy, lab),
  },
  'web-page': { answer: text('<!doctype html><title>Parked</title>\n', { 'content-type': 'text/html' }) },
  'no-type': { answer: (response, policy) => void response.writeHead(200).end(policy) },
  gzip: { answer: text('not even compressed', { 'content-encoding': 'gzip' }) },
  'bad-utf8': { answer: text(Buffer.from('version: STSv1\nx: \xff\n', 'latin1')) },
  redirect: { answer: text('', { location: 'https://elsewhere.test/policy.txt' }, 302) },
  'not-found': { answer: text('Not found\n', {}, 404) },
  'server-error': { answer: text('Error\n', {}, 503) },
  drip: { answer: drip },
  huge: { answer: text('x'.repeat(MEGABYTE)) },
  flood: { answer: flood },
  silent: { answer: () => undefined },
  closes: { answer: (response) => void response.destroy() },
  truncated: {
    answer: (response, policy) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': String(policy.length) });
      response.write(policy.slice(0, 20), () => response.destroy());
    },
  },
  'not-http': { raw: '220 mail.test ESMTP\r\n' },
  upgrade: { raw: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n' },
  'huge-header': {
    answer: (response) => void response.writeHead(200, { 'x-huge': 'x'.repeat(60_000) }).end(),
  },
  'wrong-name': { certificate: 'wrong-name' },
  'partial-wildcard': { certificate: 'partial-wildcard' },
  expired: { certificate: 'expired' },
  'expires-soon': { certificate: 'expires-soon' },
  'self-signed': { certificate: 'self-signed' },
  'tls12-only': { tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } },
  'tls13-only': { tls: { minVersion: 'TLSv1.3' } },
  'tls11-only': { tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: OLD } },
  'client-cert': { tls: { minVersion: 'TLSv1.2', requestCert: true } },
  'hang-tls': { tcp: 'hang' },
  'close-tcp': { tcp: 'close' },
  'not-tls': { tcp: 'garbage' },
} as const satisfies Readonly<Record<string, Partial<Rules>>>;

/** A way in which a policy host behaves. */
export type PolicyHostHabit = keyof typeof DIFFERENCES;

export type PolicyHostOptions = {
  /** Its name, `mta-sts.<domain>`. */
  readonly name: string;
  /** What issues its certificate. */
  readonly authority: Authority;
  /** When the laboratory lives, milliseconds since the epoch: certificates are made around it. */
  readonly nowMs: number;
  /** The policy it serves. */
  readonly policy: string;
  readonly habit?: PolicyHostHabit;
  /** A loopback address; 127.0.0.1 without. */
  readonly host?: string;
  /** 0 or left out: any. */
  readonly port?: number;
};

/** A running policy host of the laboratory. */
export type PolicyHostLab = {
  readonly host: string;
  readonly port: number;
  /** TCP connections taken so far. */
  readonly connections: number;
  /** `host path` of the requests, the last 1,000. */
  readonly requests: readonly string[];
  /** Serve another policy from now on. */
  publish(policy: string): void;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const MAX_REQUESTS = 1_000;

function namesOf(kind: Rules['certificate'], name: string): string[] {
  if (kind === 'wrong-name') return ['www.somewhere-else.test'];
  // RFC 9525 §6.3: a wildcard is a whole label, so this one names nothing.
  return [kind === 'partial-wildcard' ? name.replace(/^mta-sts\./, 'mta-s*.') : name];
}

async function issue(
  kind: Rules['certificate'],
  { name, authority, nowMs }: PolicyHostOptions,
): Promise<IssuedCertificate> {
  const leaf: LeafOptions = { names: namesOf(kind, name) };
  if (kind === 'expired')
    return authority.issue({ ...leaf, notBeforeMs: nowMs - 90 * DAY_MS, notAfterMs: nowMs - DAY_MS });
  if (kind === 'expires-soon') return authority.issue({ ...leaf, notAfterMs: nowMs + 5.5 * DAY_MS });
  if (kind !== 'self-signed') return authority.issue(leaf);
  const { selfSigned } = await import('./certificates.ts');
  return selfSigned(leaf, nowMs);
}

/** Start an MTA-STS policy host on loopback that behaves well, or in exactly one way badly. */
export async function startPolicyHost(options: PolicyHostOptions): Promise<PolicyHostLab> {
  const rules: Rules = { ...GOOD, ...DIFFERENCES[options.habit ?? 'good'] };
  const { keyPem, chainPem } = await issue(rules.certificate, options);
  const lab: Lab = { timers: new Set() };
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let { policy } = options;
  let connections = 0;
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.headers.host ?? ''} ${request.url ?? ''}`);
    if (requests.length > MAX_REQUESTS) requests.shift();
    rules.answer(response, policy, lab);
  };
  const settings = {
    ...rules.tls,
    key: keyPem,
    cert: chainPem,
    rejectUnauthorized: rules.tls.requestCert === true,
  };
  const https = createHttpsServer(settings, respond);
  https.on('tlsClientError', () => undefined);
  const { raw } = rules;
  if (raw !== undefined) {
    https.removeAllListeners('secureConnection');
    https.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => undefined).write(raw));
  }
  // Connections come in here, so that what happens before TLS can be chosen.
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    if (rules.tcp === 'handshake') https.emit('connection', socket);
    if (rules.tcp === 'close') socket.destroy();
    if (rules.tcp === 'garbage') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve),
  );
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    requests,
    get connections() {
      return connections;
    },
    publish: (text) => {
      policy = text;
    },
    close: async () => {
      for (const timer of lab.timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
