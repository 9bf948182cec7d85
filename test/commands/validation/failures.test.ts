import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WrongOtps } from '../../../src/validation/limits.ts';
import type { ValidationStore } from '../../../src/validation/types.ts';
import { answerVerify, type VerifyEvent } from '../../../src/validation/verify.ts';
import { needsRoot } from '../../helpers/debian.ts';
import { shell } from '../../helpers/run.ts';
import {
  ask,
  type LabClient,
  type LabServer,
  newNonce,
  type SoftKey,
  ValidationLab,
} from '../../helpers/validation-lab.ts';

/** What the server's disk and database do to it: it says that it does not know, and is well again by itself. */

const lab = new ValidationLab();
let client: LabClient;
let pool: SoftKey[];

beforeAll(async () => {
  pool = await lab.keys(40);
  client = await lab.client();
});
afterAll(() => lab.close());

function freshKey(): SoftKey {
  const key = pool.pop();
  if (!key) throw new Error('there are no keys left');
  return key;
}

function health(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/healthz`, { agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

const status = async (server: LabServer, otp: string) => (await ask(server.url, { client, otp })).status;

describe('a full disk', () => {
  /** The server's folder becomes a small disk of its own, for its process alone. */
  const onSmallDisk = [
    'unshare',
    '-m',
    '--propagation',
    'private',
    'sh',
    '-c',
    'set -e; mount -t tmpfs -o size=4m,mode=700 small /mnt; cp -a "$0"/. /mnt; mount --move /mnt "$0"; exec "$@"',
    lab.folder,
  ];

  test('is BACKEND_ERROR and never OK, and ends when there is room again', async (context) => {
    needsRoot(context, 'a mount namespace takes the rights of root');
    const server = await lab.serve([], { wrapper: onSmallDisk });
    const small = `/proc/${server.pid}/root${lab.folder}`;
    const [one, other] = [freshKey(), freshKey()];
    expect(await status(server, one.otp(1))).toBe('OK');

    const filler = join(small, 'filler');
    fill(filler, small);
    // The log of the database may have room of its own; at some time it has none.
    let touch = 1;
    const told: string[] = [];
    do {
      touch += 1;
      told.push(await status(server, one.otp(touch)));
      if (told.at(-1) === 'OK') fill(filler, small);
    } while (told.at(-1) === 'OK' && touch < 4000);
    expect(told.at(-1)).toBe('BACKEND_ERROR');
    expect(await status(server, other.otp(1))).toBe('BACKEND_ERROR');
    expect(await health(server.url)).toBe(503);
    expect(server.log.join('\n')).toContain('"reason":"ERR_SQLITE_ERROR 13"');

    rmSync(filler);
    // What was not answered with OK was not spent either, and what was is not accepted again.
    expect(await health(server.url)).toBe(200);
    expect(await status(server, other.otp(1))).toBe('OK');
    expect(await status(server, one.otp(touch))).toBe('OK');
    for (let spent = 1; spent <= touch; spent += Math.max(1, Math.floor(touch / 10)))
      expect(await status(server, one.otp(spent))).toBe('REPLAYED_OTP');
    expect(await server.end()).toBe(0);
  });

  /** Leave nothing free. */
  function fill(file: string, folder: string): void {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail > 0) writeFileSync(file, Buffer.alloc(bavail * bsize), { flag: 'a' });
    expect(existsSync(file)).toBe(true);
  }
});

describe('a locked database', () => {
  test('is BACKEND_ERROR while it lasts, and no longer', async () => {
    const server = await lab.serve();
    const key = freshKey();
    const holder = new DatabaseSync(join(lab.folder, 'keys.db'));
    holder.exec('BEGIN EXCLUSIVE');
    const answers = await Promise.all([
      status(server, key.otp(1)),
      status(server, freshKey().otp(1)),
      health(server.url),
    ]);
    expect(answers).toEqual(['BACKEND_ERROR', 'BACKEND_ERROR', 503]);
    holder.exec('ROLLBACK');
    holder.close();
    expect(await health(server.url)).toBe(200);
    expect(await status(server, key.otp(1))).toBe('OK');
    expect(await status(server, key.otp(1))).toBe('REPLAYED_OTP');
    expect(server.log.join('\n')).toContain('"reason":"ERR_SQLITE_ERROR 5"');
  });

  test('for a moment only, it costs time and no verdict', async () => {
    const server = await lab.serve();
    const holder = new DatabaseSync(join(lab.folder, 'keys.db'));
    holder.exec('BEGIN EXCLUSIVE');
    const asked = status(server, freshKey().otp(1));
    expect(await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))])).toBe(
      'waits',
    );
    holder.exec('ROLLBACK');
    holder.close();
    expect(await asked).toBe('OK');
  });
});

describe('a database that cannot be written', () => {
  test('stops the start with one line', async (context) => {
    needsRoot(context, 'a mount namespace takes the rights of root');
    const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
    const ran = await shell(
      `unshare -m --propagation private sh -c '${readOnly}' "$STORE" $POSTERN validation serve --listen 127.0.0.1:0 --store "$STORE"`,
      { STORE: lab.folder },
    );
    expect(ran.exit).toBe(69);
    expect(ran.stderr).toMatch(/cannot be used|read-only/);
    expect(ran.stderr).not.toMatch(/\n\s+at /);
  });

  test('while the server runs is BACKEND_ERROR, and tells the journal why, without a word of what was typed', async () => {
    const refuse = async () => {
      throw Object.assign(new Error('attempt to write a readonly database'), {
        code: 'ERR_SQLITE_ERROR',
        errcode: 8,
      });
    };
    const key = freshKey();
    const store: ValidationStore = {
      client: async (id) => ({
        id,
        label: '',
        state: 'active',
        apiKeys: [client.apiKey],
        mustSign: false,
        publicIds: [],
        networks: [],
      }),
      secretOf: async () => ({
        privateId: Buffer.from(key.privateId, 'hex'),
        aesKey: Buffer.from(key.aesKey, 'hex'),
      }),
      spend: refuse,
      check: refuse,
      close: async () => undefined,
    };
    const events: VerifyEvent[] = [];
    const world = {
      store,
      delay: 'log',
      wrong: new WrongOtps(),
      nowMs: Date.now,
      onEvent: (event: VerifyEvent) => events.push(event),
    } as const;
    const otp = key.otp(1);
    const answer = await answerVerify(
      world,
      [
        ['id', '1'],
        ['otp', otp],
        ['nonce', newNonce()],
      ],
      '127.0.0.1',
    );
    expect(answer.status).toBe('BACKEND_ERROR');
    expect(answer.body).not.toContain(otp);
    expect(events).toEqual([expect.objectContaining({ event: 'error', reason: 'ERR_SQLITE_ERROR 8' })]);
    expect(JSON.stringify(events)).not.toContain(otp.slice(12));
  });
});
