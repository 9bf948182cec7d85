import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApi, StreamAnswer } from '../../../src/service/api.ts';
import { EventHub } from '../../../src/service/events.ts';
import { Tokens } from '../../../src/service/tokens.ts';

// The frame that both services stand on, as a hostile caller meets it.

const WRITER = 'a-token-of-more-than-22-characters';
const READER = 'another-one-that-may-only-read-0';

const TIMES = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 };

let port = 0;
let hub: EventHub;
let errors: unknown[] = [];
let stop: () => void = () => undefined;

async function start(more: Partial<Parameters<typeof createApi>[0]> = {}): Promise<void> {
  stop();
  hub = new EventHub({ most: 2, buffer: 200_000, beatMs: 20 });
  errors = [];
  const tokens = new Tokens();
  tokens.replace([
    [WRITER, 'write'],
    [READER, 'read'],
  ]);
  const server = createApi({
    routes: {
      'GET /v1/things/:name': ({ params }) => params,
      'POST /v1/things': ({ body }) => ({ body }),
      'GET /v1/bug': () => {
        throw new TypeError('at secret.ts:1');
      },
      'GET /v1/events': () => {
        hub.admit();
        return new StreamAnswer((response) => hub.attach(response));
      },
      'GET /healthz': () => ({ status: 'ok' }),
    },
    gate: { tokens, hosts: new Set(['127.0.0.1']) },
    onError: (error) => errors.push(error),
    times: TIMES,
    ...more,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  stop = () => {
    hub.close();
    server.close();
    server.closeAllConnections();
  };
}

beforeEach(() => start());
afterEach(() => stop());

/** Bytes as they are, and everything that comes back until the server closes. */
async function raw(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  return said(socket);
}

async function said(socket: Socket): Promise<string> {
  let all = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    all += chunk;
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return all;
}

const head = (line: string, ...fields: string[]) =>
  [`${line} HTTP/1.1`, 'Connection: close', ...fields, '', ''].join('\r\n');
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const statusOf = (answer: string) => Number(answer.split(' ')[1]);

describe('who is let in', () => {
  test.for([
    ['no token', '127.0.0.1', '', 401],
    ['a wrong token', '127.0.0.1', bearer(`${WRITER}x`), 401],
    ['the beginning of a token', '127.0.0.1', bearer(WRITER.slice(0, -1)), 401],
    ['a token of another scheme', '127.0.0.1', `Authorization: Basic ${WRITER}`, 401],
    ['an endless token', '127.0.0.1', bearer('x'.repeat(2000)), 401],
    ['the right token', '127.0.0.1', bearer(WRITER), 200],
    ['a token that reads', '127.0.0.1', bearer(READER), 200],
    ['another port in Host', '127.0.0.1:1', bearer(WRITER), 200],
    ['a name that a web page chose', 'rebound.example', bearer(WRITER), 403],
    ['that name with our address in it', '127.0.0.1.rebound.example', bearer(WRITER), 403],
    ['our address with a user before it', 'rebound.example@127.0.0.1', bearer(WRITER), 403],
  ] as const)('%s', async ([, host, authorization, status]) => {
    const answer = await raw(head('GET /v1/things/a', `Host: ${host}`, authorization || 'X-Nothing: 1'));
    expect(statusOf(answer)).toBe(status);
    expect(answer.includes('WWW-Authenticate: Bearer') || answer.includes('www-authenticate: Bearer')).toBe(
      status === 401,
    );
  });

  test('a token that reads changes nothing, and health needs none', async () => {
    const post = head('POST /v1/things', 'Host: 127.0.0.1', bearer(READER), 'Content-Length: 0');
    expect(statusOf(await raw(post))).toBe(403);
    expect(statusOf(await raw(head('GET /healthz', 'Host: rebound.example')))).toBe(200);
  });

  test('a token that could be guessed is not taken, and the old ones hold then', () => {
    const tokens = new Tokens();
    tokens.add(WRITER, 'write');
    for (const poor of ['short', 'with blanks in it, but quite long', '']) {
      const change = () => tokens.replace([[poor, 'write']]);
      expect(change).toThrow(expect.objectContaining({ code: 'E_TOKEN' }));
    }
    expect(tokens.rightOf(`Bearer ${WRITER}`)).toBe('write');
    tokens.replace([[READER, 'read']]);
    expect([tokens.rightOf(`Bearer ${WRITER}`), tokens.rightOf(`Bearer ${READER}`)]).toEqual([null, 'read']);
  });
});

describe('what is sent', () => {
  const post = (body: string, ...fields: string[]) =>
    raw(head('POST /v1/things', 'Host: 127.0.0.1', bearer(WRITER), ...fields) + body);
  const json = 'Content-Type: application/json';
  const length = (size: number) => `Content-Length: ${size}`;

  test.for([
    ['JSON', '{"a":1}', [json], 200],
    ['nothing', '', [], 200],
    ['broken JSON', '{"a":', [json], 400],
    ['JSON as a form sends it', '{"a":1}', ['Content-Type: text/plain'], 415],
    ['a body beyond the limit', 'x'.repeat(70_000), [json], 413],
  ] as const)('%s', async ([, body, fields, status]) => {
    expect(statusOf(await post(body, ...fields, length(body.length)))).toBe(status);
  });

  test('a body that says it is short and is not, or has two lengths, is no request', async () => {
    expect(statusOf(await post('x', json, length(1), 'Transfer-Encoding: chunked'))).toBe(400);
    expect(statusOf(await post('x', json, length(1), length(2)))).toBe(400);
    const chunks = `${'ffff\r\n'}${'x'.repeat(0xffff)}\r\n`.repeat(3);
    expect(statusOf(await post(chunks, json, 'Transfer-Encoding: chunked'))).toBe(413);
  });

  test.for([
    ['a path that is no encoding', 'GET /v1/things/%ff', 404],
    ['a path that is none', 'GET //', 404],
    ['a path with steps upwards', 'GET /v1/things/../../etc/passwd', 404],
    ['an encoded step, which is a name like any other', 'GET /v1/things/%2e%2e%2fx', 200],
    ['a method that nobody knows', 'BREW /v1/things/a', 400],
    ['a method that is not for this', 'DELETE /v1/things', 405],
    ['an endless path', `GET /${'x'.repeat(20_000)}`, 431],
  ] as const)('%s', async ([, line, status]) => {
    expect(statusOf(await raw(head(line, 'Host: 127.0.0.1', bearer(WRITER))))).toBe(status);
  });

  test('a bug is told to the log and not to the caller', async () => {
    const answer = await raw(head('GET /v1/bug', 'Host: 127.0.0.1', bearer(WRITER)));
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toContain('secret.ts');
    expect(errors).toHaveLength(1);
  });

  test('a head or a body that never ends is cut off', async () => {
    expect(statusOf(await raw('GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow:'))).toBe(408);
    const slow = await raw(
      `POST /v1/things HTTP/1.1\r\nHost: 127.0.0.1\r\n${bearer(WRITER)}\r\n${json}\r\nContent-Length: 10\r\n\r\n{`,
    );
    expect(slow === '' || statusOf(slow) === 408 || statusOf(slow) === 400 || statusOf(slow) === 500).toBe(
      true,
    );
    expect(statusOf(await raw(head('GET /healthz', 'Host: a')))).toBe(200);
  });
});

describe('events', () => {
  const listen = () => {
    const call = request({
      port,
      host: '127.0.0.1',
      path: '/v1/events',
      agent: false,
      headers: { authorization: `Bearer ${READER}` },
    });
    call.end();
    return call;
  };

  test('arrive as they happen, one line of JSON each, whatever is in them', async () => {
    const [response] = await once(listen(), 'response');
    expect(response.headers['content-type']).toBe('text/event-stream');
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    hub.publish('site added\nevent: forged', { name: 'a\r\n\r\ndata: b' });
    await expect
      .poll(() => text)
      .toContain('event: site-added-event-forged\ndata: {"name":"a\\r\\n\\r\\ndata: b"}\n\n');
    await expect.poll(() => text).toContain('\n:\n\n');
    response.destroy();
    await expect.poll(() => hub.size).toBe(0);
  });

  test('are not kept for whoever does not read, and others go on', async () => {
    const [slow] = await once(listen(), 'response');
    const [quick] = await once(listen(), 'response');
    slow.pause();
    slow.on('error', () => undefined);
    quick.resume();
    const text = 'x'.repeat(50_000);
    await expect
      .poll(
        () => {
          hub.publish('top', { text });
          return hub.cutOff;
        },
        { interval: 1, timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    await expect.poll(() => hub.size).toBe(1);
    quick.destroy();
  });

  test('have so many listeners and no more', async () => {
    const open = [await once(listen(), 'response'), await once(listen(), 'response')];
    const [third] = await once(listen(), 'response');
    expect(third.statusCode).toBe(503);
    expect(() => hub.admit()).toThrow('There are 2 listeners already.');
    for (const [response] of open) response.destroy();
  });
});
