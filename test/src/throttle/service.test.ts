import { spawnSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { callService } from '../../../src/service/call.ts';
import { Tokens } from '../../../src/service/tokens.ts';
import { startThrottle } from '../../../src/throttle/service.ts';
import { openSqliteStore, STEPS } from '../../../src/throttle/sqlite-store.ts';
import { needs } from '../../helpers/debian.ts';
import { ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

const labs: ThrottleLab[] = [];

async function lab(options: Parameters<typeof startThrottleLab>[0] = {}): Promise<ThrottleLab> {
  const started = await startThrottleLab(options);
  labs.push(started);
  return started;
}

afterEach(async () => {
  for (const each of labs.splice(0)) await each.close().catch(() => undefined);
});

const database = () => join(mkdtempSync(join(tmpdir(), 'postern-store-')), 'throttle.db');

describe('the admin API', () => {
  test('listens on a socket for its owner and group alone', async () => {
    const { socket } = await lab();
    expect(statSync(socket.path).mode & 0o777).toBe(0o660);
  });

  test('a new site takes 10000/200M, and can be changed, shown and removed', async () => {
    const { api } = await lab();
    expect(await api('/v1/sites', 'POST', { name: 'Shop.Example.org.' })).toMatchObject({
      site: { name: 'shop.example.org', policy: { limits: '10000/200M', mode: 'enforce' }, refusal: 429 },
    });
    await expect(api('/v1/sites', 'POST', { name: 'shop.example.org' })).rejects.toMatchObject({
      code: 'E_EXISTS',
    });
    await api('/v1/sites/shop.example.org', 'PUT', { aliases: ['s.example.org'], note: 'shop' });
    expect(await api('/v1/sites/s.example.org')).toMatchObject({
      site: { aliases: ['s.example.org'], note: 'shop' },
      traffic: { day: { servedRequests: 0 } },
    });
    await api('/v1/sites/s.example.org', 'DELETE');
    await expect(api('/v1/sites/shop.example.org')).rejects.toMatchObject({ code: 'E_NOT_FOUND', exit: 64 });
    await expect(api('/v1/sites/other', 'DELETE')).rejects.toMatchObject({ code: 'E_SITE' });
  });

  test('figures of a site say what was served and refused', async () => {
    const { api, port } = await lab();
    await api('/v1/sites', 'POST', { name: 'a.example', limits: '3/2M' });
    for (let sent = 0; sent < 5; sent += 1) await ask(port, { host: 'a.example' });
    const shown = (await api('/v1/sites/a.example')) as { traffic: { tenMinutes: object }; blocked: number };
    expect(shown).toMatchObject({
      blocked: 1,
      traffic: { tenMinutes: { servedRequests: 3, refusedRequests: 2 } },
    });
  });

  test('blocks are set and lifted by hand, and explained', async () => {
    const { api, port } = await lab();
    await api('/v1/sites', 'POST', { name: 'a.example' });
    await api('/v1/blocks', 'POST', { site: 'a.example', client: '127.0.0.1', forSeconds: 90 });
    expect(await ask(port, { host: 'a.example' })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '90' },
    });
    expect(await api('/v1/explain/127.0.0.1')).toMatchObject({
      client: '127.0.0.1',
      sites: [{ block: { limit: 'manual', retryAfter: 90 } }],
    });
    expect(await api('/v1/blocks/127.0.0.1', 'DELETE')).toMatchObject({ lifted: [{ site: 'a.example' }] });
    expect(await ask(port, { host: 'a.example' })).toMatchObject({ status: 200 });
    expect(await api('/v1/clients?limit=5')).toMatchObject({
      clients: [{ client: '127.0.0.1', requests: 1 }],
    });
  });

  test('a client that passes without counting is told apart from one that did nothing', async () => {
    const { api } = await lab();
    await api('/v1/sites', 'POST', { name: 'a.example' });
    await api('/v1/exemptions', 'POST', { network: '192.0.2.0/24', reason: 'office' });
    await api('/v1/exemptions', 'POST', { network: '198.51.100.7', site: 'a.example' });
    expect(await api('/v1/explain/192.0.2.9')).toMatchObject({
      exempt: { network: '192.0.2.0/24', reason: 'office' },
      sites: [],
    });
    expect(await api('/v1/explain/198.51.100.7')).toMatchObject({
      exempt: null,
      sites: [{ standing: { site: 'a.example' }, exempt: { network: '198.51.100.7' } }],
    });
    expect(await api('/v1/explain/203.0.113.1')).toMatchObject({ exempt: null, sites: [] });
  });

  test.for([
    ['/v1/sites', 'POST', [], 'E_FIELD'],
    ['/v1/sites', 'POST', { name: 'a b' }, 'E_SITE'],
    ['/v1/sites', 'POST', { name: 'a', limits: 'many' }, 'E_LIMITS'],
    ['/v1/sites', 'POST', { name: 'a', aliases: 'b' }, 'E_FIELD'],
    ['/v1/sites', 'POST', { name: 'a', note: 'x'.repeat(501) }, 'E_SITE'],
    ['/v1/sites', 'POST', { name: 'a', note: 'x'.repeat(70_000) }, 'E_TOO_LARGE'],
    ['/v1/sites/other/policy', 'PUT', { mode: 'maybe' }, 'E_FIELD'],
    ['/v1/sites/other/policy', 'PUT', {}, 'E_FIELD'],
    ['/v1/sites/other/policy', 'PUT', { limits: '20/2M', forSeconds: -1 }, 'E_FIELD'],
    ['/v1/blocks', 'POST', { site: 'none', client: '192.0.2.1' }, 'E_NOT_FOUND'],
    ['/v1/blocks', 'POST', { site: 'other', client: 'x' }, 'E_CLIENT'],
    ['/v1/exemptions', 'POST', { network: '192.0.2.0/33' }, 'E_NETWORK'],
    ['/v1/exemptions/192.0.2.1', 'DELETE', undefined, 'E_NOT_FOUND'],
    ['/v1/clients?limit=many', 'GET', undefined, 'E_FIELD'],
    ['/v1/nothing', 'GET', undefined, 'E_NOT_FOUND'],
    ['/v1/%ff', 'GET', undefined, 'E_NOT_FOUND'],
    ['/v1/sites', 'DELETE', undefined, 'E_METHOD'],
  ] as const)('%s %s %j is refused with %s', async ([path, method, body, code]) => {
    const { api } = await lab();
    await expect(api(path, method, body)).rejects.toMatchObject({ code });
  });

  test('figures for Prometheus name sites and decisions, and no client', async (context) => {
    needs(context, 'promtool', 'prometheus');
    const { api, port, socket } = await lab();
    await api('/v1/sites', 'POST', { name: 'a.example', limits: '1/2M' });
    await ask(port, { host: 'a.example' });
    await ask(port, { host: 'a.example' });
    const text = await new Promise<string>((resolve) => {
      request({ socketPath: socket.path, path: '/metrics', agent: false }, (response) => {
        let all = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
        response.on('end', () => resolve(all));
      }).end();
    });
    expect(text).toContain('throttle_requests_total{site="a.example",decision="refused"} 1\n');
    expect(text).toContain('throttle_blocked_clients{site="a.example"} 1\n');
    expect(text).toContain('throttle_decision_seconds_bucket{le="+Inf"} 2\n');
    expect(text).toContain('throttle_decision_seconds_count 2\n');
    expect(text).not.toContain('127.0.0.1');
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(checked).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('over TCP', () => {
  const token = 'a-token-of-more-than-22-characters';
  const reader = 'another-one-that-may-only-read-0';

  async function gated() {
    const tokens = new Tokens();
    tokens.add(token, 'write');
    tokens.add(reader, 'read');
    const hosts = new Set(['127.0.0.1']);
    const started = await lab({
      admin: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      gate: { tokens, hosts },
    });
    const at = started.daemon.describe().listening.find((each) => each.for === 'admin')?.at ?? '';
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: Number(at.split(':')[1]) } as const;
    return { endpoint, at };
  }

  test('a token is needed, one that reads changes nothing, and another name is refused', async () => {
    const { endpoint } = await gated();
    await expect(callService(endpoint, '/v1/sites')).rejects.toMatchObject({ code: 'E_TOKEN', exit: 77 });
    await expect(callService(endpoint, '/v1/sites', { token: `${token}x` })).rejects.toMatchObject({
      code: 'E_TOKEN',
    });
    expect(await callService(endpoint, '/v1/sites', { token: reader })).toHaveProperty('sites');
    const body = { name: 'a.example' };
    await expect(
      callService(endpoint, '/v1/sites', { token: reader, method: 'POST', body }),
    ).rejects.toMatchObject({ code: 'E_FORBIDDEN' });
    expect(await callService(endpoint, '/v1/sites', { token, method: 'POST', body })).toHaveProperty('site');
    const rebound = await ask(endpoint.port, {
      host: 'evil.example',
      path: '/v1/sites',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(rebound.status).toBe(403);
    expect((await ask(endpoint.port, { host: 'evil.example', path: '/healthz' })).status).toBe(200);
  });

  test('a form of a web page is no request to the API', async () => {
    const { endpoint, at } = await gated();
    const status = await new Promise<number>((resolve) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: endpoint.port,
          path: '/v1/sites',
          method: 'POST',
          headers: { host: at, authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
        },
        (response) => resolve(response.resume().statusCode ?? 0),
      );
      call.end('{"name": "a.example"}');
    });
    expect(status).toBe(415);
  });
});

describe('a restart', () => {
  test('keeps sites, exemptions and blocks with the time that they have left', async () => {
    const file = database();
    const first = await lab({ database: file, blockMs: 600_000 });
    await first.api('/v1/sites', 'POST', { name: 'a.example', limits: '2/2M', aliases: ['b.example'] });
    await first.api('/v1/exemptions', 'POST', { network: '192.0.2.0/24', reason: 'office' });
    for (let sent = 0; sent < 3; sent += 1) await ask(first.port, { host: 'b.example' });
    await first.close();
    const second = await lab({ database: file, blockMs: 600_000, startMs: 1_800_000_100_000 });
    const again = await ask(second.port, { host: 'a.example' });
    expect(again).toMatchObject({ status: 429, headers: { 'retry-after': '500' } });
    expect(await second.api('/v1/exemptions')).toMatchObject({ exemptions: [{ network: '192.0.2.0/24' }] });
    expect(await second.api('/v1/explain/127.0.0.1')).toMatchObject({
      sites: [{ block: { tipping: { path: '/' } } }],
    });
  });

  test('with a clock that was set back prolongs no block', async () => {
    const file = database();
    const first = await lab({ database: file, blockMs: 600_000 });
    await first.api('/v1/blocks', 'POST', { site: 'other', client: '127.0.0.1' });
    await first.close();
    const second = await lab({ database: file, startMs: 1_800_000_000_000 - 86_400_000 });
    expect((await ask(second.port)).headers['retry-after']).toBe('600');
  });

  test('after which a block has ended forgets it', async () => {
    const file = database();
    const first = await lab({ database: file });
    await first.api('/v1/blocks', 'POST', { site: 'other', client: '127.0.0.1' });
    await first.close();
    const second = await lab({ database: file, startMs: 1_800_000_600_000 });
    expect((await ask(second.port)).status).toBe(200);
  });
});

test('a database of a newer program is not touched', async () => {
  const file = database();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'E_STORE', exit: 78 });
});

test('a database of the first program is brought up to date, with the sites in it', async () => {
  const file = database();
  const db = new DatabaseSync(file);
  db.exec(STEPS[0] ?? '');
  db.exec(`PRAGMA user_version = 1;
    INSERT INTO site VALUES (7, 'shop.example', '[]', 20, 2000000, 'enforce', NULL, 429, '')`);
  db.close();
  const service = await lab({ database: file });
  const site = await service.api('/v1/sites/shop.example');
  expect(site).toMatchObject({ site: { budget: null, lasting: { limits: '20/2M', mode: 'enforce' } } });
  await service.close();
});

test('a socket that is in use is told, and one that a killed process left behind is taken over', async () => {
  const first = await lab();
  const options = {
    version: '0',
    wall: Date.now,
    monotonic: () => 0,
    seed: 1,
    admin: first.socket,
    onEvent: () => undefined,
  };
  await expect(startThrottle({ ...options, store: await openSqliteStore(':memory:') })).rejects.toMatchObject(
    {
      code: 'E_CANNOT_LISTEN',
      exit: 69,
    },
  );
  expect(await first.api('/healthz')).toEqual({ status: 'ok' });
});

test('other servers ask with a path, and are told 204 or 403', async () => {
  const started = await lab({ decision: { kind: 'tcp', host: '127.0.0.1', port: 0 } });
  await started.api('/v1/sites', 'POST', { name: 'a.example', limits: '2/1k' });
  const at = started.daemon.describe().listening.find((each) => each.for === 'decision')?.at ?? '';
  const port = Number(at.split(':')[1]);
  const status = async (path: string) => (await ask(port, { path })).status;
  expect([await status('/c/a.example/192.0.2.1'), await status('/c/a.example/192.0.2.1')]).toEqual([
    204, 204,
  ]);
  expect(await ask(port, { path: '/c/a.example/192.0.2.1' })).toMatchObject({
    status: 403,
    headers: { 'retry-after': '10' },
  });
  expect(await status('/a/a.example/2001%3adb8%3a%3a1/1001')).toBe(204);
  expect(await status('/c/a.example/2001:db8::2')).toBe(403);
  expect(await status('/v1/sites')).toBe(404);
});
