import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type PracticeKey, practiceKey } from '../../helpers/practice-key.ts';
import { root, runBuilt, shell } from '../../helpers/run.ts';

// The built program on a key in software, each test with a key and a state of its own.

let key: PracticeKey;
let env: { XDG_STATE_HOME: string };

beforeEach(() => {
  key = practiceKey({ blank: true });
  env = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'postern-state-')) };
});

const on = (...argv: readonly string[]) => [...argv, '--software-key', key.file];
const sure = (...argv: readonly string[]) => [...on(...argv), '--yes', '--serial', String(key.serial)];
const yubikey = (...argv: readonly string[]) => runBuilt(['yubikey', ...argv], { env });
const json = async (...argv: readonly string[]) => JSON.parse((await yubikey(...argv, '--json')).stdout);

async function program(...more: readonly string[]) {
  const begun = await yubikey(...sure('program', '--slot', '1', ...more));
  expect(begun).toMatchObject({ exit: 1 });
  const resumed = await runBuilt(['yubikey', ...sure('program', '--resume', '--otp-file', '-')], {
    env,
    input: `${key.press(1)}\n`,
  });
  expect(resumed.exit, resumed.stderr).toBe(0);
}

const inventory = () => json('inventory');

describe('enrolment', () => {
  test('ends when the typed OTP decrypts with what was recorded', async () => {
    await program();
    const { slots, keys } = await inventory();
    expect(slots).toMatchObject([{ slot: 1, kind: 'yubico-otp', state: 'current' }]);
    expect(keys).toMatchObject([{ state: 'active', useCounter: 1, sessionUse: 0 }]);
    const decoded = await runBuilt(['otp', 'decode', key.press(1), '--json'], { env });
    expect(JSON.parse(decoded.stdout)).toMatchObject({ privateId: 'match', fields: { sessionUse: 1 } });
  });

  test('is in the audit log, with who did it, before anything is written', async () => {
    await program();
    await yubikey(...sure('delete', '--slot', '1'));
    await yubikey(...on('delete', '--slot', '2', '--dry-run'));
    const status = await runBuilt(['validation', 'status', '--json'], { env });
    const serial = `serial ${key.serial} slot 1`;
    expect(JSON.parse(status.stdout).audit.latest).toMatchObject([
      { action: 'yubikey program', subject: serial, actor: expect.stringMatching(/./) },
      { action: 'yubikey program', subject: serial },
      { action: 'yubikey delete', subject: serial },
    ]);
  });

  test('does not end with the OTP of another key, and says why', async () => {
    await yubikey(...sure('program', '--slot', '1'));
    const other = practiceKey().press(1);
    const ran = await runBuilt(['yubikey', ...sure('program', '--resume', '--otp-file', '-')], {
      env,
      input: `${other}\n`,
    });
    expect(ran.exit).toBe(2);
    expect(ran.stdout).toContain('another key or slot was touched');
    expect((await inventory()).slots).toMatchObject([{ state: 'written' }]);
  });

  test('an interrupted one is told by info and inventory', async () => {
    await yubikey(...sure('program', '--slot', '1'));
    expect((await inventory()).checks).toMatchObject([{ id: 'yubikey.unfinished', status: 'warn' }]);
    expect((await json(...on('info'))).checks).toMatchObject([{ id: 'yubikey.unfinished' }]);
  });

  test.for([
    ['oath-hotp', 1],
    ['hmac-sha1', 0],
  ] as const)('of %s is checked, too', async ([kind, exit]) => {
    const ran = await yubikey(...sure('program', '--slot', '2', '--kind', kind));
    expect(ran.exit, ran.stderr).toBe(exit);
    if (kind === 'oath-hotp') {
      const input = `${key.press(2)}\n`;
      await runBuilt(['yubikey', ...sure('program', '--resume', '--otp-file', '-')], { env, input });
    }
    expect((await inventory()).slots).toMatchObject([{ kind, state: 'current', publicId: null }]);
  });

  test('a static password is what the file holds', async () => {
    const file = join(key.folder, 'password');
    writeFileSync(file, 'Correct-Horse 7!\n', { mode: 0o600 });
    const ran = await yubikey(...sure('program', '--slot', '2', '--kind', 'static', '--secret-file', file));
    expect(ran.exit).toBe(0);
    expect(key.press(2)).toBe('Correct-Horse 7!');
    expect(`${ran.stdout}${ran.stderr}`).not.toContain('Correct-Horse');
  });

  test('survives kill -9: whatever was begun, --resume ends', async () => {
    const argv = [`${root}bin/run.js`, 'yubikey', ...sure('program', '--slot', '1')];
    for (let delayMs = 60; delayMs <= 420; delayMs += 30) {
      const child = spawn(process.execPath, argv, { env: { PATH: process.env['PATH'] ?? '', ...env } });
      const end = ended(child);
      setTimeout(() => child.kill('SIGKILL'), delayMs);
      await end;
      await finishWhatWasBegun();
    }
    await program();
  });
});

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
  });
}

