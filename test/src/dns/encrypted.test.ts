import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Answer } from 'dns-packet';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type DnsServer, serverLabel } from '../../../src/dns/server.ts';
import { createStub } from '../../../src/dns/stub.ts';
import { type Authority, createAuthority } from '../../../src/lab/certificates.ts';
import { type LabQuery, replyTo, startHttpsLab, startTlsLab } from '../../helpers/dns-lab.ts';

const DAY_MS = 86_400_000;

let authority: Authority;
let good: { key: string; cert: string };
let expired: { key: string; cert: string };
let elsewhere: { key: string; cert: string };

beforeAll(async () => {
  authority = await createAuthority('DNS test authority', Date.now());
  const issue = async (names: readonly string[], notAfterMs = Date.now() + DAY_MS) => {
    const options = { names, notBeforeMs: Date.now() - 90 * DAY_MS, notAfterMs };
    const { keyPem, chainPem } = await authority.issue(options);
    return { key: keyPem, cert: chainPem };
  };
  good = await issue(['dns.test', 'localhost', '127.0.0.1']);
  expired = await issue(['dns.test', '127.0.0.1'], Date.now() - DAY_MS);
  elsewhere = await issue(['other.test']);
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function track<L extends { close(): unknown }>(opened: L): L {
  cleanups.push(() => opened.close());
  return opened;
}

function stub(server: DnsServer, ca: readonly string[] = [authority.certificatePem]) {
  return track(createStub({ servers: [server], timeoutMs: 20_000, retries: 0, ca }));
}

const record = (query: LabQuery): Answer => ({ type: 'A', name: query.name, ttl: 300, data: '192.0.2.1' });
const secureReply = (query: LabQuery) => query.send(replyTo(query, { ad: true, answers: [record(query)] }));

describe('DNS over TLS', () => {
  const at = (port: number, name: string | null = null): DnsServer => ({
    kind: 'tls',
    host: '127.0.0.1',
    port,
    name,
  });

  test.for([
    ['its address', null],
    ['the name given', 'dns.test'],
  ] as const)('with a certificate for %s makes AD believable', async ([, name]) => {
    const { port } = track(await startTlsLab({ ...good, ALPNProtocols: ['dot'] }, secureReply));
    const server = at(port, name);
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({
      kind: 'found',
      dnssec: 'secure',
      server: serverLabel(server),
    });
  });

  test('pads its questions, and asks many on one connection', async () => {
    const lab = track(await startTlsLab(good, secureReply));
    const resolver = stub(at(lab.port));
    const names = ['one.test', 'two.test', 'three.test'];
    const answers = await Promise.all(names.map((name) => resolver.resolve(name, 'A')));
    expect(answers.map(({ kind }) => kind)).toEqual(['found', 'found', 'found']);
    expect(lab.queries[0]?.packet.additionals).toMatchObject([{ options: [{ type: 'PADDING' }] }]);
  });

  test.for([
    ['nobody vouches for', () => good, []],
    ['that is for another host', () => elsewhere, null],
    ['that has expired', () => expired, null],
  ] as const)('with a certificate %s gives no answer at all', async ([, certificate, ca]) => {
    const lab = track(await startTlsLab(certificate(), secureReply));
    const answer = await stub(at(lab.port), ca ?? undefined).resolve('mx.test', 'A');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'NETWORK', dnssec: 'indeterminate' });
    expect(lab.queries).toHaveLength(0);
  });

  test('with a name that the certificate does not have gives no answer either', async () => {
    const lab = track(await startTlsLab(good, secureReply));
    const answer = await stub(at(lab.port, 'evil.test')).resolve('mx.test', 'A');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
    expect(lab.queries).toHaveLength(0);
  });

  test('to a server that does not speak TLS fails', async () => {
    const server = createServer((socket) => socket.end('220 mx.test ESMTP\r\n')).listen(0, '127.0.0.1');
    track(server);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await stub(at(port)).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
  });
});

describe('DNS over HTTPS', () => {
  const at = (port: number, host = '127.0.0.1'): DnsServer => ({
    kind: 'https',
    url: `https://${host}:${port}/dns-query`,
  });

  test('with a verified certificate makes AD believable', async () => {
    const lab = track(await startHttpsLab(good, secureReply));
    const server = at(lab.port);
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({
      kind: 'found',
      dnssec: 'secure',
      server: serverLabel(server),
    });
    expect(lab.requests[0]).toMatchObject({
      method: 'POST',
      url: '/dns-query',
      headers: { 'content-type': 'application/dns-message', accept: 'application/dns-message' },
    });
    expect(lab.queries[0]).toMatchObject({ id: 0 }); // RFC 8484 §4.1
  });

  test('with a certificate for another host gives no answer', async () => {
    const lab = track(await startHttpsLab(elsewhere, secureReply));
    expect(await stub(at(lab.port)).resolve('mx.test', 'A')).toMatchObject({
      kind: 'failed',
      rcode: 'NETWORK',
    });
    expect(lab.queries).toHaveLength(0);
  });

  test.for([
    ['another status', { 'content-type': 'application/dns-message' }, 503, 0, 'NETWORK'],
    ['a redirect', { location: 'https://evil.test/' }, 302, 0, 'NETWORK'],
    ['another media type', { 'content-type': 'text/html' }, 200, 0, 'NETWORK'],
    ['a body too long', { 'content-type': 'application/dns-message' }, 200, 70_000, 'NETWORK'],
    ['a body of zeros', { 'content-type': 'application/dns-message' }, 200, 40, 'MALFORMED'],
  ] as const)('with %s fails', async ([, headers, status, lengthBytes, rcode]) => {
    const lab = track(
      await startHttpsLab(good, (_query, response) => {
        response.writeHead(status, { ...headers }).end(Buffer.alloc(lengthBytes));
      }),
    );
    expect(await stub(at(lab.port)).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode });
  });

  test('that says nothing is a time-out', async () => {
    const lab = track(await startHttpsLab(good, () => undefined));
    const ca = [authority.certificatePem];
    const hasty = track(createStub({ servers: [at(lab.port)], timeoutMs: 300, retries: 0, ca }));
    expect(await hasty.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'TIMEOUT' });
  });
});
