import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// The semantics, as a client meets them, at the built-in front: window and block of ten seconds, 20/2M.

let lab: ThrottleLab;

beforeEach(async () => {
  lab = await startThrottleLab();
  await lab.api('/v1/sites', 'POST', { name: 'www.example.org', aliases: ['example.org'], limits: '20/2M' });
});

afterEach(() => lab.close());

const times = async (count: number, options: Parameters<typeof ask>[1] = {}): Promise<number[]> => {
  const answers: Answer[] = [];
  for (let sent = 0; sent < count; sent += 1) answers.push(await ask(lab.port, options));
  return answers.map(({ status }) => status);
};

test('request 21 gets the error page, while another client and another site go on', async () => {
  expect(await times(20)).toEqual(Array(20).fill(200));
  const refused = await ask(lab.port);
  expect(refused.status).toBe(429);
  expect(refused.headers).toMatchObject({
    'retry-after': '10',
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
  });
  expect(refused.body).toContain('Please come back in 10 seconds.');
  expect(refused.body.length).toBeLessThan(1024);
  expect(await times(1, { from: '127.0.0.2' })).toEqual([200]);
  expect(await times(1, { host: 'other.example' })).toEqual([200]);
  expect(lab.origin.seen).toHaveLength(22);
});

test('the block ends ten seconds after it began although requests went on, and the quota is whole', async () => {
  await times(21);
  for (let second = 0; second < 9; second += 1) {
    lab.wait(1000);
    expect(await times(5)).toEqual(Array(5).fill(429));
  }
  lab.wait(999);
  expect((await ask(lab.port)).headers['retry-after']).toBe('1');
  lab.wait(1);
  expect(await times(21)).toEqual([...Array(20).fill(200), 429]);
});

test('the response that goes over the bytes is served and the next is refused, on one connection, too', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = () =>
    new Promise<number>((resolve, reject) => {
      const call = request({
        host: '127.0.0.1',
        port: lab.port,
        path: '/1100000',
        agent,
        headers: { host: 'example.org' },
      });
      call.on('error', reject);
      call.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)));
      call.end();
    });
  expect(await get()).toBe(200);
  expect(await get()).toBe(200);
  expect(await get()).toBe(429);
  agent.destroy();
  const { blocks } = (await lab.api('/v1/blocks')) as {
    blocks: { limit: string; bytes: number; tipping: unknown }[];
  };
  expect(blocks).toMatchObject([{ limit: 'bytes', tipping: { method: 'GET', path: '/1100000' } }]);
  // What left the server: both bodies with their header fields.
  expect(blocks[0]?.bytes).toBeGreaterThan(2_200_200);
  expect(blocks[0]?.bytes).toBeLessThan(2_202_000);
});

test('aliases, ports and spellings are one site, and names that nobody knows share one quota', async () => {
  const spellings = ['www.example.org', 'EXAMPLE.org', 'example.org:8080', 'www.example.org.'];
  for (let sent = 0; sent < 20; sent += 1) await ask(lab.port, { host: spellings[sent % 4] ?? '' });
  expect(await times(1)).toEqual([429]);
  await lab.api('/v1/sites/other/policy', 'PUT', { limits: '20/2M' });
  const invented = await Promise.all(
    Array.from({ length: 25 }, (_, n) => ask(lab.port, { host: `x${n}.test` })),
  );
  expect(invented.filter(({ status }) => status === 429)).toHaveLength(5);
});