async function stateAfterKill(): Promise<string> {
  if (!existsSync(join(env.XDG_STATE_HOME, 'postern', 'keys.db'))) return 'no store';
  return (await inventory()).slots[0]?.state ?? 'no record';
}

/** Whatever the key has by now, --resume makes it work; where nothing was begun, the key has nothing of ours. */
async function finishWhatWasBegun(): Promise<void> {
  const state = await stateAfterKill();
  if (state !== 'pending' && state !== 'written') return;
  const written = await runBuilt(['yubikey', ...sure('program', '--resume')], { env });
  expect(written.exit, written.stderr).toBe(1);
  const input = `${key.press(1)}\n`;
  const done = await runBuilt(['yubikey', ...sure('program', '--resume', '--otp-file', '-')], { env, input });
  expect(done.exit, `${done.stdout}${done.stderr}`).toBe(0);
  const decoded = await runBuilt(['otp', 'decode', key.press(1), '--json'], { env });
  expect(JSON.parse(decoded.stdout).privateId).toBe('match');
}

describe('access codes', () => {
  const NEEDS = /protected with an access code/;

  test('the store remembers a random one; other programs are kept out', async () => {
    await program('--protect');
    const elsewhere = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'postern-state-')) };
    const refused = await runBuilt(['yubikey', ...sure('delete', '--slot', '1')], { env: elsewhere });
    expect(refused).toMatchObject({ exit: 77, stderr: expect.stringMatching(NEEDS) });
    expect(await yubikey(...sure('update', '--slot', '1', '--no-enter'))).toMatchObject({ exit: 0 });
    expect(await yubikey(...sure('swap'))).toMatchObject({ exit: 77 });
    expect(await yubikey(...sure('access-code', 'remove', '--slot', '1'))).toMatchObject({ exit: 0 });
    expect(await yubikey(...sure('swap'))).toMatchObject({ exit: 0 });
    expect((await inventory()).slots).toMatchObject([{ slot: 2, state: 'current' }]);
  });

  test('a wrong one is told as wrong, and leaves the slot as it is', async () => {
    await program('--protect');
    const before = readFileSync(key.file, 'utf8');
    const ran = await yubikey(...sure('delete', '--slot', '1', '--access-code-file', key.codeFile));
    expect(ran).toMatchObject({ exit: 77, stderr: expect.stringContaining('not the one of this slot') });
    expect(readFileSync(key.file, 'utf8')).toBe(before);
  });

  test('is set, changed, kept by updates and removed', async () => {
    await program();
    const code = ['--new-access-code-file', key.codeFile];
    expect(await yubikey(...sure('access-code', 'set', '--slot', '1', ...code))).toMatchObject({ exit: 0 });
    expect(readFileSync(key.file, 'utf8')).toContain('a1a2a3a4a5a6');
    expect(await yubikey(...sure('update', '--slot', '1', '--fast-trigger'))).toMatchObject({ exit: 0 });
    expect(readFileSync(key.file, 'utf8')).toContain('a1a2a3a4a5a6');
    expect(await yubikey(...sure('access-code', 'change', '--slot', '1'))).toMatchObject({ exit: 0 });
    expect(readFileSync(key.file, 'utf8')).not.toContain('a1a2a3a4a5a6');
    expect(await yubikey(...sure('access-code', 'remove', '--slot', '1'))).toMatchObject({ exit: 0 });
    expect(await yubikey(...sure('delete', '--slot', '1'))).toMatchObject({ exit: 0 });
    expect((await inventory()).keys).toMatchObject([{ state: 'disabled' }]);
  });

  test('is not changed by firmware that cannot, and that is said before anything is written', async () => {
    const state = JSON.parse(readFileSync(key.file, 'utf8'));
    writeFileSync(key.file, JSON.stringify({ ...state, version: [4, 3, 4] }), { mode: 0o600 });
    await program('--protect');
    const before = readFileSync(key.file, 'utf8');
    const ran = await yubikey(...sure('access-code', 'remove', '--slot', '1'));
    expect(ran).toMatchObject({ exit: 69, stderr: expect.stringContaining('4.3.2 to 4.3.5') });
    expect(readFileSync(key.file, 'utf8')).toBe(before);
  });

  test('a random one for a slot that is not on record would be lost, and is refused', async () => {
    const foreign = practiceKey();
    const argv = ['access-code', 'set', '--slot', '1', '--software-key', foreign.file];
    const ran = await yubikey(...argv, '--yes', '--serial', String(foreign.serial));
    expect(ran).toMatchObject({ exit: 64, stderr: expect.stringContaining('would be lost') });
  });
});

