import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PracticeKey, practiceKey } from '../../helpers/practice-key.ts';
import { runBuilt } from '../../helpers/run.ts';
import { LabStore } from '../../helpers/stores.ts';
import { type Peer, startPeer } from '../../helpers/validation-peer.ts';

// The built program from programming a key to losing it, each test with a state of its own.

const PASSWORD = 'correct horse';

let key: PracticeKey;
/** The state of the desk, where the key is programmed. */
let desk: { XDG_STATE_HOME: string };
/** Where logins are, when that is a database that servers share. */
let shared: Record<string, string>;

const postern = (argv: readonly string[], input = '') =>
  runBuilt(argv, { env: argv[1] === 'program' ? desk : { ...desk, ...shared }, input });
const login = (argv: readonly string[], input = '') => postern(['login', ...argv], input);
const json = async (argv: readonly string[], input = '') =>
  JSON.parse((await postern([...argv, '--json'], input)).stdout);
const verify = (account: string, field: string) =>
  login(['verify', account, '--password-file', '-'], `${field}\n`);

function passwordFile(password = PASSWORD): string {
  const file = join(key.folder, `password-${Math.random()}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return file;
}

async function add(account: string, ...more: readonly string[]) {
  const ran = await login(['add', account, '--otp-file', '-', ...more], `${key.press(1)}\n`);
  expect(ran.exit, ran.stderr + ran.stdout).toBe(0);
}

beforeEach(async () => {
  key = practiceKey({ blank: true });
  desk = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'postern-state-')) };
  shared = {};
  const on = ['--software-key', key.file, '--yes', '--serial', String(key.serial)];
  await postern(['yubikey', 'program', ...on, '--slot', '1']);
  await postern(['yubikey', 'program', ...on, '--resume', '--otp-file', '-'], `${key.press(1)}\n`);
  const store = new LabStore(key.folder);
  if (store.kind === 'postgresql') await moveTo(store);
});

/** The keys of the desk go into a database, with all that belongs to them. */
async function moveTo(store: LabStore): Promise<void> {
  const { POSTERN_STORE: url = '', POSTERN_STORE_PASSWORD_FILE: file = '' } = await store.env();
  const moved = await runBuilt(['validation', 'move', '--to', url, '--to-password-file', file], {
    env: desk,
  });
  expect(moved.exit, moved.stderr).toBe(0);
  shared = { POSTERN_STORE: url, POSTERN_STORE_PASSWORD_FILE: file };
}

test('whatever changes who may log in stands in the audit log', async () => {
  await add('ann@example.org');
  const { session } = await json(['login', 'session', 'new', 'ann@example.org']);
  await postern(['login', 'session', 'end', session.id]);
  const { logins } = await json(['login', 'list']);
  await postern(['login', 'remove', logins[0].id]);
  const { audit } = await json(['validation', 'status']);
  const told = audit.latest
    .slice(-4)
    .map(({ action, subject }: Record<string, string>) => `${action} ${subject}`);
  expect(told).toEqual([
    'login add ann@example.org',
    `login session new ann@example.org ${session.id}`,
    `login session end ${session.id}`,
    `login remove ${logins[0].id}`,
  ]);
});

test('a key is associated by a touch, logs in, and is removed', async () => {
  await add('ann@example.org', '--label', 'desk');
  const otp = key.press(1);
  expect((await verify('ann@example.org', otp)).exit).toBe(0);
  const again = await verify('ann@example.org', otp);
  expect(again).toMatchObject({ exit: 2, stdout: expect.stringContaining('has been used before') });
  const { logins } = await json(['login', 'list']);
  expect(logins).toMatchObject([{ account: 'ann@example.org', kind: 'otp', validators: ['local'] }]);
  expect((await login(['remove', logins[0].id])).exit).toBe(0);
  expect((await verify('ann@example.org', key.press(1))).exit).toBe(2);
});

test('the OTP that associates is spent, and one that was spent associates nothing', async () => {
  const otp = `${key.press(1)}\n`;
  expect((await login(['add', 'ann@example.org', '--otp-file', '-'], otp)).exit).toBe(0);
  expect((await verify('ann@example.org', otp)).exit).toBe(2);
  expect((await login(['add', 'bob@example.org', '--otp-file', '-'], otp)).exit).toBe(2);
  expect((await json(['login', 'list'])).logins).toHaveLength(1);
});

test('a base password is asked for beside the touch, and can be changed', async () => {
  await add('ann@example.org', '--kind', 'password+otp', '--password-file', passwordFile());
  expect((await verify('ann@example.org', PASSWORD + key.press(1))).exit).toBe(0);
  expect((await verify('ann@example.org', key.press(1))).exit).toBe(2);
  const [{ id }] = (await json(['login', 'list'])).logins;
  expect((await login(['passwd', id, '--password-file', '-'], 'another horse\n')).exit).toBe(0);
  expect((await verify('ann@example.org', PASSWORD + key.press(1))).exit).toBe(2);
  expect((await verify('ann@example.org', `another horse${key.press(1)}`)).exit).toBe(0);
});

test.for([
  ['a short base password', ['--kind', 'password+otp', '--password-file', 'short'], 'E_PASSWORD'],
  ['a service with a blank', ['--services', 'im ap!'], 'E_SERVICE_NAME'],
  ['a day that is none', ['--expires', 'tomorrow'], 'E_TIME'],
  ['a validator over plain HTTP', ['--validator', 'http://192.0.2.1', '--client-id', '1'], 'E_VALIDATOR'],
  ['YubiCloud without a signature', ['--validator', 'yubicloud', '--client-id', '1'], 'E_VALIDATOR'],
] as const)('%s is refused before anything is spent', async ([, argv, code]) => {
  const given = argv.map((text) => (text === 'short' ? passwordFile('short') : text));
  const otp = `${key.press(1)}\n`;
  const failed = await json(['login', 'add', 'ann@example.org', '--otp-file', '-', ...given], otp);
  expect(failed.error.code).toBe(code);
  expect((await login(['add', 'ann@example.org', '--otp-file', '-'], otp)).exit).toBe(0);
});

test('a lost key ends session passwords and names the accounts', async () => {
  await add('ann@example.org');
  const { password } = await json(['login', 'session', 'new', 'ann@example.org', '--on', 'web']);
  expect((await verify('ann@example.org', password)).exit).toBe(0);
  const lost = await json(['yubikey', 'lost', String(key.serial)]);
  expect(lost).toMatchObject({ logins: [{ account: 'ann@example.org' }], sessionsEnded: 1 });
  expect((await verify('ann@example.org', password)).exit).toBe(2);
  expect((await verify('ann@example.org', key.press(1))).stdout).toContain('disabled');
});

test('a session password is listed, and ended by its id', async () => {
  await add('ann@example.org');
  const made = await json(['login', 'session', 'new', 'ann@example.org', '--for', '10m']);
  expect(made.session.seconds).toBe(600);
  expect((await json(['login', 'session', 'list'])).sessions).toHaveLength(1);
  expect((await login(['session', 'end', made.session.id])).exit).toBe(0);
  expect((await json(['login', 'session', 'list'])).sessions).toHaveLength(0);
});

describe('a validation service', () => {
  const OTP = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje';
  const NEXT = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetjf';
  let peer: Peer;
  let service: readonly string[];

  beforeEach(async () => {
    peer = await startPeer((otp) => [7, otp === OTP ? 3 : 4]);
    const file = join(key.folder, 'api-key');
    writeFileSync(file, `${peer.apiKey}\n`, { mode: 0o600 });
    service = ['--validator', peer.url, '--client-id', '1', '--api-key-file', file];
  });

  afterEach(() => peer.close());

  test('is asked by otp verify, which tells each step', async () => {
    const first = await postern(['otp', 'verify', OTP, ...service, '--explain']);
    expect(first).toMatchObject({ exit: 0, stdout: expect.stringContaining('signed with our API key') });
    expect((await postern(['otp', 'verify', OTP, ...service])).exit).toBe(2);
    peer.misdeed = { status: 'BACKEND_ERROR' };
    expect(await json(['otp', 'verify', NEXT, ...service])).toMatchObject({
      status: 'unknown',
      verdict: 'unavailable',
      validator: peer.url,
    });
  });

  test('validates a key that is not known here, from the touch that associates it on', async () => {
    const added = await login(['add', 'ann@example.org', '--otp-file', '-', ...service], `${OTP}\n`);
    expect(added.exit, added.stdout).toBe(0);
    peer.misdeed = 'forgetful';
    expect((await verify('ann@example.org', OTP)).exit).toBe(2);
    peer.misdeed = { status: 'BACKEND_ERROR' };
    expect((await verify('ann@example.org', NEXT)).exit).toBe(3);
  });

  test('has a key for itself: another one for the same key is refused', async () => {
    await login(['add', 'ann@example.org', '--otp-file', '-', ...service], `${OTP}\n`);
    const failed = await json(['login', 'add', 'bob@example.org', '--otp-file', '-'], `${NEXT}\n`);
    expect(failed.error.code).toBe('E_VALIDATOR');
  });

  test('is not asked with an API key that others can read', async () => {
    const file = join(key.folder, 'open');
    writeFileSync(file, peer.apiKey, { mode: 0o644 });
    const asked = ['--validator', peer.url, '--client-id', '1', '--api-key-file', file];
    expect((await json(['otp', 'verify', OTP, ...asked])).error.code).toBe('E_SECRET_MODE');
    expect(peer.seen).toEqual([]);
  });
});
