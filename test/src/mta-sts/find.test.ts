import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { offlineResolver, recordedResolver } from '../../../src/dns/recorded.ts';
import { type Authority, createAuthority } from '../../../src/lab/certificates.ts';
import { type PolicyHostHabit, type PolicyHostLab, startPolicyHost } from '../../../src/lab/policy-host.ts';
import { openPolicyCache } from '../../../src/mta-sts/cache.ts';
import { mtaStsChecks } from '../../../src/mta-sts/checks.ts';
import type { PolicyReply } from '../../../src/mta-sts/fetch.ts';
import { findMtaSts } from '../../../src/mta-sts/find.ts';
import type { MtaSts, MtaStsWorld } from '../../../src/mta-sts/types.ts';

const NOW_MS = Date.now();
const DAY_MS = 86_400_000;
const DOMAIN = 'example.test';
const HOST = `mta-sts.${DOMAIN}`;
const POLICY = `version: STSv1\nmode: enforce\nmx: mx.${DOMAIN}\nmax_age: 604800\n`;

let authority: Authority;
const running: PolicyHostLab[] = [];
beforeAll(async () => {
  authority = await createAuthority('Test authority', NOW_MS);
});
afterAll(() => Promise.all(running.map((server) => server.close())));

function settings(habit: PolicyHostHabit) {
  return { name: HOST, authority, nowMs: NOW_MS, policy: POLICY, habit };
}

async function start(habit: PolicyHostHabit = 'good'): Promise<PolicyHostLab> {
  const server = await startPolicyHost(settings(habit));
  running.push(server);
  return server;
}

/** The names of the domain, as a recording; `id` null: no record. */
function zone(id: string | null, ips: readonly string[] = ['127.0.0.1']) {
  return recordedResolver({
    [DOMAIN]: { MX: [{ priority: 10, exchange: `mx.${DOMAIN}` }] },
    ...(id !== null && { [`_mta-sts.${DOMAIN}`]: { TXT: [['v=STSv1; ', `id=${id};`]] } }),
    [HOST]: {
      A: ips.filter((ip) => !ip.includes(':')),
      AAAA: ips.filter((ip) => ip.includes(':')),
    },
  });
}

function world(server: { port: number }, more: Partial<MtaStsWorld> = {}): MtaStsWorld {
  return {
    dns: zone('1'),
    httpsPort: server.port,
    allowPrivate: true,
    offline: false,
    ca: authority.certificatePem,
    now: () => NOW_MS,
    cache: null,
    timeoutMs: 5_000,
    ...more,
  };
}

function statuses(found: MtaSts, hosts: readonly string[] = [`mx.${DOMAIN}`]) {
  return Object.fromEntries(mtaStsChecks(DOMAIN, found, hosts).map(({ id, status }) => [id, status]));
}

