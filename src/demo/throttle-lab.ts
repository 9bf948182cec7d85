import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { limitsOf } from '../throttle/limits.ts';
import { startThrottle, type ThrottleDaemon } from '../throttle/service.ts';
import { newSite } from '../throttle/site.ts';
import { openSqliteStore } from '../throttle/sqlite-store.ts';

/** Window and block, instead of ten minutes, in milliseconds. */
export const SHORT_MS = 10_000;

/** The site with 20/2M, and one that keeps the default. Invented names under .test (RFC 6761). */
export const SHOP = 'shop.test';
export const BLOG = 'blog.test';

/** The service with its built-in front, and a web server behind it. */
export type ThrottleDemoLab = {
  readonly daemon: ThrottleDaemon;
  /** Of the front, on 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
};

async function startOrigin(): Promise<{ url: URL; close: () => Promise<void> }> {
  const server = createServer((_, response) => response.end('A page of the web server.\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Start it all, on loopback, with nothing kept. */
export async function startThrottleDemo(seed: number): Promise<ThrottleDemoLab> {
  const origin = await startOrigin();
  const daemon = await startThrottle({
    version: 'demo',
    store: await openSqliteStore(':memory:'),
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    seed,
    admin: null,
    front: { at: { kind: 'tcp', host: '127.0.0.1', port: 0 }, origin: origin.url, trusted: [] },
    windowMs: SHORT_MS,
    blockMs: SHORT_MS,
    exemptLoopback: false,
    onEvent: () => undefined,
  });
  const policy = { limits: limitsOf('20/2M'), mode: 'enforce' as const };
  daemon.warden.saveSite({ ...newSite(1, SHOP), policy }, 'site added', '');
  daemon.warden.saveSite(newSite(2, BLOG), 'site added', '');
  const front = daemon.describe().listening.find((each) => each.for === 'front');
  return {
    daemon,
    port: Number(front?.at.split(':')[1]),
    close: async () => {
      await daemon.stop(0);
      await origin.close();
    },
  };
}

const time = (second: number): string =>
  `[25/Nov/2026:${new Date(second * 1000).toISOString().slice(11, 19)} +0000]`;

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** Half an hour of an invented site: somebody takes all of it with two requests a second, a dozen people read. */
export function inventedLog(): string[] {
  const scraper = Array.from({ length: 3600 }, (_, n) => {
    const request = `"GET /item/${n} HTTP/1.1" 200 9000 "-" "python-requests/2.32"`;
    return [n >> 1, `192.0.2.66 - - ${time(n >> 1)} ${request}`] as const;
  });
  const people = Array.from({ length: 12 * 40 }, (_, n) => {
    const [person, step] = [n % 12, Math.floor(n / 12)];
    const second = person * 7 + step * 40;
    const path = step % 4 === 0 ? `/article/${step}` : `/style/${step}.css`;
    const request = `"GET ${path} HTTP/1.1" 200 6000 "https://${SHOP}/" "${BROWSER}"`;
    return [second, `198.51.100.${person + 1} - - ${time(second)} ${request}`] as const;
  });
  return [...scraper, ...people].sort(([a], [b]) => a - b).map(([, text]) => text);
}