test('a target in absolute form cannot name another site than the one that is asked', async () => {
  const raw = (host: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(lab.port, '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
      socket.end(`GET http://www.example.org/a?b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
  for (let sent = 0; sent < 20; sent += 1) await raw(`x${sent}.test`);
  expect(await raw('y.test')).toContain('429');
  expect(lab.origin.seen.at(-1)).toMatchObject({ url: '/a?b' });
});

describe('the address of the client', () => {
  test('from X-Forwarded-For counts only behind a proxy of ours, and only the last hop before it', async () => {
    const forged = (n: number) => ({ headers: { 'x-forwarded-for': `203.0.113.${n}` } });
    for (let sent = 0; sent < 20; sent += 1) await ask(lab.port, forged(sent));
    expect((await ask(lab.port, forged(99))).status).toBe(429);
    const behind = (n: number) => ({
      from: '127.0.0.9',
      headers: { 'x-forwarded-for': `203.0.113.${n}, 198.51.100.1, 127.0.0.9` },
    });
    for (let sent = 0; sent < 20; sent += 1) await ask(lab.port, behind(sent));
    expect((await ask(lab.port, behind(99))).status).toBe(429);
    expect(
      (await ask(lab.port, { from: '127.0.0.9', headers: { 'x-forwarded-for': '198.51.100.2' } })).status,
    ).toBe(200);
  });

  test('is handed on to the origin, without what a stranger claims', async () => {
    await ask(lab.port, {
      headers: { 'x-forwarded-for': '203.0.113.1', forwarded: 'for=1.2.3.4', 'x-real-ip': '1.2.3.4' },
    });
    expect(lab.origin.seen[0]).toMatchObject({ 'x-forwarded-for': '127.0.0.1', host: 'www.example.org' });
    expect(lab.origin.seen[0]).not.toHaveProperty('forwarded');
    expect(lab.origin.seen[0]).not.toHaveProperty('x-real-ip');
  });

  test('of IPv6 counts by its first 64 bits', async () => {
    const v6 = (n: number) => ({
      from: '127.0.0.9',
      headers: { 'x-forwarded-for': `2001:db8:0:1::${n.toString(16)}` },
    });
    for (let sent = 0; sent < 20; sent += 1) await ask(lab.port, v6(sent));
    expect((await ask(lab.port, v6(999))).status).toBe(429);
    expect(
      (await ask(lab.port, { from: '127.0.0.9', headers: { 'x-forwarded-for': '2001:db8:0:2::1' } })).status,
    ).toBe(200);
  });
});

describe('the error page', () => {
  beforeEach(() => times(21));

  test('is JSON for who wants that, and nothing but a head for HEAD', async () => {
    const json = await ask(lab.port, { headers: { accept: 'application/json' } });
    expect(JSON.parse(json.body)).toEqual({ error: 'too many requests', retryAfter: 10 });
    expect(json.headers['content-type']).toBe('application/json');
    const head = await ask(lab.port, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 429, body: '' });
    expect(Number(head.headers['content-length'])).toBeGreaterThan(100);
  });

  test('is 503 where a site wants that', async () => {
    await lab.api('/v1/sites/example.org', 'PUT', { refusal: 503 });
    expect(await ask(lab.port)).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  });

  test('does not wait for a body that nobody wants', async () => {
    const socket = connect(lab.port, '127.0.0.1');
    const text = await new Promise<string>((resolve) => {
      let all = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (all += chunk));
      socket.on('close', () => resolve(all));
      socket.write('POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 1000000\r\n\r\nx');
    });
    expect(text).toMatch(/^HTTP\/1\.1 429/);
    expect(text.toLowerCase()).toContain('connection: close');
  });
});

test('exempt networks, dry sites and sites that are off are served, and what would be refused is counted', async () => {
  await lab.api('/v1/exemptions', 'POST', { network: '127.0.0.3' });
  expect(await times(25, { from: '127.0.0.3' })).toEqual(Array(25).fill(200));
  await lab.api('/v1/sites/example.org/policy', 'PUT', { mode: 'dry' });
  expect(await times(25)).toEqual(Array(25).fill(200));
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: [{ client: '127.0.0.1', enforced: false }] });
  await lab.api('/v1/policy', 'PUT', { mode: 'off' });
  expect(await times(25, { from: '127.0.0.4' })).toEqual(Array(25).fill(200));
});

test('a preset that is changed holds for the next request, and a temporary one ends by itself', async () => {
  await lab.api('/v1/sites/example.org/policy', 'PUT', { limits: '5/2M', forSeconds: 60 });
  expect(await times(6)).toEqual([200, 200, 200, 200, 200, 429]);
  lab.wait(60_000);
  expect(await times(21)).toEqual([...Array(20).fill(200), 429]);
});

test('an origin that is away is 502, and a request that breaks HTTP is refused', async () => {
  await lab.origin.close();
  expect((await ask(lab.port)).status).toBe(502);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(lab.port, '127.0.0.1');
    socket.setEncoding('latin1').once('data', (chunk: string) => resolve(chunk.split('\r\n')[0] ?? ''));
    socket.on('error', () => undefined);
    socket.end(
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
  });
  expect(answer).toContain('400');
});