test('at a terminal everything is asked for: slot, serial number, touch', async () => {
  const generate = `$POSTERN otp generate --software-key ${key.file} --slot 2`;
  const typing = `sleep 1; printf '2\\r'; sleep 1; printf '${key.serial}\\r'; sleep 1; ${generate}; printf '\\r'; sleep 1`;
  const command = `$POSTERN yubikey program --software-key ${key.file}`;
  const ran = await shell(`(${typing}) | script -qec "${command}" /dev/null`, { ...env, TERM: 'xterm' });
  expect(ran.stdout).toContain('Which slot?');
  expect(ran.stdout).toContain('Type the serial number');
  expect((await inventory()).slots, ran.stdout).toMatchObject([{ slot: 2, state: 'current' }]);
});

describe('nothing happens', () => {
  test('with --dry-run: neither key nor store is touched', async () => {
    const before = readFileSync(key.file, 'utf8');
    const { plan, dryRun } = await json(...on('program', '--slot', '1', '--dry-run'));
    expect(dryRun).toBe(true);
    expect(plan).toHaveLength(4);
    expect(readFileSync(key.file, 'utf8')).toBe(before);
    expect(readdirSync(env.XDG_STATE_HOME)).toEqual([]);
  });

  test.for([
    ['without a confirmation', ['program', '--slot', '1'], 64, /--yes is missing/],
    ['with --yes alone', ['program', '--slot', '1', '--yes'], 64, /takes --serial/],
    [
      'for another serial number',
      ['program', '--slot', '1', '--yes', '--serial', '7'],
      69,
      /number 7 is plugged in/,
    ],
    ['without a slot', ['program', '--yes', '--serial', '1234567'], 64, /--slot is missing/],
    [
      'when an empty slot is to be deleted',
      ['delete', '--slot', '2', '--yes', '--serial', '1234567'],
      69,
      /empty/,
    ],
    ['when there is nothing to swap', ['swap', '--yes', '--serial', '1234567'], 69, /Both slots are empty/],
    [
      'when nothing was begun',
      ['program', '--resume', '--yes', '--serial', '1234567'],
      64,
      /nothing was begun/i,
    ],
    [
      'for a public id that is none',
      ['program', '--slot', '1', '--public-id', 'xyz', '--dry-run'],
      64,
      /no public id/,
    ],
  ] as const)('%s', async ([, argv, exit, message]) => {
    const before = readFileSync(key.file, 'utf8');
    const ran = await yubikey(...on(...argv));
    expect(ran).toMatchObject({ exit, stdout: '', stderr: expect.stringMatching(message) });
    expect(readFileSync(key.file, 'utf8')).toBe(before);
  });
});