describe('a policy host that', () => {
  test.for([
    ['good', 'enforce', []],
    ['crlf', 'enforce', []],
    ['testing', 'testing', []],
    ['mode-none', 'none', []],
    ['duplicates', 'enforce', [/^mode is there/, /^max_age is there/]],
    ['html', 'enforce', [/served as text\/html/]],
    ['no-type', 'enforce', [/without a Content-Type/]],
    ['tls12-only', 'enforce', []],
    ['tls13-only', 'enforce', []],
    ['expires-soon', 'enforce', []],
  ] as const)('is %s gives its policy', async ([habit, mode, oddities]) => {
    const server = await start(habit);
    const found = await findMtaSts(DOMAIN, world(server));
    expect(found).toMatchObject({
      kind: 'found',
      id: '1',
      source: 'fetched',
      policy: { mode, maxAgeSeconds: 604_800, mx: [`mx.${DOMAIN}`] },
      oddities: oddities.map((pattern) => expect.stringMatching(pattern)),
      host: HOST,
      ips: ['127.0.0.1'],
      versions: null,
    });
    expect(server.requests).toEqual([`${HOST}:${server.port} /.well-known/mta-sts.txt`]);
  });

  test.for([
    ['redirect', 'sts-policy-fetch-error', /redirects, which senders must not follow/],
    ['not-found', 'sts-policy-fetch-error', /status 404/],
    ['server-error', 'sts-policy-fetch-error', /status 503/],
    ['huge', 'sts-policy-fetch-error', /longer than 65536 bytes/],
    ['flood', 'sts-policy-fetch-error', /longer than 65536 bytes/],
    ['closes', 'sts-policy-fetch-error', /closed the connection before its answer was whole/],
    ['truncated', 'sts-policy-fetch-error', /closed the connection before its answer was whole/],
    ['gzip', 'sts-policy-fetch-error', /compresses/],
    ['not-http', 'sts-policy-fetch-error', /not HTTP/],
    ['upgrade', 'sts-policy-fetch-error', /closed the connection without an answer/],
    ['huge-header', 'sts-policy-fetch-error', /header of the answer is longer/],
    ['close-tcp', 'sts-policy-fetch-error', /closed|reset/],
    ['not-tls', 'sts-policy-fetch-error', /handshake failed/],
    ['tls11-only', 'sts-policy-fetch-error', /alert protocol_version|handshake failed/],
    ['client-cert', 'sts-policy-fetch-error', /alert certificate_required|closed the connection/],
    ['no-mode', 'sts-policy-invalid', /has no mode/],
    ['web-page', 'sts-policy-invalid', /line 1 is not/],
    ['bad-utf8', 'sts-policy-invalid', /not UTF-8/],
    ['wrong-name', 'sts-webpki-invalid', /is not for mta-sts\.example\.test/],
    ['partial-wildcard', 'sts-webpki-invalid', /is not for mta-sts\.example\.test/],
    ['expired', 'sts-webpki-invalid', /not trusted, it expired on/],
    ['self-signed', 'sts-webpki-invalid', /not trusted, it is self-signed/],
  ] as const)('is %s is told as %s', async ([habit, result, reason]) => {
    const found = await findMtaSts(DOMAIN, world(await start(habit)));
    expect(found).toMatchObject({
      kind: 'failed',
      id: '1',
      host: HOST,
      result,
      reason: expect.stringMatching(reason),
    });
    expect(statuses(found)).toEqual({ 'mta-sts.record': 'ok', 'mta-sts.policy': 'warn' });
  });

  test.for(['silent', 'drip', 'hang-tls'] as const)('is %s is left at the deadline', async (habit) => {
    const found = await findMtaSts(DOMAIN, world(await start(habit), { timeoutMs: 400 }));
    expect(found).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/did not answer in time/) });
  });

  test('has a certificate of an authority that is not known here is refused before it is asked', async () => {
    const server = await start();
    const { ca: _, ...unknown } = world(server);
    const found = await findMtaSts(DOMAIN, unknown);
    expect(found).toMatchObject({ kind: 'failed', result: 'sts-webpki-invalid' });
    expect(server.requests).toEqual([]);
  });

  test('has a certificate that will have expired by --as-of is refused', async () => {
    const found = await findMtaSts(DOMAIN, world(await start(), { asOfMs: NOW_MS + 200 * DAY_MS }));
    expect(found).toMatchObject({ kind: 'failed', result: 'sts-webpki-invalid' });
  });
});

test('a policy with a byte order mark is told as what it is', async () => {
  const server = await start();
  server.publish(`\ufeff${POLICY}`);
  const found = await findMtaSts(DOMAIN, world(server));
  expect(found).toMatchObject({ result: 'sts-policy-invalid', reason: 'it begins with a byte order mark' });
});

