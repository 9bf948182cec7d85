import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNetwork } from '../../../src/net/network.ts';
import { type Answer, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// Servers that pass the answer on to the client: Caddy with forward_auth, Traefik with forwardAuth.

let lab: ThrottleLab;
let port = 0;

beforeAll(async () => {
  lab = await startThrottleLab({
    decision: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    trusted: ['10.0.0.0/8'].map(parseNetwork).filter((each) => each !== null),
  });
  port = Number(
    lab.daemon
      .describe()
      .listening.find((each) => each.for === 'decision')
      ?.at.split(':')[1],
  );
  for (const site of [
    { name: 'www.example.org', limits: '20/2M' },
    { name: 'old.example', limits: '20/2M', refusal: 503 },
    { name: 'busy.example', limits: '2000/50M', budget: '1/50M' },
    { name: 'dry.example', limits: '20/2M', mode: 'dry' },
  ])
    await lab.api('/v1/sites', 'POST', site);
});
afterAll(() => lab.close());

type Fields = Readonly<Record<string, string>>;

function asked(path: string, headers: Fields, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method, agent: false, headers });
    call.on('error', reject);
    call.on('response', async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
    call.end();
  });
}

const forwarded = (address: string, host = 'www.example.org', more: Fields = {}) =>
  asked('/f', {
    'x-forwarded-for': address,
    'x-forwarded-host': host,
    'x-forwarded-method': 'GET',
    'x-forwarded-uri': '/page?x=y',
    'user-agent': 'curl/8.0',
    ...more,
  });

/** So many requests that are to be served. */
async function spent(count: number, one: () => Promise<Answer>): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) expect((await one()).status).toBe(204);
}

test('request 21 is answered with the page for the client, and the block tells what was asked for', async () => {
  await spent(20, () => forwarded('192.0.2.1'));
  const page = await forwarded('192.0.2.1');
  expect(page).toMatchObject({
    status: 429,
    headers: {
      'retry-after': '10',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(page.body.length),
      'x-postern-because': 'client',
    },
  });
  expect(page.body).toContain('Too much was asked of www.example.org');
  expect(page.body.length).toBeLessThan(1024);
  const { blocks } = (await lab.api('/v1/blocks')) as { blocks: { client: string; tipping: unknown }[] };
  expect(blocks.find(({ client }) => client === '192.0.2.1')?.tipping).toMatchObject({
    method: 'GET',
    path: '/page?x=y',
    userAgent: 'curl/8.0',
  });
  const json = await forwarded('192.0.2.1', 'www.example.org', { accept: 'application/json' });
  expect(JSON.parse(json.body)).toEqual({ error: 'too many requests', retryAfter: 10 });
});

test('the page has no body when it is asked for by HEAD', async () => {
  await spent(20, () => forwarded('192.0.2.2'));
  const fields = { 'x-forwarded-for': '192.0.2.2', 'x-forwarded-host': 'www.example.org' };
  const head = await asked('/f', fields, 'HEAD');
  expect(head).toMatchObject({ status: 429, body: '' });
  expect(Number(head.headers['content-length'])).toBeGreaterThan(200);
});

test('503 is answered where the site wants it, a budget that is spent says so, and a dry run refuses nobody', async () => {
  await spent(20, () => forwarded('192.0.2.3', 'old.example:8080'));
  expect((await forwarded('192.0.2.3', 'OLD.example')).status).toBe(503);
  await spent(1, () => forwarded('192.0.2.4', 'busy.example'));
  expect(await forwarded('192.0.2.5', 'busy.example')).toMatchObject({
    status: 503,
    headers: { 'x-postern-because': 'site' },
    body: expect.stringContaining('Very busy'),
  });
  await spent(25, () => forwarded('192.0.2.6', 'dry.example'));
});

