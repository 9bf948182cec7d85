import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { type PracticeKey, practiceKey } from '../../helpers/practice-key.ts';
import { runBuilt } from '../../helpers/run.ts';
import { LabStore } from '../../helpers/stores.ts';

// A desk where keys are programmed, and a server elsewhere: two folders of state.

let key: PracticeKey;
let folder: string;
let store: LabStore;

beforeEach(() => {
  key = practiceKey({ blank: true });
  folder = mkdtempSync(join(tmpdir(), 'postern-transfer-'));
  store = new LabStore(folder);
});

const at = (name: string) => ({ env: { XDG_STATE_HOME: join(folder, name) } });
const desk = (argv: readonly string[], input?: string) =>
  runBuilt(argv, { ...at('desk'), ...(input !== undefined && { input }) });
const server = async (...argv: readonly string[]) =>
  runBuilt(argv, { env: { ...at('server').env, ...(await sharedEnv()) } });

/** The keys that the server has on record, with their counters. */
async function known(): Promise<unknown> {
  if (store.kind === 'sqlite')
    return JSON.parse((await server('yubikey', 'inventory', '--json')).stdout).keys;
  return store.rows(
    'SELECT public_id AS "publicId", use_counter AS "useCounter", session_use AS "sessionUse", state FROM postern.keys',
  );
}

/** Where the server keeps its keys, when that is a database. */
async function sharedEnv(): Promise<Record<string, string>> {
  if (store.kind === 'sqlite') return {};
  const { POSTERN_MASTER_KEY_FILE: _, ...env } = await store.env();
  return env;
}

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};

async function imported(...argv: readonly string[]) {
  const ran = await server('validation', 'import', ...argv, '--json');
  if (ran.stdout === '') throw new Error(ran.stderr);
  return { ...documents['postern/validation-import/1'].parse(JSON.parse(ran.stdout)), exit: ran.exit };
}

/** An identity that Debian's age made. */
function identity(): { readonly file: string; readonly recipient: string } {
  const name = join(folder, 'identity');
  execFileSync('age-keygen', ['-o', name], { stdio: 'ignore' });
  return { file: name, recipient: execFileSync('age-keygen', ['-y', name], { encoding: 'utf8' }).trim() };
}

describe('a key whose server is elsewhere', () => {
  const program = (...more: readonly string[]) => [
    ...['yubikey', 'program', '--software-key', key.file, '--yes', '--serial', String(key.serial), ...more],
  ];

  test('is recorded for it, encrypted, before the key has the secrets, and with its counters afterwards', async () => {
    const { file: identityFile, recipient } = identity();
    const record = join(folder, 'key.age');
    const recordTo = ['--record-to', record, '--recipient', recipient];
    const begun = await desk(program('--slot', '1', ...recordTo));
    expect(begun.exit, begun.stderr).toBe(1);
    expect(statSync(record).mode & 0o777).toBe(0o600);
    expect(execFileSync('age', ['-d', '-i', identityFile, record], { encoding: 'utf8' })).toContain(
      '"written"',
    );
    expect(await imported(record, '--identity-file', identityFile)).toMatchObject({
      counts: { added: 1 },
      keys: [{ state: 'written' }],
    });
    const first = key.press(1);
    const resumed = await desk(program('--resume', '--otp-file', '-', ...recordTo), `${first}\n`);
    expect(resumed.exit, resumed.stderr).toBe(0);
    expect(await imported(record, '--identity-file', identityFile)).toMatchObject({
      counts: { updated: 1 },
      keys: [{ state: 'active' }],
    });
    expect((await server('otp', 'verify', first)).exit, 'the OTP of the enrolment is used up').toBe(2);
    const next = key.press(1);
    expect((await server('otp', 'verify', next)).exit).toBe(0);
    expect((await server('otp', 'verify', next)).exit).toBe(2);
  });

  test('is not written when its record cannot be', async () => {
    const blank = readFileSync(key.file, 'utf8');
    for (const [argv, exit] of [
      [['--record-to', join(folder, 'key.age')], 64],
      [['--record-to', join(folder, 'key.age'), '--recipient', 'age1nobody'], 64],
      [['--record-to', file('there', 'x'), '--recipient', identity().recipient], 73],
    ] as const)
      expect((await desk(program('--slot', '1', ...argv))).exit).toBe(exit);
    expect(readFileSync(key.file, 'utf8')).toBe(blank);
    expect(existsSync(join(folder, 'key.age'))).toBe(false);
  });

  test('nobody else reads its record', async () => {
    const { recipient } = identity();
    const record = join(folder, 'key.age');
    await desk(program('--slot', '1', '--record-to', record, '--recipient', recipient));
    const stranger = join(folder, 'stranger');
    execFileSync('age-keygen', ['-o', stranger], { stdio: 'ignore' });
    expect(await server('validation', 'import', record)).toMatchObject({ exit: 64 });
    expect(await server('validation', 'import', record, '--identity-file', stranger)).toMatchObject({
      exit: 77,
    });
  });
});