describe('the addresses of the policy host', () => {
  test('are tried in their order until one answers', async () => {
    const server = await start();
    const dns = zone('1', ['127.0.0.9', '127.0.0.1']);
    const found = await findMtaSts(DOMAIN, world(server, { dns }));
    expect(found).toMatchObject({
      kind: 'found',
      ips: ['127.0.0.9', '127.0.0.1'],
      servedBy: '127.0.0.1',
    });
  });

  test('are not tried further once one has answered, whatever it says', async () => {
    const wrong = await startPolicyHost({ ...settings('not-found'), host: '127.0.0.7' });
    running.push(wrong);
    const server = await startPolicyHost({ ...settings('good'), port: wrong.port });
    running.push(server);
    const found = await findMtaSts(DOMAIN, world(server, { dns: zone('1', ['127.0.0.7', '127.0.0.1']) }));
    expect(found).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/status 404/) });
    expect(server.connections).toBe(0);
  });

  test('share the time, so that a dead one leaves some to the next', async () => {
    const dead = await startPolicyHost({ ...settings('hang-tls'), host: '127.0.0.8' });
    running.push(dead);
    const server = await startPolicyHost({ ...settings('good'), port: dead.port });
    running.push(server);
    const dns = zone('1', ['127.0.0.8', '127.0.0.1']);
    const found = await findMtaSts(DOMAIN, world(server, { dns, timeoutMs: 3_000 }));
    expect(found).toMatchObject({ kind: 'found', servedBy: '127.0.0.1' });
  });

  test('that this machine has no route to say nothing about the domain', async () => {
    const noRoute = async (): Promise<PolicyReply> => ({
      kind: 'no-route',
      problem: { result: 'sts-policy-fetch-error', reason: 'there is no route to the policy host from here' },
    });
    const found = await findMtaSts(DOMAIN, world({ port: 1 }, { fetch: noRoute }));
    expect(found).toEqual({ kind: 'unknown', reason: 'there is no route to the policy host from here' });
  });

  test('that the DNS does not tell make it unknown', async () => {
    const dns = recordedResolver({
      [`_mta-sts.${DOMAIN}`]: { TXT: [['v=STSv1; id=1']] },
      [HOST]: { '*': 'TIMEOUT' },
    });
    const found = await findMtaSts(DOMAIN, world({ port: 1 }, { dns }));
    expect(found).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/did not tell the addresses/),
    });
  });

  test('that all refuse are a fetch error with the address', async () => {
    const { port, close } = await start();
    await close();
    const found = await findMtaSts(DOMAIN, world({ port }));
    expect(found).toMatchObject({
      kind: 'failed',
      result: 'sts-policy-fetch-error',
      reason: 'the policy host refuses the connection',
      evidence: 'ECONNREFUSED at 127.0.0.1',
    });
  });

  test('that are private are not connected to', async () => {
    const server = await start();
    const found = await findMtaSts(DOMAIN, world(server, { allowPrivate: false }));
    expect(found).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/no public address \(loopback\)/),
    });
    expect(server.connections).toBe(0);
  });

  test('are only those on loopback when offline', async () => {
    const server = await start();
    const away = world(server, { offline: true, dns: zone('1', ['192.0.2.1']) });
    expect(await findMtaSts(DOMAIN, away)).toMatchObject({ kind: 'unknown' });
    const here = world(server, { offline: true, dns: zone('1', ['192.0.2.1', '127.0.0.1']) });
    expect(await findMtaSts(DOMAIN, here)).toMatchObject({ kind: 'found', ips: ['127.0.0.1'] });
  });

  test('that are none are a fetch error', async () => {
    const found = await findMtaSts(DOMAIN, world({ port: 1 }, { dns: zone('1', []) }));
    expect(found).toMatchObject({ kind: 'failed', reason: `${HOST} has no address` });
  });
});

describe('without a record that counts', () => {
  test.for([
    ['no record', zone(null), 'none', 'ok'],
    ['no DNS', offlineResolver(), 'unknown', 'unknown'],
    [
      'a wrong id',
      recordedResolver({ [`_mta-sts.${DOMAIN}`]: { TXT: [['v=STSv1; id=1-2']] } }),
      'invalid-record',
      'warn',
    ],
  ] as const)('%s is %s', async ([, dns, kind, status]) => {
    const found = await findMtaSts(DOMAIN, world({ port: 1 }, { dns }));
    expect(found.kind).toBe(kind);
    expect(statuses(found)).toEqual({ 'mta-sts.record': status });
  });
});

