import { randomBytes, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../../../src/lab/certificates.ts';
import { decodeModhex } from '../../../src/otp/modhex.ts';
import { makeOtp } from '../../../src/otp/token.ts';
import { runBuilt } from '../../helpers/run.ts';
import {
  ask,
  type LabClient,
  type LabServer,
  newNonce,
  type SoftKey,
  send,
  ValidationLab,
} from '../../helpers/validation-lab.ts';

/** What an administrator does to a server that runs, and what a stranger tries. */

const lab = new ValidationLab();
const folder = mkdtempSync(join(tmpdir(), 'postern-operations-'));
const patient = { timeout: 30_000 };
let client: LabClient;
let server: LabServer;
let pool: SoftKey[];

beforeAll(async () => {
  pool = await lab.keys(80);
  client = await lab.client();
  server = await lab.serve();
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

function freshKey(): SoftKey {
  const key = pool.pop();
  if (!key) throw new Error('there are no keys left');
  return key;
}

const placeOf = (url: string) => ({ host: '127.0.0.1', port: Number(new URL(url).port) });
const administer = async (...argv: string[]) =>
  runBuilt(['validation', ...argv, '--json'], { env: await lab.store.env() });

/** All that a server says on a connection until it ends it. */
function heard(socket: Socket): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

describe('TLS', () => {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };

  async function write(name: string): Promise<string> {
    const { chainPem, keyPem } = await selfSigned({ names: [name] }, Date.now());
    writeFileSync(files.cert, chainPem);
    writeFileSync(files.key, keyPem);
    return new X509Certificate(chainPem).fingerprint256;
  }

  /** The certificate that is shown, after a verdict that came over it. */
  function shown(url: string, otp: string): Promise<{ fingerprint: string; status: string }> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ ...placeOf(url), rejectUnauthorized: false }, () => {
        const fingerprint = socket.getPeerCertificate().fingerprint256;
        heard(socket).then(
          (text) => resolve({ fingerprint, status: /status=(\w+)/.exec(text)?.[1] ?? text }),
          reject,
        );
        socket.write(
          `GET /wsapi/2.0/verify?id=${client.id}&nonce=${newNonce()}&otp=${otp} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        );
      });
      socket.on('error', reject);
    });
  }

  test('SIGHUP takes a new certificate; a bad one leaves the one in use', patient, async () => {
    const first = await write('one.example.org');
    const secure = await lab.serve(['--tls-cert', files.cert, '--tls-key', files.key]);
    const key = freshKey();
    const said = (event: string) => secure.log.filter((text) => text.includes(`"event":"${event}"`)).length;
    const hup = () => process.kill(secure.pid, 'SIGHUP');
    expect(await shown(secure.url, key.otp(1))).toEqual({ fingerprint: first, status: 'OK' });

    writeFileSync(files.cert, 'no certificate');
    hup();
    await expect.poll(() => said('reload-failed'), patient).toBe(1);
    expect(await shown(secure.url, key.otp(2))).toEqual({ fingerprint: first, status: 'OK' });

    rmSync(files.cert);
    hup();
    await expect.poll(() => said('reload-failed'), patient).toBe(2);
    // A certificate without its key is none, either.
    writeFileSync(files.cert, (await selfSigned({ names: ['two.example.org'] }, Date.now())).chainPem);
    hup();
    await expect.poll(() => said('reload-failed'), patient).toBe(3);
    expect(await shown(secure.url, key.otp(3))).toEqual({ fingerprint: first, status: 'OK' });

    const second = await write('two.example.org');
    hup();
    await expect.poll(() => said('reloaded'), patient).toBe(1);
    expect(await shown(secure.url, key.otp(4))).toEqual({ fingerprint: second, status: 'OK' });
    expect(await secure.end()).toBe(0);
  });

  test('without it other machines are not answered, unless it is insisted on', patient, async () => {
    const refused = await administer('serve', '--listen', '192.0.2.1:8416', '--check');
    expect([refused.exit, JSON.parse(refused.stdout).error.code]).toEqual([64, 'E_PLAIN_HTTP']);
    for (const more of [['--plain-http'], ['--listen', 'localhost:0'], ['--listen', 'unix:/tmp/x.sock']])
      expect(
        (
          await administer(
            'serve',
            ...(more.includes('--listen') ? [] : ['--listen', '192.0.2.1:8416']),
            ...more,
            '--check',
          )
        ).exit,
      ).toBe(0);
  });
});

describe('what comes in is bounded', () => {
  const raw = async (text: string): Promise<string> => {
    const socket = connectTcp(placeOf(server.url));
    socket.write(text);
    return heard(socket);
  };

  test('a request that comes a byte at a time is cut off, and others are answered meanwhile', async () => {
    const socket = connectTcp(placeOf(server.url));
    socket.write('GET /wsapi/2.0/verify?id=1 HTTP/1.1\r\nX: ');
    const drip = setInterval(() => socket.write('x'), 500);
    const end = heard(socket);
    expect((await ask(server.url, { client, otp: freshKey().otp(1) })).status).toBe('OK');
    expect(await end).toContain('408');
    clearInterval(drip);
  });

  test('headers and bodies that are too large', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain('431');
    expect(await raw(`GET /wsapi/2.0/verify?${'y'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toContain(
      '431',
    );
    expect(
      (await send(server.url, `a=${'y'.repeat(1_000_000)}`, { form: true, agent: new Agent() })).status,
    ).toBe('MISSING_PARAMETER');
    expect((await ask(server.url, { client, otp: freshKey().otp(1) })).status).toBe('OK');
  });
});

test('a server that is stopped answers what is under way, and nobody new', patient, async () => {
  const leaving = await lab.serve();
  const otp = freshKey().otp(1);
  const form = `id=${client.id}&nonce=${newNonce()}&otp=${otp}`;
  const socket = connectTcp(placeOf(leaving.url));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.write(
    `POST /wsapi/2.0/verify HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n`,
  );
  await expect.poll(() => text, patient).toContain('100 Continue');
  const gone = leaving.end('SIGTERM');
  const refused = () =>
    new Promise<boolean>((resolve) => {
      const next = connectTcp(placeOf(leaving.url), () => {
        next.destroy();
        resolve(false);
      }).on('error', () => resolve(true));
    });
  await expect.poll(refused, patient).toBe(true);
  socket.write(form);
  await expect.poll(() => text, patient).toContain('status=OK');
  socket.destroy();
  expect(await gone).toBe(0);
  expect((await ask(server.url, { client, otp })).status).toBe('REPLAYED_OTP');
});

test('of two thousand forged OTPs none is accepted, and the owner is not kept waiting', async () => {
  const key = freshKey();
  expect((await ask(server.url, { client, otp: key.otp(1) })).status).toBe('OK');
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const forge = () =>
    makeOtp(
      decodeModhex(key.publicId) ?? Buffer.alloc(0),
      {
        privateId: randomBytes(6).toString('hex'),
        useCounter: 1 + (randomBytes(2).readUInt16LE() % 0x7fff),
        sessionUse: 0,
        timestamp: 0,
        random: 0,
      },
      Buffer.from(key.aesKey, 'hex'),
    );
  const forged = await Promise.all(
    Array.from({ length: 2000 }, () =>
      send(server.url, `id=${client.id}&nonce=${newNonce()}&otp=${forge()}`, { agent }),
    ),
  );
  agent.destroy();
  expect(new Set(forged.map(({ status }) => status))).toEqual(new Set(['BAD_OTP']));
  expect((await ask(server.url, { client, otp: key.otp(2) })).status).toBe('OK');
  // They are counted; they do not fill the journal.
  expect(server.log.filter((text) => text.includes(key.publicId)).length).toBeLessThan(60);
});

describe('administration of a server that runs', () => {
  test(
    'after a rotation both keys are good for the overlap, and the old one no longer',
    patient,
    async () => {
      const own = await lab.client({ mustSign: true });
      const key = freshKey();
      const rotate = (file: string, ...overlap: string[]) =>
        administer('client', 'rotate', String(own.id), ...overlap, '--write-key', join(folder, file));
      const keyIn = (file: string) => {
        return { id: own.id, apiKey: Buffer.from(readFileSync(join(folder, file), 'utf8').trim(), 'base64') };
      };
      expect((await rotate('second.key', '--overlap', '1h')).exit).toBe(0);
      const second = keyIn('second.key');
      expect((await ask(server.url, { client: own, otp: key.otp(1) })).status).toBe('OK');
      expect((await ask(server.url, { client: second, otp: key.otp(2) })).status).toBe('OK');
      expect((await rotate('third.key', '--at-once')).exit).toBe(0);
      const third = keyIn('third.key');
      expect((await ask(server.url, { client: third, otp: key.otp(3) })).status).toBe('OK');
      for (const old of [own, second])
        await expect(ask(server.url, { client: old, otp: key.otp(4) })).rejects.toThrow('BAD_SIGNATURE');
      expect((await ask(server.url, { client: third, otp: key.otp(4) })).status).toBe('OK');
    },
  );

  test('a client, or a key, that is disabled is refused by every process from then on', patient, async () => {
    const own = await lab.client();
    const second = await lab.serve();
    const key = freshKey();
    expect((await ask(second.url, { client: own, otp: key.otp(1) })).status).toBe('OK');
    expect((await administer('client', 'disable', String(own.id))).exit).toBe(0);
    for (const { url } of [server, second])
      expect((await ask(url, { client: own, otp: key.otp(2) })).status).toBe('NO_SUCH_CLIENT');
    expect((await administer('client', 'enable', String(own.id))).exit).toBe(0);
    expect((await administer('key', 'disable', key.publicId)).exit).toBe(0);
    for (const [index, { url }] of [server, second].entries())
      expect((await ask(url, { client: own, otp: key.otp(3 + index) })).status).toBe('BAD_OTP');
    expect((await administer('key', 'enable', key.publicId)).exit).toBe(0);
    expect((await ask(second.url, { client: own, otp: key.otp(4) })).status).toBe('REPLAYED_OTP');
    expect((await ask(second.url, { client: own, otp: key.otp(5) })).status).toBe('OK');
  });

  // A server has backups of its own, and says so.
  if (lab.store.kind !== 'sqlite')
    test('a backup of a database is left to its own programs', patient, async () => {
      const file = join(folder, 'no-copy.db');
      const { exit, stdout } = await administer('backup', file);
      expect(exit).toBe(64);
      expect(JSON.parse(stdout).error).toMatchObject({
        code: 'E_STORE_KIND',
        hint: expect.stringMatching(/pg_dump|append-only/),
      });
      expect(existsSync(file)).toBe(false);
    });
  else
    test(
      'a backup that is made while requests run is whole, and knows what was spent before it',
      patient,
      async () => {
        const before = freshKey();
        expect((await ask(server.url, { client, otp: before.otp(1) })).status).toBe('OK');
        const key = freshKey();
        let touch = 0;
        let running = true;
        const load = (async () => {
          while (running) {
            touch += 1;
            expect((await ask(server.url, { client, otp: key.otp(touch) })).status).toBe('OK');
          }
        })();
        const restored = new ValidationLab();
        const file = join(restored.folder, 'keys.db');
        const { exit } = await administer('backup', file);
        running = false;
        await load;
        expect(exit).toBe(0);
        expect(touch).toBeGreaterThan(1);

        const copy = new DatabaseSync(file, { readOnly: true });
        expect(copy.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
        copy.close();
        copyFileSync(join(lab.folder, 'master.key'), join(restored.folder, 'master.key'));
        const again = await restored.serve();
        expect((await ask(again.url, { client, otp: before.otp(1) })).status).toBe('REPLAYED_OTP');
        expect((await ask(again.url, { client, otp: before.otp(2) })).status).toBe('OK');
        await restored.close();
      },
    );

  test('an audit log that somebody changed is told by "validation status"', patient, async () => {
    expect((await administer('status')).exit).toBe(0);
    await lab.store.forgeAudit();
    const { exit, stdout } = await administer('status');
    expect(exit).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'crit',
      checks: [{ id: 'validation.audit.broken' }],
      audit: { brokenAt: 2 },
    });
  });
});