const ID = 'cccccccccccb';
const CSV = `1,${ID},d74fbdf6a890,82211e0854e7369e83d941f24761a84e,,2009-12-14T16:40:57,\n`;
const VAL = (counter: number, use: number) =>
  `1,1359470658,1359470658,${ID},${counter},${use},32729,4,aoincuhfuahs,\n`;

describe('an import', () => {
  test('of secrets and counters from two files is one, can be done again, and never lets counters go down', async () => {
    const secrets = file('ksm.csv', CSV);
    expect(await imported(secrets, file('val1.csv', VAL(20, 3)), '--dry-run')).toMatchObject({
      counts: { added: 1 },
    });
    expect(existsSync(join(folder, 'server'))).toBe(false);
    expect(await imported(secrets, file('val1.csv', VAL(20, 3)))).toMatchObject({
      counts: { added: 1 },
      exit: 0,
    });
    expect(await imported(secrets, file('val1.csv', VAL(20, 3)))).toMatchObject({ counts: { unchanged: 1 } });
    expect(await imported(file('val2.csv', VAL(5, 9)))).toMatchObject({ counts: { unchanged: 1 } });
    expect(await imported(file('val3.csv', VAL(21, 0)))).toMatchObject({ counts: { updated: 1 } });
    expect(await known()).toMatchObject([{ publicId: ID, useCounter: 21, sessionUse: 0, state: 'active' }]);
  });

  test('of other secrets for a key that is known changes nothing', async () => {
    await imported(file('one.csv', CSV));
    const other = file('other.csv', CSV.replace('82211e08', '00000000'));
    expect(await imported(other)).toMatchObject({ exit: 2, counts: { conflict: 1 } });
    expect(await imported(file('one.csv', CSV))).toMatchObject({ counts: { unchanged: 1 } });
  });

  test('is proven by one OTP of each key, which is used up by it; a wrong one stops all of it', async () => {
    const software = practiceKey();
    const aes = readFileSync(software.aesKeyFile, 'utf8').trim();
    const otp = software.press(1);
    const id = otp.slice(0, -32);
    const good = file('good.csv', `7,${id},010203040506,${aes},,,\n`);
    const bad = file('bad.csv', `7,${id},010203040507,${aes},,,\n${CSV.replace(ID, 'cccccccccccd')}`);
    const proof = file('otps', `${otp}\n`);
    expect(await imported(bad, '--prove', proof)).toMatchObject({
      exit: 2,
      checks: [{ id: 'import.proof' }],
    });
    expect(await known()).toEqual([]);
    expect(await imported(good, '--require-proof')).toMatchObject({
      keys: [{ state: 'written', proven: null }],
    });
    expect(await imported(good, '--prove', proof)).toMatchObject({
      keys: [{ state: 'active', proven: true }],
    });
    expect((await server('otp', 'verify', otp)).exit).toBe(2);
    expect((await server('otp', 'verify', software.press(1))).exit).toBe(0);
  });

  test('of a token list without private ids finds them with an OTP', async () => {
    const software = practiceKey();
    const otp = software.press(1);
    const aes = readFileSync(software.aesKeyFile, 'utf8').trim();
    const list = file('tokens.csv', `UBAM00000007_1,${aes},yubikey,44,${otp.slice(0, -32)}\n`);
    expect(await imported(list)).toMatchObject({ exit: 1, counts: { 'no-secret': 1 } });
    expect(await imported(list, '--prove', file('otps', `${otp}\n`))).toMatchObject({
      counts: { added: 1, proven: 1 },
    });
    expect((await server('otp', 'verify', software.press(1))).exit).toBe(0);
  });

  test('takes over the database that yubiserver has made', async () => {
    const database = join(folder, 'yubiserver.sqlite');
    copyFileSync('/etc/yubiserver/yubiserver.sqlite.init', database);
    execFileSync('yubiserver-admin', [
      ...['-b', database, '-y', '-a', 'alice', ID, 'd74fbdf6a890', '82211e0854e7369e83d941f24761a84e'],
    ]);
    expect(await imported(database)).toMatchObject({
      files: [{ format: 'yubiserver', keys: 1 }],
      keys: [{ publicId: ID, outcome: 'added', state: 'active' }],
    });
  });
});

