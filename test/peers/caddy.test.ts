import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseNetwork } from '../../src/net/network.ts';
import { errorPage, sendErrorPage } from '../../src/throttle/error-page.ts';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { answers, patient, startCaddy } from '../helpers/throttle-fronts.ts';
import { type AskOptions, ask, startThrottleLab } from '../helpers/throttle-lab.ts';

// What a site may do beside answering requests has to go on behind Caddy that asks, and what it asks is looked at.

type Asked = { readonly url: string; readonly headers: IncomingHttpHeaders };

const listening = (server: Server, ...at: [string] | [number, string]) =>
  new Promise<void>((resolve) => {
    if (typeof at[0] === 'number') server.listen(at[0], at[1], resolve);
    else server.listen(at[0], resolve);
  });

/** A web server that tells how much it was sent, speaks in two pieces, and takes another protocol. */
async function startSite(): Promise<{ server: Server; at: string; next: () => void }> {
  let next = () => {};
  const server = createServer(async (call, response) => {
    if (call.url === '/slow') {
      response.write('first');
      await new Promise<void>((resolve) => {
        next = resolve;
      });
      response.end('second');
      return;
    }
    let size = 0;
    for await (const chunk of call) size += (chunk as Buffer).length;
    response.end(`${call.method} ${size}`);
  });
  server.on('upgrade', (_call, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (data) => socket.end(`heard ${data}`));
  });
  await listening(server, 0, '127.0.0.1');
  return { server, at: `127.0.0.1:${(server.address() as AddressInfo).port}`, next: () => next() };
}

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'postern-caddy-'));
  const port = await freePort();
  const asked: Asked[] = [];
  const decision = createServer((call, response) => {
    asked.push({ url: call.url ?? '', headers: call.headers });
    if (call.headers.host !== 'refused.example') {
      response.writeHead(204).end();
      return;
    }
    const refusal = { status: 429, retryAfter: 77, site: 'refused.example', because: 'client' } as const;
    sendErrorPage(response, 'GET', errorPage({ ...refusal, accept: call.headers.accept }));
  });
  await listening(decision, join(folder, 'decision.sock'));
  const site = await startSite();
  const lab = await startThrottleLab({
    trusted: [parseNetwork('127.0.9.0/24')].filter((each) => each !== null),
  });
  const ran = await run('throttle compile', [
    'caddy',
    ...['--out', folder, '--bind', `127.0.0.1:${port}`, '--server', site.at],
    ...['--decision', `unix:${folder}/decision.sock`, '--access-log', join(folder, 'access.log')],
    ...['--trusted-proxy', '127.0.9.0/24', '--service', `unix:${lab.socket.path}`, '--check'],
  ]);
  await lab.close();
  expect(ran).toMatchObject({ exit: 0 });
  patient(join(folder, 'postern-throttle.caddy'));
  const caddy: ChildProcess = startCaddy(folder);
  await answers(port);
  return { port, asked, site, caddy, decision };
}

let started: ReturnType<typeof start> | undefined;
afterAll(async () => {
  const { caddy, site, decision } = (await started) ?? {};
  caddy?.kill('SIGTERM');
  for (const server of [site?.server, decision]) {
    server?.closeAllConnections();
    server?.close();
  }
});

const CASES: Readonly<Record<string, (lab: Awaited<ReturnType<typeof start>>) => Promise<void>>> = {
  'what is sent to the site arrives whole': async ({ port }) => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(3_000_000) });
    expect(await answer.text()).toBe('POST 3000000');
  },
  'a response that takes its time comes in pieces': async ({ port, site }) => {
    const answer = await fetch(`http://127.0.0.1:${port}/slow`);
    const pieces: string[] = [];
    for await (const piece of answer.body ?? []) {
      pieces.push(Buffer.from(piece).toString());
      if (pieces.length === 1) site.next();
    }
    expect(pieces).toEqual(['first', 'second']);
  },
  'an upgrade to another protocol is handed on': async ({ port }) => {
    const heard = await new Promise<string>((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket' };
      const call = request({ host: '127.0.0.1', port, path: '/talk', headers });
      call.on('error', reject);
      call.on('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
      call.on('upgrade', (_response, socket) => {
        socket.on('data', (data) => resolve(data.toString()));
        socket.write('hello');
      });
      call.end();
    });
    expect(heard).toBe('heard hello');
  },
  'the error page reaches the client as it is, in the form it asked for': async ({ port }) => {
    const refused = (more: AskOptions) => ask(port, { host: 'refused.example', ...more });
    const head = { 'retry-after': '77', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
    const page = await refused({});
    expect(page).toMatchObject({
      status: 429,
      headers: { ...head, 'content-type': 'text/html; charset=utf-8' },
    });
    expect(page.body).toContain('Too much was asked of refused.example');
    expect(await refused({ method: 'HEAD' })).toMatchObject({
      status: 429,
      body: '',
      headers: { ...head, 'content-length': String(page.body.length) },
    });
    expect(await refused({ headers: { accept: 'application/json' } })).toMatchObject({
      status: 429,
      headers: { ...head, 'content-type': 'application/json' },
      body: '{"error":"too many requests","retryAfter":77}\n',
    });
  },
  'who is asked hears site, client and what is asked for, whatever a client sends': async ({
    port,
    asked,
  }) => {
    const flood = Object.fromEntries(
      Array.from({ length: 300 }, (_, index): [string, string] => [`a-${index}`, 'x'.repeat(20)]),
    );
    const forged = {
      'x-forwarded-host': 'forged.example',
      'x-forwarded-method': 'PUT',
      'x-forwarded-uri': '/f',
      'x-original-uri': '/f',
    };
    const secrets = { cookie: 'session=1', authorization: 'Basic eDp4', accept: '*/*' };
    const headers = {
      ...flood,
      ...forged,
      ...secrets,
      'x-forwarded-for': '198.51.100.7&by=198.51.100.8, {env.HOME}',
    };
    const answer = await ask(port, {
      path: '/a?b=c&by=198.51.100.9',
      method: 'DELETE',
      from: '127.0.3.1',
      headers,
    });
    expect(answer).toMatchObject({ status: 200, body: 'DELETE 0' });
    const { url, headers: heard } = asked.at(-1) ?? { url: '', headers: {} };
    expect(url.startsWith('/q?')).toBe(true);
    expect(Object.fromEntries(new URLSearchParams(url.slice(2)))).toEqual({
      by: '127.0.3.1',
      for: '198.51.100.7&by=198.51.100.8, {env.HOME}',
      host: 'www.example.org',
      method: 'DELETE',
      uri: '/a?b=c&by=198.51.100.9',
    });
    expect(Object.keys(heard).filter((name) => /^(?:x-|cookie|authorization)/.test(name))).toEqual([]);
  },
};

test.for(Object.entries(CASES))('behind Caddy that asks: %s', async ([, runCase], context) => {
  needs(context, 'caddy', 'caddy');
  started ??= start();
  await runCase(await started);
});