test('an OTP is accepted once, and the exit says so', async () => {
  await program();
  const otp = key.press(1);
  const verify = () => runBuilt(['otp', 'verify', otp, '--explain'], { env });
  expect(await verify()).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining('counters are 1.1; the last ones seen were 1.0'),
  });
  expect(await verify()).toMatchObject({ exit: 2, stdout: expect.stringContaining('was used before') });
  await yubikey('lost', String(key.serial));
  const after = await runBuilt(['otp', 'verify', key.press(1)], { env });
  expect(after).toMatchObject({ exit: 2, stdout: expect.stringContaining('is disabled') });
});

test('a lost key is refused at once', async () => {
  await program();
  const lost = await json('lost', String(key.serial));
  expect(lost).toMatchObject({ status: 'ok', disabled: [expect.stringMatching(/^vv/)] });
  expect((await inventory()).keys).toMatchObject([{ state: 'disabled' }]);
});

test('the answer to a challenge is that of the standard', async () => {
  const ready = practiceKey();
  const argv = ['calculate', '--slot', '2', '--software-key', ready.file];
  const ran = await runBuilt(['yubikey', ...argv], { env, input: 'Sample #2' });
  expect(ran).toMatchObject({ exit: 0, stdout: '0922d3405faa3d194f82a45830737d5cc6c75d24\n' });
});

test('no secret is in what is printed, nor in a file that others can read', async () => {
  writeFileSync(join(key.folder, 'secret'), 'ffeeddccbbaa99887766554433221100\n', { mode: 0o600 });
  const secret = ['--secret-file', join(key.folder, 'secret')];
  const ran = await yubikey(...sure('program', '--slot', '1', ...secret, '--json'));
  const shown = `${ran.stdout}${ran.stderr}${(await yubikey('inventory', '--json')).stdout}`;
  expect(shown).not.toContain('ffeeddccbbaa');
  writeFileSync(join(key.folder, 'open'), '00'.repeat(16), { mode: 0o644 });
  const open = await yubikey(...sure('program', '--slot', '2', '--secret-file', join(key.folder, 'open')));
  expect(open.exit).toBe(77);
});

describe('without a key on the desk', () => {
  test('list is empty and fine; what needs a key is 69', async () => {
    const file = join(key.folder, 'none.json');
    expect((await yubikey('info', '--software-key', file)).exit).not.toBe(0);
    const list = await json('list');
    expect(list.keys).toBeInstanceOf(Array);
  });
});

