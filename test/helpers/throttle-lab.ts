import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dashboardAssets } from '../../src/cli/dashboard-assets.ts';
import { parseNetwork } from '../../src/net/network.ts';
import type { Endpoint } from '../../src/service/address.ts';
import { callService } from '../../src/service/call.ts';
import { type ServiceOptions, startThrottle, type ThrottleDaemon } from '../../src/throttle/service.ts';
import { openSqliteStore } from '../../src/throttle/sqlite-store.ts';
import type { WardenEvent } from '../../src/throttle/warden.ts';
import { root } from './run.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type AskOptions = {
  readonly host?: string;
  /** Address to come from, of this machine. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly path?: string;
};

/** One request on a connection of its own. */
export function ask(
  port: number,
  { host = 'www.example.org', from, headers, method, path = '/' }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path,
      method: method ?? 'GET',
      agent: false,
      ...(from !== undefined && { localAddress: from }),
      headers: { host, ...headers },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.end();
  });
}

/** A web server whose path tells how many bytes it sends, and which remembers what it was asked. */
export type Origin = {
  readonly url: URL;
  readonly seen: Readonly<Record<string, string>>[];
  close(): Promise<void>;
};

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export async function startOrigin(): Promise<Origin> {
  const seen: Readonly<Record<string, string>>[] = [];
  const server = createServer((call, response) => {
    seen.push({ ...(call.headers as Record<string, string>), url: call.url ?? '' });
    const size = Number(/^\/(\d+)$/.exec(call.url ?? '')?.[1] ?? 5);
    call.resume();
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('x'.repeat(size));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}`), seen, close: () => closing(server) };
}

export type ThrottleLab = {
  readonly daemon: ThrottleDaemon;
  readonly socket: Extract<Endpoint, { kind: 'unix' }>;
  /** Of the built-in front. */
  readonly port: number;
  readonly origin: Origin;
  readonly events: WardenEvent[];
  /** Let time pass. */
  wait(ms: number): void;
  api(path: string, method?: 'GET' | 'PUT' | 'POST' | 'DELETE', body?: unknown): Promise<unknown>;
  close(): Promise<void>;
};

/** The whole service with a front and an origin, on a clock that stands still until somebody lets time pass. */
export async function startThrottleLab(
  more: Partial<ServiceOptions> & { database?: string; startMs?: number } = {},
): Promise<ThrottleLab> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-throttle-'));
  const socket = { kind: 'unix', path: join(folder, 'admin.sock') } as const;
  const origin = await startOrigin();
  const events: WardenEvent[] = [];
  let passed = 0;
  const daemon = await startThrottle({
    version: '0.0.0',
    store: await openSqliteStore(more.database ?? ':memory:'),
    wall: () => more.startMs ?? 1_800_000_000_000,
    monotonic: () => passed,
    seed: 5,
    dashboard: {
      assets: dashboardAssets(root),
      random: () => randomBytes(32).toString('base64url'),
      mostUpload: 5_000_000,
    },
    admin: socket,
    front: {
      at: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      origin: origin.url,
      trusted: [parseNetwork('127.0.0.9')].filter((each) => each !== null),
    },
    windowMs: 10_000,
    blockMs: 10_000,
    exemptLoopback: false,
    onEvent: (event) => events.push(event),
    ...more,
  });
  const at = daemon.describe().listening.find((each) => each.for === 'front')?.at ?? '';
  return {
    daemon,
    socket,
    origin,
    events,
    port: Number(at.split(':')[1]),
    wait: (ms) => {
      passed += ms;
    },
    api: (path, method = 'GET', body) =>
      callService(socket, path, { method, ...(body !== undefined && { body }) }),
    close: async () => {
      await daemon.stop(0);
      await origin.close();
    },
  };
}
