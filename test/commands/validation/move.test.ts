import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documents } from '../../../src/schema/documents.ts';
import { hasPostgres, type Postgres } from '../../helpers/postgres.ts';
import { runBuilt } from '../../helpers/run.ts';
import { stopServers } from '../../helpers/stores.ts';
import { ask, type LabClient, newNonce, type SoftKey, ValidationLab } from '../../helpers/validation-lab.ts';

// From one machine with a folder to several with a database, while people log in.

if (hasPostgres()) suite();
else test.skip('PostgreSQL is missing: apt-get install postgresql-15');

function suite(): void {
  const lab = new ValidationLab('sqlite');
  const shared = new ValidationLab('postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'postern-move-'));
  const passwordFile = join(folder, 'password');
  let postgres: Postgres;
  let url: string;
  let env: Record<string, string>;
  let keys: SoftKey[];
  let client: LabClient;

  beforeAll(async () => {
    keys = await lab.keys(6);
    client = await lab.client();
    postgres = await shared.store.postgres();
    await postgres.sql('CREATE DATABASE moved');
    url = postgres.url('moved');
    writeFileSync(passwordFile, postgres.password, { mode: 0o600 });
    env = {
      POSTERN_STORE: url,
      POSTERN_STORE_PASSWORD_FILE: passwordFile,
      POSTERN_MASTER_KEY_FILE: join(lab.folder, 'master.key'),
    };
  });
  afterAll(async () => {
    await lab.close();
    await shared.close();
    await stopServers();
    rmSync(folder, { recursive: true, force: true });
  });

  async function move(...more: readonly string[]) {
    const where = ['--store', lab.folder, '--to', url, '--to-password-file', passwordFile];
    const { exit, stdout, stderr } = await runBuilt(['validation', 'move', ...where, ...more, '--json']);
    expect(stderr).toBe('');
    return { exit, ...documents['postern/validation-move/1'].parse(JSON.parse(stdout)) };
  }

  const key = (index: number) => {
    const found = keys[index];
    if (!found) throw new Error('there are no keys left');
    return found;
  };
  const all = { POSTERN_STORE: '' };

  test('takes all with it, twice if need be, and what was spent before does not count after', async () => {
    const old = await lab.serve();
    const asked = async (at: string, otp: string, nonce = newNonce()) =>
      (await ask(at, { client, otp, nonce })).status;
    expect(await asked(old.url, key(0).otp(5))).toBe('OK');
    const login = (argv: readonly string[], input: string, where: Record<string, string>) =>
      runBuilt(['login', ...argv], { input, env: { ...all, ...where } });
    const before = { POSTERN_STORE: lab.folder };
    expect((await login(['add', 'ann@example.org', '--otp-file', '-'], key(1).otp(1), before)).exit).toBe(0);
    const made = await login(['session', 'new', 'ann@example.org', '--on', 'web', '--json'], '', before);
    const { password } = JSON.parse(made.stdout) as { password: string };
    await runBuilt(['validation', 'key', 'disable', key(2).publicId], { env: before });

    const dry = await move('--dry-run');
    expect(dry).toMatchObject({ exit: 0, dryRun: true, keys: { added: 6 }, clients: { added: 1 } });
    expect(await postgres.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'postern'", 'moved')).toEqual([]);

    const first = await move();
    expect(first).toMatchObject({
      exit: 0,
      keys: { added: 6, updated: 0, conflicts: [] },
      clients: { added: 1 },
      logins: { added: 1 },
      sessions: { added: 1 },
    });
    expect(first.auditEntries).toBeGreaterThan(0);
    // The old server goes on until it is stopped; then the rest is fetched.
    const nonce = newNonce();
    expect(await asked(old.url, key(0).otp(9), nonce)).toBe('OK');
    await old.end();
    expect(await move('--dry-run')).toMatchObject({ keys: { added: 0, updated: 1, unchanged: 5 } });
    expect(await move()).toMatchObject({
      keys: { added: 0, updated: 1, unchanged: 5 },
      clients: { added: 0, unchanged: 1 },
      logins: { added: 0, unchanged: 1 },
      auditEntries: 0,
    });

    const nodes = await Promise.all([lab.serve([], { env }), lab.serve([], { env })]);
    const [one = '', two = ''] = nodes.map((node) => node.url);
    expect(await asked(one, key(0).otp(9), nonce)).toBe('REPLAYED_REQUEST');
    expect(await asked(two, key(0).otp(8))).toBe('REPLAYED_OTP');
    expect(await asked(two, key(0).otp(10))).toBe('OK');
    expect(await asked(one, key(2).otp(1))).toBe('BAD_OTP');
    const verify = (field: string) =>
      login(['verify', 'ann@example.org', '--password-file', '-'], field, env);
    expect((await verify(key(1).otp(1))).exit).toBe(2);
    expect((await verify(key(1).otp(2))).exit).toBe(0);
    expect((await verify(`${password}\n`)).exit).toBe(0);
    // Counters there are higher by now, and stay so.
    expect(await move()).toMatchObject({ keys: { updated: 0, unchanged: 6 } });
    expect(await asked(one, key(0).otp(10))).toBe('REPLAYED_OTP');
    const status = await runBuilt(['validation', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({ status: 'ok', audit: { brokenAt: null } });
    await Promise.all(nodes.map((node) => node.end()));
  });

  test('leaves keys and clients alone that the database has with other secrets', async () => {
    const other = new ValidationLab('sqlite');
    const elsewhere = (...more: readonly string[]) => {
      const where = ['--store', other.folder, '--to', url, '--to-password-file', passwordFile];
      return runBuilt(['validation', 'move', ...where, ...more]);
    };
    copyFileSync(join(lab.folder, 'master.key'), join(other.folder, 'master.key'));
    const [twin] = await other.keys(1, 'active', 3);
    await other.client();
    const { exit, stdout } = await elsewhere('--json');
    expect(exit).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      keys: { added: 0, conflicts: [twin?.publicId] },
      clients: { added: 0, conflicts: ['1'] },
      checks: [{ id: 'move.conflict' }, { id: 'move.conflict' }],
    });
    const node = await lab.serve([], { env });
    expect((await ask(node.url, { client, otp: key(3).otp(1) })).status).toBe('OK');
    expect((await ask(node.url, { client, otp: twin?.otp(2) ?? '' })).status).toBe('BAD_OTP');
    await node.end();
    // Another master key: nothing of it could be opened there.
    rmSync(other.folder, { recursive: true });
    mkdirSync(other.folder, { mode: 0o700 });
    await other.keys(1);
    expect((await elsewhere()).exit).toBe(78);
    await other.close();
  });

  test('moves nothing from a folder without a store, and makes none', async () => {
    const empty = join(folder, 'empty');
    const to = ['--to', url, '--to-password-file', passwordFile];
    const { exit } = await runBuilt(['validation', 'move', '--store', empty, ...to]);
    expect(exit).toBe(2);
    expect(existsSync(empty)).toBe(false);
  });
}