describe('a policy that is kept', () => {
  const folder = () => join(mkdtempSync(join(tmpdir(), 'postern-sts-')), 'mta-sts');

  test('is used while the record has the same id, and fetched again when it has another', async () => {
    const server = await start();
    const cache = openPolicyCache(folder());
    expect(await findMtaSts(DOMAIN, world(server, { cache }))).toMatchObject({ source: 'fetched', id: '1' });
    expect(await findMtaSts(DOMAIN, world(server, { cache }))).toMatchObject({ source: 'cache', id: '1' });
    expect(server.requests).toHaveLength(1);
    server.publish(POLICY.replace('enforce', 'testing'));
    const renewed = await findMtaSts(DOMAIN, world(server, { cache, dns: zone('2') }));
    expect(renewed).toMatchObject({ source: 'fetched', id: '2', policy: { mode: 'testing' } });
    const kept = await findMtaSts(DOMAIN, world(server, { cache, dns: zone('2') }));
    expect(kept).toMatchObject({ source: 'cache', id: '2', policy: { mode: 'testing' } });
    expect(kept).not.toHaveProperty('refreshFault');
  });

  test('is fetched all the same for who wants to see what is served', async () => {
    const server = await start();
    const cache = openPolicyCache(folder());
    await findMtaSts(DOMAIN, world(server, { cache }));
    const found = await findMtaSts(DOMAIN, world(server, { cache, refresh: true }));
    expect(found).toMatchObject({ source: 'fetched' });
  });

  test('from the far future was written by a wrong clock, and does not count; a small step back does no harm', async () => {
    const cache = openPolicyCache(folder());
    const server = await start();
    await findMtaSts(DOMAIN, world(server, { cache }));
    const at = (nowMs: number) =>
      findMtaSts(DOMAIN, world(server, { cache, dns: zone(null), now: () => nowMs }));
    expect(await at(NOW_MS - 60_000)).toMatchObject({ kind: 'found', source: 'cache' });
    expect(await at(NOW_MS - 2 * DAY_MS)).toEqual({ kind: 'none' });
  });

  test('goes on when it cannot be renewed, until its max_age is over', async () => {
    const server = await start();
    const cache = openPolicyCache(folder());
    await findMtaSts(DOMAIN, world(server, { cache }));
    await server.close();
    const later = (days: number, dns = zone('2')) =>
      findMtaSts(DOMAIN, world(server, { cache, dns, now: () => NOW_MS + days * DAY_MS }));
    const found = await later(6);
    expect(found).toMatchObject({
      source: 'cache',
      policy: { mode: 'enforce' },
      refreshFault: { result: 'sts-policy-fetch-error', reason: 'the policy host refuses the connection' },
    });
    expect(statuses(found)).toMatchObject({ 'mta-sts.policy': 'warn', 'mta-sts.mx': 'ok' });
    expect(await later(6, zone(null))).toMatchObject({ kind: 'found', source: 'cache', id: null });
    expect(await later(6, offlineResolver())).toMatchObject({ kind: 'found', source: 'cache', id: null });
    expect(await later(7)).toMatchObject({ kind: 'failed' });
    expect(await later(7, zone(null))).toEqual({ kind: 'none' });
  });
});

describe('the findings', () => {
  test.for([
    ['enforce', 'crit'],
    ['testing', 'warn'],
    ['none', undefined],
  ] as const)('in mode %s an exchanger that is not named is %s', async ([mode, status]) => {
    const server = await start();
    server.publish(POLICY.replace('enforce', mode));
    const found = await findMtaSts(DOMAIN, world(server));
    expect(statuses(found, [`mx.${DOMAIN}`, 'backup.example.org'])['mta-sts.mx']).toBe(status);
  });

  test('name a pattern that matches nothing, a short max_age and a certificate near its end', async () => {
    const server = await start('expires-soon');
    server.publish(`version: STSv1\nmode: enforce\nmx: mx.${DOMAIN}\nmx: *.old.test\nmax_age: 60\n`);
    const found = await findMtaSts(DOMAIN, world(server));
    expect(statuses(found)).toEqual({
      'mta-sts.record': 'ok',
      'mta-sts.policy': 'ok',
      'mta-sts.policy.max-age': 'warn',
      'mta-sts.mx': 'ok',
      'mta-sts.mx.unused': 'ok',
      'mta-sts.host.expiry': 'warn',
    });
  });
});

test('a search that is called off ends at once with the reason', async () => {
  const controller = new AbortController();
  const searching = findMtaSts(DOMAIN, world(await start('silent'), { signal: controller.signal }));
  setTimeout(() => controller.abort(new Error('called off')), 50);
  await expect(searching).rejects.toThrow('called off');
});
