import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseNetwork } from '../../src/net/network.ts';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { answers, startCaddy } from '../helpers/throttle-fronts.ts';
import { startThrottleLab } from '../helpers/throttle-lab.ts';

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
    response.writeHead(204).end();
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
  'who is asked hears site, client and what is asked for, and no credentials': async ({ port, asked }) => {
    const forged = {
      'x-forwarded-host': 'forged.example',
      'x-forwarded-method': 'PUT',
      'x-forwarded-uri': '/f',
    };
    const secrets = { cookie: 'session=1', authorization: 'Basic eDp4' };
    const from = async (localAddress: string) => {
      await new Promise<void>((resolve, reject) => {
        const headers = { host: 'www.example.org', 'x-forwarded-for': '198.51.100.7', ...forged, ...secrets };
        const call = request({
          host: '127.0.0.1',
          port,
          path: '/a?b=c',
          method: 'DELETE',
          localAddress,
          headers,
        });
        call.on('error', reject);
        call.on('response', (response) => response.resume().on('end', resolve));
        call.end();
      });
      const { url, headers } = asked.at(-1) ?? { url: '', headers: {} };
      expect(url).toBe('/f');
      expect(headers).toMatchObject({
        'x-forwarded-host': 'www.example.org',
        'x-forwarded-method': 'DELETE',
        'x-forwarded-uri': '/a?b=c',
      });
      expect(headers).not.toHaveProperty('cookie');
      expect(headers).not.toHaveProperty('authorization');
      return headers['x-forwarded-for'];
    };
    expect(await from('127.0.3.1')).toBe('127.0.3.1');
    expect(await from('127.0.9.1')).toBe('198.51.100.7, 127.0.9.1');
  },
};

test.for(Object.entries(CASES))('behind Caddy that asks: %s', async ([, runCase], context) => {
  needs(context, 'caddy', 'caddy');
  started ??= start();
  await runCase(await started);
});
