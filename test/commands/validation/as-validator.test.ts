import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuilt } from '../../helpers/run.ts';
import { type LabClient, type LabServer, type SoftKey, ValidationLab } from '../../helpers/validation-lab.ts';

// Our own server in the role of YubiCloud: two machines, as far as state goes.

const lab = new ValidationLab();
const state = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'postern-asking-')) };
let server: LabServer;
let client: LabClient;
let keys: SoftKey[];
let signed: string[];
let unsigned: string[];

function freshKey(): SoftKey {
  const key = keys.pop();
  if (!key) throw new Error('there are no keys left');
  return key;
}

beforeAll(async () => {
  keys = await lab.keys(10);
  client = await lab.client();
  server = await lab.serve();
  const file = join(state.XDG_STATE_HOME, 'api-key');
  writeFileSync(file, `${client.apiKey.toString('base64')}\n`, { mode: 0o600 });
  unsigned = ['--validator', `${server.url}/wsapi/2.0/verify`, '--client-id', String(client.id)];
  signed = [...unsigned, '--api-key-file', file];
});
afterAll(() => lab.close());

describe.each([
  ['signed', () => signed],
  ['unsigned', () => unsigned],
])('asked by the other commands, %s', (_, how) => {
  test('otp verify takes an OTP once, and tells the counters', async () => {
    const otp = freshKey().otp(4, 2);
    const ask = () => runBuilt(['otp', 'verify', '-', '--json', ...how()], { input: otp, env: state });
    const first = await ask();
    expect(first.exit, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ status: 'ok', validator: how()[1] });
    expect((await ask()).exit).toBe(2);
  });

  test('a login by touch, with the keys at the server alone', async () => {
    const key = freshKey();
    const account = `${how().length}@example.org`;
    const login = (argv: readonly string[], input: string) =>
      runBuilt(['login', ...argv], { input, env: state });
    const added = await login(['add', account, '--otp-file', '-', ...how()], key.otp(1));
    expect(added.exit, added.stderr + added.stdout).toBe(0);
    const verify = (otp: string) => login(['verify', account, '--password-file', '-'], otp);
    expect((await verify(key.otp(1))).exit).toBe(2);
    expect((await verify(key.otp(2))).exit).toBe(0);
    expect((await verify(freshKey().otp(1))).exit).toBe(2);
  });
});

test('a server that is away is neither a pass nor a wrong OTP', async () => {
  const other = await lab.serve();
  const flags = ['--validator', `${other.url}/wsapi/2.0/verify`, '--client-id', String(client.id)];
  await other.end();
  const { exit } = await runBuilt(['otp', 'verify', '-', ...flags], { input: freshKey().otp(1), env: state });
  expect(exit).toBe(3);
});

/** Ask the login listener as a web page does. */
function login(
  at: string,
  token: string,
  body: unknown,
): Promise<{ readonly http: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath: at.replace(/^unix:/, ''),
        path: '/v1/login',
        method: 'POST',
        headers: { host: 'service', authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ http: response.statusCode ?? 0, body: text }));
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
}

test('the server answers logins too, on a listener of their own, to those with the token', async () => {
  const token = 'a-token-of-the-tests-0123456789';
  const file = join(lab.folder, 'login.token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const socket = join(lab.folder, 'login.sock');
  const both = await lab.serve(['--login-listen', `unix:${socket}`, '--login-token-file', file]);
  expect(both.loginAt).toBe(`unix:${socket}`);
  const key = freshKey();
  const added = await runBuilt(['login', 'add', 'web@example.org', '--otp-file', '-'], {
    input: key.otp(1),
    env: { ...state, ...(await lab.store.env()) },
  });
  expect(added.exit, added.stderr).toBe(0);
  const otp = key.otp(2);
  const attempt = { account: 'web@example.org', otp };
  expect((await login(socket, 'another-token-0123456789abcdef', attempt)).http).toBe(401);
  expect(await login(socket, token, attempt)).toMatchObject({
    http: 200,
    body: expect.stringContaining('accepted'),
  });
  expect(await login(socket, token, attempt)).toMatchObject({
    http: 200,
    body: expect.stringContaining('refused'),
  });
  expect(await both.end()).toBe(0);
  expect(both.log.join('\n')).not.toContain(otp);
});