test('a box of keys is programmed one after the other, each once, and goes on where it ended', async () => {
  const list = join(key.folder, 'box.csv');
  const desk = join(key.folder, 'desk.json');
  const box = (count: number) => {
    const argv = ['program', '--slot', '2', '--kind', 'hmac-sha1', '--yes', '--software-key', desk];
    return yubikey(...argv, '--batch', list, '--label-prefix', 'staff-', '--count', String(count), '--json');
  };
  const putIn = (serial: number) => copyFileSync(practiceKey({ serial, blank: true }).file, desk);
  putIn(101);
  const first = await box(1);
  expect(first, first.stderr).toMatchObject({ exit: 0 });
  // The same one is still in for a while, and is told; then another.
  const second = box(1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  putIn(102);
  expect(JSON.parse((await second).stdout).batch).toMatchObject([
    { label: 'staff-001', serial: 101 },
    { label: 'staff-002', serial: 102 },
  ]);
  expect(readFileSync(list, 'utf8')).toMatch(
    /^label,serial,slot,public_id,programmed\nstaff-001,101,2,,.*\nstaff-002,102,2,,.*\n$/,
  );
  // The machine died before the list had the last one: it gets its line, and is not written again.
  writeFileSync(list, readFileSync(list, 'utf8').replace(/staff-002.*\n/, ''));
  const held = readFileSync(desk, 'utf8');
  expect((await box(1)).exit).toBe(0);
  expect(readFileSync(desk, 'utf8')).toBe(held);
  expect((await inventory()).slots).toHaveLength(2);
});

describe('keys that show no serial number', () => {
  test('have records of their own, so that programming one takes nothing from another', async () => {
    const hidden = () => {
      const made = practiceKey();
      const state = JSON.parse(readFileSync(made.file, 'utf8'));
      // Written elsewhere, without "serial by API"; old firmware tells it nowhere else.
      for (const slot of [1, 2]) {
        const config = Buffer.from(state.slots[slot].config, 'hex');
        config[45] = 0;
        state.slots[slot].config = config.toString('hex');
      }
      writeFileSync(made.file, JSON.stringify({ ...state, version: [2, 4, 2] }), { mode: 0o600 });
      return made;
    };
    for (const { file } of [hidden(), hidden()]) {
      const ran = await yubikey(
        'program',
        '--slot',
        '2',
        '--kind',
        'hmac-sha1',
        '--software-key',
        file,
        '--yes',
        '--serial',
        '0',
      );
      expect(ran, ran.stderr).toMatchObject({ exit: 0 });
    }
    const { slots } = await inventory();
    expect(
      slots.map(({ serial, state }: { serial: number; state: string }) => [serial, state]).toSorted(),
    ).toEqual([
      [-1, 'current'],
      [-2, 'current'],
    ]);
  });
});

test('no secret is seen in arguments, environment, output or files that others can read', async () => {
  // Arguments and environment of the program and of whatever it starts, for as long as it waits for a touch.
  const watch = `
    umask 022; mkfifo touch
    $POSTERN yubikey program --slot 1 --protect --software-key ${key.file} --yes --serial ${key.serial} --otp-file touch >out 2>err &
    until grep -q Touch err 2>/dev/null; do sleep 0.1; done
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >seen
    $POSTERN otp generate --software-key ${key.file} >touch
    wait
    find "$XDG_STATE_HOME" -type f -perm /077 >open`;
  const folder = mkdtempSync(join(tmpdir(), 'postern-seen-'));
  await shell(`cd ${folder}; ${watch}`, { ...env, POSTERN_DEBUG: '1' });
  const config = Buffer.from(JSON.parse(readFileSync(key.file, 'utf8')).slots['1'].config, 'hex');
  const secrets = [config.subarray(16, 22), config.subarray(22, 38), config.subarray(38, 44)];
  const read = (name: string) => readFileSync(join(folder, name), 'latin1');
  expect(read('out')).toContain('is in use');
  const text = `${read('out')}${read('err')}${read('seen')}`;
  for (const secret of secrets)
    for (const form of ['hex', 'base64', 'latin1'] as const)
      expect(text).not.toContain(secret.toString(form));
  expect(read('open')).toBe('');
  const stored = readdirSync(join(env.XDG_STATE_HOME, 'postern')).map((name) =>
    readFileSync(join(env.XDG_STATE_HOME, 'postern', name), 'latin1'),
  );
  for (const secret of secrets)
    for (const each of stored) expect(each).not.toContain(secret.toString('latin1'));
});

test('secrets are shown on a terminal, when asked for by name, and nowhere else', async () => {
  await program();
  const asked = ['yubikey', 'inventory', '--serial', String(key.serial), '--show-secret'];
  for (const piped of [await runBuilt(asked, { env }), await runBuilt([...asked, '--json'], { env })])
    expect(piped).toMatchObject({ exit: 64, stdout: expect.not.stringMatching(/[0-9a-f]{32}/) });
  const shown = await shell(`script -qec "$POSTERN ${asked.join(' ')}" /dev/null`, { ...env, NO_COLOR: '1' });
  expect(shown.stdout).toMatch(/key +[0-9a-f]{32}\r?\n/);
  const without = await shell(`script -qec "$POSTERN ${asked.slice(0, -1).join(' ')}" /dev/null`, env);
  expect(without.stdout).not.toMatch(/[0-9a-f]{32}/);
});