test('what is exported is encrypted, and imports elsewhere; in clear only for who insists', async () => {
  const { file: identityFile, recipient } = identity();
  await imported(file('one.csv', CSV));
  for (const format of ['ykksm', 'pskc']) {
    const to = join(folder, `${format}.age`);
    const exported = await server(
      'validation',
      'export',
      '--as',
      format,
      '--to',
      to,
      '--recipient',
      recipient,
    );
    expect(exported).toMatchObject({ exit: 0 });
    expect(readFileSync(to).includes('82211e08')).toBe(false);
    const other = await runBuilt(
      ['validation', 'import', to, '--identity-file', identityFile, '--json'],
      at(format),
    );
    expect(JSON.parse(other.stdout)).toMatchObject({ counts: { added: 1 } });
  }
  const plain = join(folder, 'plain.csv');
  expect((await server('validation', 'export', '--to', plain)).exit).toBe(64);
  expect(existsSync(plain)).toBe(false);
  expect((await server('validation', 'export', '--to', plain, '--in-clear')).exit).toBe(0);
  expect(readFileSync(plain, 'utf8')).toContain(
    `1,${ID},d74fbdf6a890,82211e0854e7369e83d941f24761a84e,000000000000,`,
  );
  expect(statSync(plain).mode & 0o777).toBe(0o600);
});

test('rows that cannot be read are told, and a file without a key is no success', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-rows-'));
  const file = join(folder, 'keys.csv');
  const good = '1,dteffuje,8792ebfe26cc,ecde18dbe76fbd0c33330f1c354871db,000000000000,2009-12-14T16:40:57,';
  const imported = async (text: string) => {
    writeFileSync(file, text);
    const argv = ['validation', 'import', file, '--store', join(folder, 'store'), '--json'];
    const { exit, stdout } = await runBuilt(argv);
    const { checks, counts } = JSON.parse(stdout);
    return { exit, added: counts.added, checks };
  };
  expect(await imported('# ykksm 1\n1,abc\nfoo\n')).toMatchObject({
    exit: 2,
    added: 0,
    checks: [{ id: 'import.left-out', status: 'crit' }],
  });
  expect(await imported(`# ykksm 1\n${good}\n1,abc\n`)).toMatchObject({
    exit: 1,
    added: 1,
    checks: [{ id: 'import.left-out', status: 'warn', evidence: expect.stringContaining('line 3') }],
  });
});
