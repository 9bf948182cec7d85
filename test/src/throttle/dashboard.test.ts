import { readFileSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IDLE_MS, KEY_MS, Sessions } from '../../../src/throttle/sessions.ts';
import { root, run } from '../../helpers/run.ts';
import { type Answer, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// The dashboard as everything but a browser of its owner meets it; test/browser has the page itself.

let lab: ThrottleLab;
let port = 0;
let key = '';

beforeEach(async () => {
  lab = await startThrottleLab();
  ({ port, key } = await invite());
});
afterEach(() => lab.close());

async function invite(): Promise<{ port: number; key: string }> {
  const { url } = (await lab.api('/v1/dashboard', 'POST', {})) as { url: string };
  const { port: at, hash } = new URL(url);
  return { port: Number(at), key: hash.slice(1) };
}

type Sent = {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

function begin(path: string, { method = 'GET', host, headers }: Sent = {}): ClientRequest {
  return request({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false,
    headers: { host: host ?? `127.0.0.1:${port}`, ...headers },
  });
}

function send(path: string, sent: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = begin(path, sent);
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.end(sent.body);
  });
}

/** What a page holds after it has exchanged its key. */
async function session(): Promise<Readonly<Record<string, string>>> {
  const answer = await send('/session', { method: 'POST', headers: { 'x-postern-session': key } });
  const [cookie = ''] = String(answer.headers['set-cookie']).split(';');
  const { token } = JSON.parse(answer.body) as { token: string };
  return { cookie, 'x-postern-session': token };
}

describe('a key', () => {
  test('begins one session, whose cookie no script and no other site gets', async () => {
    const answer = await send('/session', { method: 'POST', headers: { 'x-postern-session': key } });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^postern_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/),
    ]);
    expect(answer.body).not.toContain(key);
    const again = await send('/session', { method: 'POST', headers: { 'x-postern-session': key } });
    expect(again).toMatchObject({ status: 401 });
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  test('that is guessed, empty, endless or too old begins none', async () => {
    for (const wrong of ['x'.repeat(43), '', 'x'.repeat(5000)])
      expect(
        await send('/session', { method: 'POST', headers: { 'x-postern-session': wrong } }),
      ).toMatchObject({ status: 401 });
    expect(await send('/session', { headers: { 'x-postern-session': key } })).toMatchObject({ status: 401 });
    lab.wait(KEY_MS);
    expect(await send('/session', { method: 'POST', headers: { 'x-postern-session': key } })).toMatchObject({
      status: 401,
    });
  });

  test('is for whoever may use the socket: the page itself gives none', async () => {
    const headers = { ...(await session()), 'content-type': 'application/json' };
    expect(await send('/v1/dashboard', { method: 'POST', headers, body: '{}' })).toMatchObject({
      status: 404,
    });
  });
});

