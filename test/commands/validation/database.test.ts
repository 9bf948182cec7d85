import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/lab/certificates.ts';
import { Load } from '../../helpers/load.ts';
import { freePort } from '../../helpers/ports.ts';
import { hasPostgres, type Postgres } from '../../helpers/postgres.ts';
import { runBuilt } from '../../helpers/run.ts';
import { stopServers } from '../../helpers/stores.ts';
import {
  ask,
  type LabClient,
  type LabServer,
  type SoftKey,
  ValidationLab,
} from '../../helpers/validation-lab.ts';

// Several nodes and one database, and whatever befalls either of them: docs/runbooks/several-validation-servers.md
// promises what is held to here.

if (hasPostgres()) suite();
else test.skip('PostgreSQL is missing: apt-get install postgresql-15');

function suite(): void {
  const lab = new ValidationLab('postgresql');
  let postgres: Postgres;
  let client: LabClient;
  let pool: SoftKey[];
  let env: Record<string, string>;

  beforeAll(async () => {
    pool = await lab.keys(60);
    client = await lab.client();
    postgres = await lab.store.postgres();
    env = await lab.store.env();
  });
  afterAll(async () => {
    await lab.close();
    await stopServers();
  });

  function freshKey(): SoftKey {
    const key = pool.pop();
    if (!key) throw new Error('there are no keys left');
    return key;
  }

  const status = async ({ url }: LabServer, otp: string) => (await ask(url, { client, otp })).status;
  const health = async ({ url }: LabServer) => (await fetch(`${url}/healthz`)).status;
  const validation = (argv: readonly string[], more: Record<string, string> = {}) =>
    runBuilt(['validation', ...argv, '--json'], { env: { ...env, ...more } });
  const failure = async (more: Record<string, string>) => {
    const { exit, stdout, stderr } = await validation(['status'], more);
    expect(stderr).not.toMatch(/\n\s+at /);
    return { exit, ...(JSON.parse(stdout).error as { code: string; message: string; hint: string }) };
  };

  describe('under load, with three nodes', () => {
    test('kill -9 of a node, and of the database, lets no OTP in twice, and all goes on by itself', async () => {
      const nodes = await Promise.all([lab.serve(), lab.serve(), lab.serve()]);
      const load = new Load(nodes, Array.from({ length: 6 }, freshKey), client);
      await load.more(50);
      for (let round = 0; round < 2; round += 1) {
        await nodes[round]?.end('SIGKILL');
        await load.more(30);
        nodes[round] = await lab.serve();
        await load.more(30);
        await postgres.kill();
        await postgres.up();
        await load.more(50);
      }
      await load.stop();
      expect(load.accepted.filter(({ times }) => times !== 1)).toEqual([]);
      const again = await Promise.all(
        load.accepted.map(({ otp }, index) => status(nodes[index % 3] as LabServer, otp)),
      );
      expect(new Set(again)).toEqual(new Set(['REPLAYED_OTP']));
      await Promise.all(nodes.map((node) => node.end()));
    });
  });

  describe('a database', () => {
    test('that is away is BACKEND_ERROR, and is used again once it is back', async () => {
      const node = await lab.serve();
      const key = freshKey();
      expect(await status(node, key.otp(1))).toBe('OK');
      await postgres.kill();
      for (const otp of [key.otp(1), key.otp(2), freshKey().otp(1)])
        expect(await status(node, otp)).toBe('BACKEND_ERROR');
      expect(await health(node)).toBe(503);
      await postgres.up();
      expect(await health(node)).toBe(200);
      expect(await status(node, key.otp(1))).toBe('REPLAYED_OTP');
      expect(await status(node, key.otp(2))).toBe('OK');
      const reasons = node.log.filter((text) => text.includes('BACKEND_ERROR')).join('\n');
      expect(reasons).toMatch(/"reason":"(ECONNREFUSED|ECONNRESET|ENOENT)"/);
      await node.end();
    });

    test('that hangs is BACKEND_ERROR after a time, and is used again once it goes on', async () => {
      const node = await lab.serve();
      const key = freshKey();
      expect(await status(node, key.otp(1))).toBe('OK');
      postgres.signal('SIGSTOP');
      const answers = await Promise.all([
        status(node, key.otp(2)),
        status(node, freshKey().otp(1)),
        health(node),
      ]);
      postgres.signal('SIGCONT');
      expect(answers).toEqual(['BACKEND_ERROR', 'BACKEND_ERROR', 503]);
      await expect.poll(() => health(node)).toBe(200);
      expect(await status(node, key.otp(3))).toBe('OK');
      await node.end();
    });

    test('whose rows somebody has locked is BACKEND_ERROR while it lasts, and no longer', async () => {
      const node = await lab.serve();
      const key = freshKey();
      const release = await postgres.hold('LOCK TABLE postern.keys IN ACCESS EXCLUSIVE MODE', 'lab1');
      expect(await status(node, key.otp(1))).toBe('BACKEND_ERROR');
      await release();
      expect(await status(node, key.otp(1))).toBe('OK');
      await node.end();
    });

    test('with synchronous_commit off still keeps what was told, through a kill -9', async () => {
      await postgres.kill();
      await postgres.up({ synchronous_commit: 'off', wal_writer_delay: '10s' });
      const node = await lab.serve();
      const key = freshKey();
      for (let touch = 1; touch <= 3; touch += 1) {
        expect(await status(node, key.otp(touch))).toBe('OK');
        await postgres.kill();
        await postgres.up({ synchronous_commit: 'off', wal_writer_delay: '10s' });
        await expect.poll(() => health(node)).toBe(200);
        expect(await status(node, key.otp(touch))).toBe('REPLAYED_OTP');
      }
      await node.end();
    });

    test.for([['fsync'], ['full_page_writes']] as const)('with %s off is refused', async ([setting]) => {
      await postgres.kill();
      await postgres.up({ [setting]: 'off' });
      expect(await failure({})).toMatchObject({ exit: 78, code: 'E_STORE_UNSAFE' });
      await postgres.kill();
      await postgres.up();
    });
  });

  describe('a node', () => {
    const named = (text: string, name = 'other') => {
      const file = join(lab.folder, name);
      if (!existsSync(file)) writeFileSync(file, text, { mode: 0o600 });
      return file;
    };

    test('without the master key, or with another one, serves nothing', async () => {
      const other = named('ab'.repeat(32));
      const missing = { POSTERN_MASTER_KEY_FILE: join(lab.folder, 'nowhere') };
      expect(await failure(missing)).toMatchObject({ exit: 78, code: 'E_MASTER_KEY' });
      expect(await failure({ POSTERN_MASTER_KEY_FILE: other })).toMatchObject({
        exit: 78,
        code: 'E_MASTER_KEY',
      });
      const state = join(lab.folder, 'state');
      expect(await failure({ POSTERN_MASTER_KEY_FILE: '', XDG_STATE_HOME: state })).toMatchObject({
        exit: 78,
        code: 'E_MASTER_KEY',
      });
      expect(existsSync(state), 'no second master key is made').toBe(false);
    });

    test('with a wrong password is told so, without the password', async () => {
      const wrong = named('wrong-horse', 'wrong');
      const told = await failure({ POSTERN_STORE_PASSWORD_FILE: wrong });
      expect(told).toMatchObject({ exit: 69, code: 'E_STORE', hint: expect.stringContaining('pg_hba') });
      expect(JSON.stringify(told)).not.toContain('wrong-horse');
      const open = { POSTERN_STORE_PASSWORD_FILE: '', PGPASSWORD: postgres.password };
      expect((await validation(['client', 'list'], open)).exit).toBe(0);
      const none = { POSTERN_STORE_PASSWORD_FILE: '' };
      expect(await failure(none)).toMatchObject({ exit: 78, hint: expect.stringContaining('PGPASSWORD') });
    });

    test('speaks TLS with a database elsewhere, and with that one alone', async () => {
      const [ours, theirs] = await Promise.all(
        ['ours', 'theirs'].map((name) => createAuthority(name, Date.now())),
      );
      const port = await freePort();
      const leaf = await ours?.issue({ names: ['localhost'] });
      await postgres.useTls(port, leaf ?? { chainPem: '', keyPem: '' });
      const over = (host: string, ca: string | undefined, name: string) => ({
        POSTERN_STORE: `postgresql://postern@${host}:${port}/lab1?sslrootcert=${named(ca ?? '', name)}`,
      });
      const fine = await validation(['client', 'list'], over('localhost', ours?.certificatePem, 'ours.pem'));
      expect(fine.exit, fine.stdout).toBe(0);
      for (const wrong of [
        over('localhost', theirs?.certificatePem, 'theirs.pem'),
        over('127.0.0.1', ours?.certificatePem, 'ours.pem'),
      ])
        expect(await failure(wrong)).toMatchObject({ exit: 69, code: 'E_STORE' });
      await postgres.kill();
      await postgres.up();
    });

    test.for([
      ['a password in it', 'postgresql://ann:secret-horse@db.example.org/otp', 'E_SECRET_ARGV'],
      ['no database', 'postgresql://db.example.org', 'E_STORE_URL'],
      ['TLS that looks at no certificate', 'postgresql://db.example.org/otp?sslmode=require', 'E_STORE_URL'],
      ['something unknown', 'postgresql://db.example.org/otp?options=-c', 'E_STORE_URL'],
    ] as const)('refuses a URL with %s', async ([, url, code]) => {
      const told = await failure({ POSTERN_STORE: url });
      expect(told).toMatchObject({ exit: 64, code });
      expect(JSON.stringify(told)).not.toContain('secret-horse');
    });

    test('of an older version leaves a newer schema alone', async () => {
      await postgres.sql('INSERT INTO postern.version VALUES (1000)', 'lab1');
      expect(await failure({})).toMatchObject({ exit: 78, code: 'E_STORE_NEWER' });
      await postgres.sql('DELETE FROM postern.version WHERE n = 1000', 'lab1');
    });

    test('is one of four that make the schema at the same time', async () => {
      await postgres.sql('CREATE DATABASE fresh');
      const fresh = { POSTERN_STORE: postgres.url('fresh') };
      const started = await Promise.all(
        Array.from({ length: 4 }, () => validation(['serve', '--check'], fresh)),
      );
      expect(started.map(({ exit, stdout }) => [exit, exit === 0 ? '' : stdout])).toEqual(
        Array(4).fill([0, '']),
      );
      const [{ n } = {}] = await postgres.sql('SELECT count(*)::int AS n FROM postern.version', 'fresh');
      expect(n).toBe(1);
    });

    test('leaves a database in which there is nothing alone when it only looks', async () => {
      await postgres.sql('CREATE DATABASE empty');
      expect((await validation(['key', 'list'], { POSTERN_STORE: postgres.url('empty') })).exit).toBe(0);
      const schemas = await postgres.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'postern'", 'empty');
      expect(schemas).toEqual([]);
    });

    test('keeps secrets sealed: nothing in the files of the database opens a key', async () => {
      const key = freshKey();
      await postgres.sql('CHECKPOINT');
      const secret = Buffer.from(key.aesKey, 'hex');
      const folder = join(postgres.folder, 'data');
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) =>
        each.isFile(),
      );
      const found = files.filter((each) => readFileSync(join(each.parentPath, each.name)).includes(secret));
      expect(found.map(({ name }) => name)).toEqual([]);
    });
  });
}