test.for([
  ['the connection of who asks, alone', '192.0.2.10', '192.0.2.10'],
  ['what somebody wrote there before', '198.51.100.1, 192.0.2.11', '192.0.2.11'],
  ['a proxy of ours with the client before it', '203.0.113.9, 192.0.2.12, 10.0.0.1', '192.0.2.12'],
  ['two proxies of ours', '192.0.2.13, 10.0.0.2,10.0.0.1', '192.0.2.13'],
  ['a proxy of ours that knows of nobody', '10.0.0.3', '10.0.0.3'],
  ['a proxy of ours with what is no address', 'unknown, 10.0.0.4', '10.0.0.4'],
  ['an IPv6 address', '2001:db8:0:9::1', '2001:db8:0:9::/64'],
  ['an IPv4 address written as IPv6', '::ffff:192.0.2.14', '192.0.2.14'],
] as const)('the client is found: %s', async ([, list, expected]) => {
  await spent(20, () => forwarded(list));
  expect((await forwarded(list)).status).toBe(429);
  const { blocks } = (await lab.api('/v1/blocks')) as { blocks: { client: string }[] };
  expect(blocks.map(({ client }) => client)).toContain(expected);
});

test('names that are no site share one quota, and whoever has no address is served', async () => {
  await lab.api('/v1/sites/other/policy', 'PUT', { limits: '20/2M' });
  for (let sent = 0; sent < 20; sent += 1)
    expect((await forwarded('192.0.2.20', `name-${sent}.test`)).status).toBe(204);
  expect((await forwarded('192.0.2.20', 'other.test')).status).toBe(429);
  expect((await forwarded('192.0.2.20', '../www.example.org')).status).toBe(429);
  await spent(25, () => asked('/f', {}));
});

const queried = (query: Fields) => asked(`/q?${new URLSearchParams(query)}`, { 'user-agent': 'curl/8.0' });

test('what is told in the query counts, and no field', async () => {
  const query = {
    by: '10.0.0.1',
    for: '203.0.113.9, 192.0.2.40',
    host: 'www.example.org',
    method: 'PUT',
    uri: '/a?b',
  };
  const forged = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-host': 'dry.example' };
  const one = () => asked(`/q?${new URLSearchParams(query)}`, forged);
  await spent(20, one);
  expect((await one()).status).toBe(429);
  const { blocks } = (await lab.api('/v1/blocks')) as { blocks: { client: string; tipping: unknown }[] };
  expect(blocks.find(({ client }) => client === '192.0.2.40')?.tipping).toMatchObject({
    method: 'PUT',
    path: '/a?b',
  });
  expect((await queried({ ...query, for: '192.0.2.41' })).status).toBe(204);
  await spent(20, () => queried({ by: '192.0.2.42', for: '192.0.2.43', host: 'www.example.org' }));
  expect((await queried({ by: '192.0.2.42', host: 'www.example.org' })).status).toBe(429);
});

test('a client that sends hundreds of fields is counted as any other', async () => {
  const flood = Object.fromEntries(
    Array.from({ length: 300 }, (_, index): [string, string] => [`a-${index}`, 'x']),
  );
  const query = new URLSearchParams({
    by: '192.0.2.50',
    host: 'www.example.org',
    uri: `/${'x'.repeat(20_000)}`,
  });
  await spent(20, () => asked(`/q?${query}`, flood));
  expect((await asked(`/q?${query}`, flood)).status).toBe(429);
});

test('that somebody asks without an address is told', async () => {
  await spent(1, () => queried({ host: 'www.example.org' }));
  expect(lab.events.map(({ message }) => message)).toContain(
    'The decision server was asked about a client without an address.',
  );
});

test('a query is passed over, and the fields count on this path only', async () => {
  await spent(20, () => asked('/f?x=y', { 'x-forwarded-for': '192.0.2.30', 'x-forwarded-host': 'dry.test' }));
  const forged = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-host': 'dry.example' };
  await spent(20, () => asked('/c/www.example.org/192.0.2.31', forged));
  expect((await asked('/c/www.example.org/192.0.2.31', forged)).status).toBe(403);
  for (const path of ['/f/', '/fx', '/', '/f/www.example.org'])
    expect((await asked(path, { 'x-forwarded-for': '192.0.2.32' })).status).toBe(404);
});
