import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Load } from '../../helpers/load.ts';
import { hasRedis, RedisLab } from '../../helpers/redis.ts';
import { runBuilt } from '../../helpers/run.ts';
import { stopServers } from '../../helpers/stores.ts';
import {
  ask,
  type LabClient,
  type LabServer,
  type SoftKey,
  ValidationLab,
} from '../../helpers/validation-lab.ts';

// Several nodes and one Redis, which is taken only where it promises to keep what it confirms.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

function suite(): void {
  const lab = new ValidationLab('redis');
  let redis: RedisLab;
  let client: LabClient;
  let pool: SoftKey[];
  let env: Record<string, string>;

  beforeAll(async () => {
    pool = await lab.keys(40);
    client = await lab.client();
    redis = await lab.store.redis();
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
  const list = (more: Record<string, string> = {}) =>
    runBuilt(['validation', 'client', 'list', '--json'], { env: { ...env, ...more } });
  const failure = async (more: Record<string, string> = {}) => {
    const { exit, stdout } = await list(more);
    return { exit, ...(JSON.parse(stdout).error as { code: string; message: string; hint: string }) };
  };

  test('kill -9 of a node, and of Redis, lets no OTP in twice, and all goes on by itself', async () => {
    const nodes = await Promise.all([lab.serve(), lab.serve(), lab.serve()]);
    const load = new Load(nodes, Array.from({ length: 6 }, freshKey), client);
    await load.more(50);
    for (let round = 0; round < 2; round += 1) {
      await nodes[round]?.end('SIGKILL');
      await load.more(30);
      nodes[round] = await lab.serve();
      await redis.end();
      await redis.up();
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

  test('one that is away, or hangs, is BACKEND_ERROR, and is used again once it is back', async () => {
    const node = await lab.serve();
    const key = freshKey();
    expect(await status(node, key.otp(1))).toBe('OK');
    await redis.end();
    expect(await status(node, key.otp(2))).toBe('BACKEND_ERROR');
    expect(await health(node)).toBe(503);
    await redis.up();
    await expect.poll(() => health(node)).toBe(200);
    expect(await status(node, key.otp(1))).toBe('REPLAYED_OTP');
    expect(await status(node, key.otp(2))).toBe('OK');
    redis.signal('SIGSTOP');
    expect(await status(node, key.otp(3))).toBe('BACKEND_ERROR');
    redis.signal('SIGCONT');
    await expect.poll(() => health(node)).toBe(200);
    expect(await status(node, key.otp(4))).toBe('OK');
    await node.end();
  });

  test.for([
    [{ appendonly: 'no' }, 'appendonly is no'],
    [{ appendfsync: 'everysec' }, 'appendfsync is everysec'],
    [{ 'maxmemory-policy': 'allkeys-lru' }, 'maxmemory-policy is allkeys-lru'],
    [{ 'rename-command': 'CONFIG nobody' }, 'appendonly is not told'],
  ] as const)('one that may forget is refused, unless that is asked for: %o', async ([settings, why]) => {
    await redis.end();
    // Without its append-only file it would begin anew: what is in it is kept apart.
    await redis.up({ ...settings, ...('appendonly' in settings && { dir: lab.folder }) });
    expect(await failure()).toMatchObject({
      exit: 78,
      code: 'E_STORE_UNSAFE',
      message: expect.stringContaining(why),
    });
    expect((await list({ POSTERN_STORE_MAY_FORGET: 'true' })).exit).toBe(0);
    await redis.end();
    await redis.up();
  });

  test('one with replicas is refused, as they may take over without its last writes', async () => {
    const replica = await RedisLab.start();
    await replica.end();
    await replica.up({
      replicaof: `127.0.0.1 ${redis.port}`,
      masterauth: redis.password,
    });
    await expect
      .poll(async () => String(await redis.ask(0, 'INFO', 'replication')))
      .toContain('connected_slaves:1');
    expect(await failure()).toMatchObject({ exit: 78, message: expect.stringContaining('replicas') });
    const other = { POSTERN_STORE: replica.url(1), POSTERN_STORE_PASSWORD_FILE: join(lab.folder, 'other') };
    writeFileSync(other.POSTERN_STORE_PASSWORD_FILE, replica.password, { mode: 0o600 });
    expect(await failure(other)).toMatchObject({ exit: 69, message: expect.stringContaining('replica') });
    await replica.close();
  });

  test.for([
    ['a password in it', 'redis://:secret-horse@127.0.0.1', 'E_SECRET_ARGV'],
    ['another machine without TLS', 'redis://192.0.2.1', 'E_STORE_URL'],
    ['no number of a database', 'redis://127.0.0.1/otp', 'E_STORE_URL'],
  ] as const)('a URL with %s is refused', async ([, url, code]) => {
    const told = await failure({ POSTERN_STORE: url });
    expect(told).toMatchObject({ exit: 64, code });
    expect(JSON.stringify(told)).not.toContain('secret-horse');
  });

  test('a wrong password, another master key, and nobody there are told', async () => {
    const wrong = join(lab.folder, 'wrong');
    writeFileSync(wrong, 'wrong-horse', { mode: 0o600 });
    const told = await failure({ POSTERN_STORE_PASSWORD_FILE: wrong });
    expect(told).toMatchObject({ exit: 69, message: expect.stringContaining('WRONGPASS') });
    expect(JSON.stringify(told)).not.toContain('wrong-horse');
    const key = join(lab.folder, 'other.key');
    writeFileSync(key, 'ab'.repeat(32), { mode: 0o600 });
    expect(await failure({ POSTERN_MASTER_KEY_FILE: key })).toMatchObject({ exit: 78, code: 'E_MASTER_KEY' });
    const gone = await failure({ POSTERN_STORE: 'redis://127.0.0.1:1/0' });
    expect(gone).toMatchObject({ exit: 69, message: expect.stringContaining('ECONNREFUSED') });
  });
}
