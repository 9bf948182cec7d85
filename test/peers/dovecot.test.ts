import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLogins } from '../../src/logins/service.ts';
import { digestOf, newSessionPassword } from '../../src/logins/session.ts';
import { parseEndpoint } from '../../src/service/address.ts';
import type { Listening } from '../../src/service/listen.ts';
import { isInstalled, needs, needsRoot } from '../helpers/debian.ts';
import { type LabKey, type LoginLab, loginLab } from '../helpers/logins.ts';
import { type Peer, startPeer } from '../helpers/validation-peer.ts';
import { type Dovecot, type Interface, startDovecot } from './dovecot.ts';

const TOKEN = 'a-token-of-enough-characters';
const PASSWORD = 'correct horse "battery" \\';
const REMOTE = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje';

const isReady = isInstalled('dovecot') && process.getuid?.() === 0;

// Real logins over TLS, through both ways in which Dovecot can ask.
describe.each(['checkpassword', 'lua'] satisfies Interface[])('Dovecot, by %s', (kind) => {
  let lab: LoginLab;
  let one: LabKey;
  let two: LabKey;
  let peer: Peer;
  let listening: Listening[] = [];
  let dovecot: Dovecot;

  beforeAll(async () => {
    if (!isReady) return;
    lab = await loginLab();
    one = await lab.key(1);
    two = await lab.key(2, 8);
    peer = await startPeer(() => [1, 0]);
    await lab.add('ann@example.org', one.publicId);
    await lab.add('bob@example.org', two.publicId, { password: PASSWORD });
    await lab.add('eve@example.org', REMOTE.slice(0, 12), {
      validator: {
        kind: 'remote',
        urls: [peer.url],
        clientId: '1',
        apiKeyFile: peer.apiKey,
        syncLevel: null,
      },
    });
    const socket = join(lab.folder, 'login.sock');
    const tokenFile = join(lab.folder, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    // Dovecot asks as a user of its own.
    for (const [path, mode] of [
      [lab.folder, 0o755],
      [tokenFile, 0o644],
    ] as const)
      chmodSync(path, mode);
    listening = await Promise.all(
      [`unix:${socket}`, '127.0.0.1:0'].map((at) =>
        startLogins({
          world: lab.world,
          at: parseEndpoint(at, 'listen'),
          token: TOKEN,
          mode: 0o666,
          onEvent: () => undefined,
        }),
      ),
    );
    dovecot = await startDovecot({ kind, socket, port: listening[1]?.port ?? 0, tokenFile });
  });

  afterAll(async () => {
    if (!isReady) return;
    await dovecot.stop();
    for (const each of listening) await each.close(100);
    await peer.close();
    await lab.close();
  });

  const ready = (context: Parameters<typeof needs>[0]) => {
    needs(context, 'dovecot', 'dovecot-imapd dovecot-auth-lua');
    needsRoot(context, 'Dovecot is started as root only');
  };

  test('a touch lets in once, and its OTP never again', async (context) => {
    ready(context);
    const otp = one.press();
    expect(await dovecot.login('ann@example.org', otp)).toMatch(/^OK/);
    expect(await dovecot.login('ann@example.org', otp)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    expect(await dovecot.login('ann@example.org', one.press())).toMatch(/^OK/);
  });

  test('base password and OTP let in together; a wrong password burns the OTP', async (context) => {
    ready(context);
    const otp = two.press();
    expect(await dovecot.login('bob@example.org', `wrong${otp}`)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    expect(await dovecot.login('bob@example.org', PASSWORD + otp)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    expect(await dovecot.login('bob@example.org', PASSWORD)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    expect(await dovecot.login('bob@example.org', PASSWORD + two.press())).toMatch(/^OK/);
  });

  test('a session password lets in for its hour, and no longer', async (context) => {
    ready(context);
    const password = newSessionPassword();
    const session = {
      account: 'ann@example.org',
      service: 'imap',
      network: '127.0.0.0/8',
      lengthMs: 3_600_000,
    };
    await lab.logins.addSession({ ...session, digest: digestOf(password) }, lab.nowMs);
    expect(await dovecot.login('ann@example.org', password)).toMatch(/^OK/);
    lab.nowMs += 3_599_999;
    expect(await dovecot.login('ann@example.org', password)).toMatch(/^OK/);
    lab.nowMs += 1;
    expect(await dovecot.login('ann@example.org', password)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  });

  test('a validation service that is away is a temporary failure, in the log, too', async (context) => {
    ready(context);
    peer.misdeed = { http: 503 };
    expect(await dovecot.login('eve@example.org', REMOTE)).toMatch(/^NO \[UNAVAILABLE\]/);
    await expect.poll(() => dovecot.log()).toMatch(/temporary failure.*eve@example\.org/);
    peer.misdeed = null;
    expect(await dovecot.login('eve@example.org', REMOTE)).toMatch(/^OK/);
  });

  test('no password and no OTP is in the log', async (context) => {
    ready(context);
    expect(dovecot.log()).not.toContain(REMOTE);
    expect(dovecot.log()).not.toContain(PASSWORD);
  });
});