describe('a session', () => {
  test('needs the cookie and the token', async () => {
    const held = await session();
    expect(await send('/v1/sites', { headers: held })).toMatchObject({ status: 200 });
    for (const name of ['cookie', 'x-postern-session'])
      expect(await send('/v1/sites', { headers: { ...held, [name]: '' } })).toMatchObject({ status: 401 });
    ({ key } = await invite());
    const other = await session();
    expect(await send('/v1/sites', { headers: { ...held, cookie: other['cookie'] ?? '' } })).toMatchObject({
      status: 401,
    });
    expect(await send('/metrics')).toMatchObject({ status: 401 });
  });

  test('ends when it is told to', async () => {
    const headers = await session();
    expect(await send('/session', { method: 'DELETE', headers })).toMatchObject({ status: 204 });
    expect(await send('/v1/sites', { headers })).toMatchObject({ status: 401 });
  });

  test('ends after 15 minutes in which nobody did anything, and with the last one the page is closed', async () => {
    const headers = await session();
    lab.wait(IDLE_MS - 1);
    expect(await send('/v1/sites', { headers })).toMatchObject({ status: 200 });
    lab.wait(IDLE_MS - 1);
    const stream = begin('/v1/events', { headers });
    const ended = new Promise<void>((resolve) => {
      stream.on('response', (response) => {
        expect(response.statusCode).toBe(200);
        response.resume().on('end', resolve);
        // Watching is not using.
        lab.wait(1);
      });
    });
    stream.end();
    await ended;
    await expect
      .poll(() =>
        send('/').then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed');
    expect(lab.daemon.describe().listening.map((each) => each.for)).not.toContain('dashboard');
    ({ port, key } = await invite());
    expect(await send('/v1/sites', { headers })).toMatchObject({ status: 401 });
    expect(await send('/v1/sites', { headers: await session() })).toMatchObject({ status: 200 });
  });

  test('has few beside it: keys and sessions that nobody uses give way', () => {
    let made = 0;
    const sessions = new Sessions({ now: () => 0, random: () => `secret-${++made}` });
    const keys = Array.from({ length: 12 }, () => sessions.issue());
    const live = keys.map((each) => sessions.redeem(each));
    expect(live.map((each) => each !== null)).toEqual([...Array(4).fill(false), ...Array(8).fill(true)]);
  });
});

describe('another page in the same browser', () => {
  const foreign = [
    ['from another site', { origin: 'https://evil.example' }],
    ['from another port', { origin: 'http://127.0.0.1:1' }],
    ['without a site of its own', { origin: 'null' }],
    ['that the browser says is cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['that the browser says is another port', { 'sec-fetch-site': 'same-site' }],
  ] as const;

  test.for(foreign)('%s can send nothing, not even with all secrets', async ([, fields]) => {
    const own = await session();
    const headers = { ...own, ...fields, 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'evil.example' });
    expect(await send('/v1/sites', { method: 'POST', headers, body })).toMatchObject({ status: 403 });
    expect(await send('/v1/simulate', { method: 'POST', headers, body })).toMatchObject({ status: 403 });
    expect(await send('/v1/sites', { headers })).toMatchObject({ status: 403 });
    expect(await send('/v1/sites', { headers: own })).toMatchObject({ status: 200 });
  });

  test.for(['evil.example', 'localhost', '127.0.0.1', '127.0.0.1:1', '127.0.0.1.evil.example'])(
    'that reaches us as %s sees nothing',
    async (name) => {
      const host = name.includes(':') || name === '127.0.0.1' ? name : `${name}:${port}`;
      const headers = await session();
      for (const path of ['/', '/app.js', '/v1/sites', '/healthz'])
        expect(await send(path, { host, headers })).toMatchObject({ status: 403 });
    },
  );

  test('may lead here, and frames, sniffs and embeds nothing', async () => {
    const page = await send('/', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(page).toMatchObject({
      status: 200,
      headers: {
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      },
    });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(page.headers['access-control-allow-origin']).toBeUndefined();
    expect(await send('/app.js', { headers: { 'sec-fetch-site': 'cross-site' } })).toMatchObject({
      status: 403,
    });
  });
});

test('the page has nothing inline and nothing from elsewhere', async () => {
  const { body } = await send('/');
  const loaded = [...body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path ?? '');
  expect(loaded.length).toBeGreaterThan(2);
  for (const path of loaded) {
    expect(path).toMatch(/^\/[\w.]+$/);
    expect(await send(path)).toMatchObject({ status: 200 });
  }
  expect(body).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/i);
  expect(await send('/', { method: 'POST' })).toMatchObject({ status: 405 });
  expect(await send('/../package.json')).toMatchObject({ status: 401 });
});

describe('a log that is sent', () => {
  const log = readFileSync(`${root}examples/access.log`);
  const simulate = (body: string | Uint8Array, headers: Readonly<Record<string, string>>, query = '') =>
    send(`/v1/simulate${query}`, { method: 'POST', headers, body });

  test('is played as the command plays it, compressed or not', async () => {
    const headers = await session();
    const { result } = await run('throttle simulate', [`${root}examples/access.log`, '--json']);
    const { recommendation, presets, demand, totals } = result as Record<string, unknown>;
    for (const body of [log, gzipSync(log)]) {
      const answer = await simulate(body, headers, '?name=access.log');
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ recommendation, presets, demand, totals });
    }
  });

  test.for([
    ['nothing', ''],
    ['no log', '\0\x1b[31m\r\n'.repeat(1000)],
    ['one endless line', 'x'.repeat(3_000_000)],
    ['a compressed file that is cut off', gzipSync(Buffer.concat(Array(200).fill(log))).subarray(0, 500)],
  ] as const)('and is %s gives an answer all the same', async ([, body]) => {
    const answer = await simulate(body, await session());
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toHaveProperty('presets');
  });

  test('needs a session, and one that is too large is cut off', async () => {
    expect(await simulate(log, {})).toMatchObject({ status: 401 });
    const headers = await session();
    const outcome = await simulate(Buffer.alloc(6_000_000, 'x\n'), headers).then(
      ({ status }) => status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(outcome);
    expect(await simulate(log, headers)).toMatchObject({ status: 200 });
  });

  test('waits for none: a second one is refused, and one whose sender leaves makes room', async () => {
    const headers = await session();
    const first = begin('/v1/simulate', { method: 'POST', headers });
    first.on('error', () => undefined);
    first.write(log);
    await expect.poll(async () => (await simulate(log, headers)).status).toBe(503);
    first.destroy();
    await expect.poll(async () => (await simulate(log, headers)).status).toBe(200);
    expect(lab.events.filter(({ event }) => event === 'error')).toEqual([]);
  });
});
