// The services, fed over a socket with what is hardly HTTP: no answer may own up to a bug, and the next request of
// somebody else is answered.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyStore } from '../../src/keys/store.ts';
import { createApi } from '../../src/service/api.ts';
import { EventHub } from '../../src/service/events.ts';
import { Metrics } from '../../src/service/metrics.ts';
import { adminRoutes } from '../../src/throttle/admin.ts';
import { openSqliteStore } from '../../src/throttle/sqlite-store.ts';
import { Warden } from '../../src/throttle/warden.ts';
import { WrongOtps } from '../../src/validation/limits.ts';
import { createValidationServer } from '../../src/validation/server.ts';
import { openValidationStore } from '../../src/validation/sqlite-store.ts';
import type { Running, Target } from './harness.ts';
import { texts } from './seeds.ts';

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n';

/** What comes back until the connection is closed. */
function exchange(path: string, request: Uint8Array | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const finish = () => resolve(Buffer.concat(chunks).toString('latin1'));
    const socket = connect({ path }, () => socket.end(request));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      // What goes on for ever, such as a stream of events, has been answered.
      if (chunks.length > 50) socket.destroy();
    });
    socket.on('close', finish);
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' || error.code === 'ECONNRESET' ? finish() : reject(error),
    );
  });
}

async function feeding(server: Server, close: () => void): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  const path = join(folder, 's');
  const strays: unknown[] = [];
  const stray = (error: unknown) => strays.push(error);
  process.on('unhandledRejection', stray);
  server.listen(path);
  await once(server, 'listening');
  return {
    feed: async (input) => {
      const answer = await exchange(path, input);
      if (answer !== '' && !answer.startsWith('HTTP/1.1 '))
        throw new Error(`no HTTP: ${answer.slice(0, 200)}`);
      if (/^HTTP\/1\.1 500/m.test(answer)) throw new Error(answer.slice(0, 400));
      const health = await exchange(path, HEALTH);
      if (!health.startsWith('HTTP/1.1 200')) throw new Error(`not well: ${health.slice(0, 200)}`);
      if (strays.length > 0) throw strays.pop();
    },
    stop: () => {
      process.off('unhandledRejection', stray);
      server.closeAllConnections();
      server.close();
      close();
      rmSync(folder, { recursive: true });
    },
  };
}

export const validationServer: Target = {
  name: 'validation-http',
  seeds: () =>
    texts(
      'GET /wsapi/2.0/verify?id=1&otp=cccccccccccbhhvidkevclldkbrlrkjktrdcljuirvct&nonce=0123456789abcdef HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'POST /wsapi/2.0/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\n\r\nid=1&otp=x&nonce=0123456789',
      HEALTH,
    ),
  start: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-keys-'));
    const masterKey = Buffer.alloc(32, 7);
    (await openKeyStore(join(folder, 'keys.db'), masterKey)).close();
    const store = await openValidationStore(join(folder, 'keys.db'), masterKey);
    const world = {
      store,
      delay: 'off',
      wrong: new WrongOtps(),
      nowMs: () => 1_800_000_000_000,
      onEvent: () => undefined,
    } as const;
    return feeding(createValidationServer({ world, onAnswer: () => undefined }) as Server, () => {
      void store.close();
      rmSync(folder, { recursive: true });
    });
  },
};

export const throttleApi: Target = {
  name: 'throttle-http',
  seeds: () =>
    texts(
      'PUT /v1/sites/example.org HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 58\r\n\r\n{"requests":100,"bytes":"10M","mode":"enforce","window":1}',
      'POST /v1/blocks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 51\r\n\r\n{"client":"192.0.2.1","site":"example.org","for":1}',
      'GET /v1/blocks?site=example.org&client=192.0.2.1&limit=-1 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /v1/sites/%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /v1/top?by=bytes&limit=5 HTTP/1.1\r\nHost: a\r\n\r\n',
      'DELETE /v1/sites/example.org HTTP/1.1\r\nHost: a\r\n\r\n',
      HEALTH,
    ),
  start: async () => {
    const now = () => 1_800_000_000_000;
    const store = await openSqliteStore(':memory:');
    const events = new EventHub();
    const warden = new Warden({ store, now, seed: 5, counted: null, onEvent: () => undefined });
    const about = {
      version: '0',
      sinceMs: 0,
      listening: () => [],
      savedMs: () => null,
      trusted: [],
      events,
      openApi: null,
    };
    const routes = adminRoutes(warden, about, new Metrics());
    return feeding(createApi({ routes, onError: () => undefined }), () => {
      events.close();
      store.close();
    });
  },
};
