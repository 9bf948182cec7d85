import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { selfSigned } from '../../../src/lab/certificates.ts';
import { type PracticeKey, practiceKey } from '../../helpers/practice-key.ts';
import { runBuilt } from '../../helpers/run.ts';
import { ask, type LabClient, type LabServer, ValidationLab } from '../../helpers/validation-lab.ts';

/** Keys are programmed at a desk that has a store of its own; the server, with another one, knows them before that. */

const lab = new ValidationLab();
const folder = mkdtempSync(join(tmpdir(), 'postern-desk-'));
const cert = join(folder, 'cert.pem');
const token = join(folder, 'token');
let client: LabClient;
let secure: LabServer;
let near: LabServer;
let key: PracticeKey;
let desk: { XDG_STATE_HOME: string };
let serial = 7_000_000;

beforeAll(async () => {
  const { chainPem, keyPem } = await selfSigned({ names: ['127.0.0.1', 'localhost'] }, Date.now());
  writeFileSync(cert, chainPem);
  writeFileSync(join(folder, 'key.pem'), keyPem);
  writeFileSync(token, 'YW4tYWRtaW5pc3RyYXRvcnMtdG9rZW4tb2YtdGhlLWxhYg\n', { mode: 0o600 });
  client = await lab.client();
  const admin = ['--admin-listen', '127.0.0.1:0', '--admin-token-file', token];
  secure = await lab.serve([...admin, '--tls-cert', cert, '--tls-key', join(folder, 'key.pem')]);
  near = await lab.serve(admin);
});
beforeEach(() => {
  serial += 1;
  key = practiceKey({ blank: true, serial });
  desk = { XDG_STATE_HOME: mkdtempSync(join(folder, 'state-')) };
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const program = (more: readonly string[], input = '') =>
  runBuilt(
    ['yubikey', 'program', '--software-key', key.file, '--yes', '--serial', String(key.serial), ...more],
    { env: desk, input },
  );
const overTls = () => [
  '--server',
  `https://${secure.adminAt}`,
  '--server-ca',
  cert,
  '--server-token-file',
  token,
];
const overLoopback = (at = near.adminAt) => ['--server', `http://${at}`, '--server-token-file', token];
const touched = () => program(['--resume', '--otp-file', '-', ...overLoopback()], `${key.press(1)}\n`);
const verdict = async () => (await ask(near.url, { client, otp: key.press(1) })).status;

/** The server's word on this key's number. */
async function onRecord(): Promise<string | undefined> {
  const { stdout } = await runBuilt(['validation', 'key', 'list', '--json'], { env: await lab.store.env() });
  const { keys } = JSON.parse(stdout) as { keys: { serial: number | null; state: string }[] };
  return keys.find((each) => each.serial === key.serial)?.state;
}

describe('a key whose server is elsewhere', () => {
  test('is on record there, over TLS, before it has its secrets, and in use after its first touch', async () => {
    const begun = await program(['--slot', '1', ...overTls()]);
    expect(begun.exit, begun.stderr).toBe(1);
    expect(await onRecord()).toBe('written');
    const first = key.press(1);
    const resumed = await program(['--resume', '--otp-file', '-', ...overTls()], `${first}\n`);
    expect(resumed.exit, resumed.stderr).toBe(0);
    expect(await onRecord()).toBe('active');
    expect((await ask(near.url, { client, otp: first })).status).toBe('REPLAYED_OTP');
    expect(await verdict()).toBe('OK');
    const audit = await runBuilt(['validation', 'status', '--json'], { env: await lab.store.env() });
    expect(audit.stdout).toContain('key record');
    for (const log of [secure.log, near.log]) expect(log.join('\n')).not.toMatch(/aesKey|privateId/);
  });

  test('is not written when the connection breaks after the record; --resume goes on with the same secrets', async () => {
    const blank = readFileSync(key.file, 'utf8');
    const [host, port] = (near.adminAt ?? '').split(':');
    // Lets the request through, and tears the connection when the answer comes.
    const torn = createServer((socket) => {
      const beyond = connect(Number(port), host);
      socket.on('error', () => undefined).pipe(beyond);
      beyond
        .on('error', () => undefined)
        .once('data', () => {
          socket.destroy();
          beyond.destroy();
        });
    });
    await new Promise<void>((resolve) => torn.listen(0, '127.0.0.1', resolve));
    const at = `127.0.0.1:${(torn.address() as AddressInfo).port}`;
    const broken = await program(['--slot', '1', ...overLoopback(at)]);
    torn.close();
    expect(broken.exit).toBe(69);
    expect(broken.stderr).toContain('--resume');
    expect(await onRecord()).toBe('written');
    expect(readFileSync(key.file, 'utf8')).toBe(blank);

    expect((await program(['--resume', ...overLoopback()])).exit).toBe(1);
    const done = await touched();
    expect(done.exit, done.stderr).toBe(0);
    expect(await onRecord()).toBe('active');
    expect(await verdict()).toBe('OK');
  });

  test('is not written when the server refuses the token, does not answer, or is not who it should be', async () => {
    const blank = readFileSync(key.file, 'utf8');
    const other = join(folder, 'other-token');
    writeFileSync(other, `${'x'.repeat(40)}\n`, { mode: 0o600 });
    const refused: readonly (readonly [string[], number])[] = [
      [['--server', `http://${near.adminAt}`, '--server-token-file', other], 77],
      [['--server', `https://${secure.adminAt}`, '--server-token-file', token], 69],
      [overLoopback('127.0.0.1:1'), 69],
      [['--server', 'http://192.0.2.1:8417', '--server-token-file', token], 64],
      [['--server', 'https://example.org/path', '--server-token-file', token], 64],
    ];
    for (const [more, exit] of refused) {
      desk = { XDG_STATE_HOME: mkdtempSync(join(folder, 'state-')) };
      const ran = await program(['--slot', '1', ...more]);
      expect([more[1], ran.exit], ran.stderr).toEqual([more[1], exit]);
      expect(ran.stderr).not.toMatch(/\n\s+at /);
    }
    expect(readFileSync(key.file, 'utf8')).toBe(blank);
    expect(await onRecord()).toBeUndefined();
  });

  test('with other secrets for the same id the server keeps what it has', async () => {
    expect((await program(['--slot', '1', ...overLoopback()])).exit).toBe(1);
    await touched();
    const used = readFileSync(key.file, 'utf8');
    desk = { XDG_STATE_HOME: mkdtempSync(join(folder, 'state-')) };
    const again = await program(['--slot', '1', ...overLoopback()]);
    expect(again.exit).toBe(64);
    expect(again.stderr).toContain('--public-id random');
    expect(readFileSync(key.file, 'utf8')).toBe(used);
    expect(await verdict()).toBe('OK');
  });
});

test('the listener for desks is never reached by other machines without TLS', async () => {
  const ran = await runBuilt([
    'validation',
    'serve',
    '--plain-http',
    '--admin-listen',
    '192.0.2.1:8417',
    '--admin-token-file',
    token,
    '--check',
    '--store',
    lab.folder,
  ]);
  expect(ran.exit).toBe(64);
  expect(ran.stderr).toContain('--admin-listen');
});
