import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LoginEvent, startLogins } from '../../../src/logins/service.ts';
import { parseEndpoint } from '../../../src/service/address.ts';
import { callService } from '../../../src/service/call.ts';
import type { Listening } from '../../../src/service/listen.ts';
import { type LabKey, type LoginLab, loginLab } from '../../helpers/logins.ts';
import { root } from '../../helpers/run.ts';

const TOKEN = 'a-token-of-enough-characters';
const PASSWORD = 'correct horse';

let lab: LoginLab;
let key: LabKey;
let events: LoginEvent[];
let listening: Listening;
let socket: string;
let tokenFile: string;

beforeEach(async () => {
  lab = await loginLab();
  key = await lab.key(1);
  await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
  events = [];
  socket = join(lab.folder, 'login.sock');
  tokenFile = join(lab.folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  listening = await startLogins({
    world: lab.world,
    at: parseEndpoint(`unix:${socket}`, 'listen'),
    token: TOKEN,
    onEvent: (event) => events.push(event),
  });
});

afterEach(async () => {
  await listening.close(100);
  await lab.close();
});

const post = (path: string, body: unknown, token = TOKEN) =>
  callService({ kind: 'unix', path: socket }, path, { method: 'POST', body, token });

describe('a web login', () => {
  test('has a field of its own for the OTP', async () => {
    const body = { account: 'Ann@example.org', password: PASSWORD, otp: key.press() };
    expect(await post('/v1/login', body)).toEqual({ result: 'accepted', account: 'ann@example.org' });
    expect(await post('/v1/login', body)).toEqual({ result: 'refused' });
  });

  test('is refused in the same words, whatever is wrong', async () => {
    const spent = key.press();
    await post('/v1/login', { account: 'ann@example.org', password: PASSWORD, otp: spent });
    const wrong = [
      { account: 'nobody@example.org', password: PASSWORD, otp: key.press() },
      { account: 'ann@example.org', password: 'wrong', otp: key.press() },
      { account: 'ann@example.org', password: PASSWORD, otp: spent },
      { account: 'ann@example.org', password: PASSWORD, otp: 'hello' },
      { account: 'ann@example.org', password: PASSWORD },
      { account: ' ', password: '' },
    ];
    for (const body of wrong) expect(await post('/v1/login', body)).toEqual({ result: 'refused' });
  });

  test.for([[], 'text', 7, { password: 'x' }, { account: 7 }, { account: 'x'.repeat(2000) }])(
    '%j is no request',
    async (body) => {
      await expect(post('/v1/login', body)).rejects.toMatchObject({ code: 'E_BODY' });
    },
  );

  test('without the token is not listened to, over a Unix socket, too', async () => {
    const otp = key.press();
    const body = { account: 'ann@example.org', password: PASSWORD, otp };
    await expect(post('/v1/login', body, 'another-token-of-22-characters')).rejects.toMatchObject({
      code: 'E_TOKEN',
    });
    expect(await post('/v1/login', body)).toMatchObject({ result: 'accepted' });
  });
});

test('nobody on another machine can be listened to', async () => {
  const at = parseEndpoint('0.0.0.0:0', 'listen');
  const options = { world: lab.world, at, token: TOKEN, onEvent: () => undefined };
  await expect(startLogins(options)).rejects.toMatchObject({ code: 'E_LISTEN' });
});

test('the log names neither OTP nor password, nor a name that nobody has', async () => {
  const otp = key.press();
  await post('/v1/login', { account: 'ann@example.org', password: PASSWORD, otp, address: '192.0.2.7' });
  await post('/v1/login', { account: 'my-password-by-mistake', password: 'x' });
  expect(events).toMatchObject([
    { result: 'accepted', account: 'ann@example.org', by: 'password+otp', address: '192.0.2.7' },
    { result: 'refused', reason: 'no-otp' },
  ]);
  const text = JSON.stringify(events);
  for (const secret of [otp, PASSWORD, 'my-password-by-mistake']) expect(text).not.toContain(secret);
});

describe('a session password', () => {
  const session = async (more: Readonly<Record<string, unknown>> = {}) =>
    (await post('/v1/sessions', {
      account: 'ann@example.org',
      password: PASSWORD,
      otp: key.press(),
      for: 'imap',
      ...more,
    })) as { result: string; password: string };

  test('is made for whoever has logged in with a touch, and lets in again and again', async () => {
    const { password } = await session();
    const login = { account: 'ann@example.org', password, service: 'imap' };
    for (let time = 0; time < 3; time += 1)
      expect(await post('/v1/login', login)).toMatchObject({ result: 'accepted' });
    expect(await post('/v1/login', { ...login, service: 'smtp' })).toEqual({ result: 'refused' });
  });

  test('makes no other one', async () => {
    const { password } = await session({ for: 'web' });
    const body = { account: 'ann@example.org', password, service: 'web' };
    expect(await post('/v1/sessions', body)).toEqual({ result: 'refused' });
  });

  test('is not made for who is not let in', async () => {
    expect(await session({ password: 'wrong' })).toEqual({ result: 'refused' });
    expect(await lab.logins.sessions()).toEqual([]);
  });
});

describe('postern-checkpassword', () => {
  /** Run it as mail servers do. @returns exit code, and what the program at its end printed */
  function check(fields: string, more: readonly string[] = []): Promise<readonly [number | null, string]> {
    const argv = ['--socket', socket, '--token-file', tokenFile, '--service', 'imap', ...more];
    const child: ChildProcess = spawn(
      process.execPath,
      [`${root}bin/postern-checkpassword.cjs`, ...argv, '/bin/sh', '-c', 'echo "in as $USER"; exit 5'],
      { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] },
    );
    const [, stdout, , input] = child.stdio;
    let text = '';
    stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    input?.on('error', () => undefined);
    if (input && 'end' in input) input.end(fields);
    return new Promise((resolve) => child.once('close', (code) => resolve([code, text])));
  }

  test('runs the program for whoever is let in, and ends as it does', async () => {
    expect(await check(`Ann@example.org\0${PASSWORD}${key.press()}\0Y\0`)).toEqual([
      5,
      'in as ann@example.org\n',
    ]);
  });

  test('ends with 1 for whoever is not', async () => {
    expect(await check(`ann@example.org\0wrong${key.press()}\0Y\0`)).toEqual([1, '']);
  });

  test.for([
    ['no user and password', 'nothing', []],
    ['more than the interface hands over', `ann\0${'x'.repeat(600)}\0Y\0`, []],
    ['an option it does not know', 'ann\0x\0Y\0', ['--frobnicate', 'x']],
  ] as const)('ends with 2 for %s', async ([, fields, more]) => {
    expect(await check(fields, more)).toEqual([2, '']);
  });

  test('ends with 111 when the service is away or does not know it', async () => {
    const otp = key.press();
    const fields = `ann@example.org\0${PASSWORD}${otp}\0Y\0`;
    expect(await check(fields, ['--socket', '/nonexistent'])).toEqual([111, '']);
    expect(await check(fields, ['--token-file', '/nonexistent'])).toEqual([111, '']);
    writeFileSync(tokenFile, 'another-token-of-22-characters');
    expect(await check(fields)).toEqual([111, '']);
  });
});
