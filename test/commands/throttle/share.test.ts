import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasRedis, RedisLab } from '../../helpers/redis.ts';
import { away, connected, ShareLab, type ShareNode, until } from '../../helpers/share-lab.ts';

// Three services with a front each, as on three machines, and a Redis between them. What the runbook
// docs/runbooks/throttle-on-several-machines.md promises rests on these.

const SITE = 'www.example.org';
const CLIENT = '198.51.100.7';
const OTHER = '198.51.100.8';

describe.runIf(hasRedis())('three nodes that share', () => {
  let redis: RedisLab;
  let lab: ShareLab;
  let a: ShareNode;
  let b: ShareNode;
  let c: ShareNode;
  let database = 0;

  beforeAll(async () => {
    redis = await RedisLab.start();
    // What is shared here need not survive.
    await redis.end();
    await redis.up({ appendonly: 'no' });
  });

  afterEach(async () => {
    redis.signal('SIGCONT');
    await lab.close();
  });

  afterAll(() => redis.close());

  async function start(limits = '20/2M') {
    database += 1;
    lab = await ShareLab.start(redis, database, ['a', 'b', 'c']);
    [a, b, c] = ['a', 'b', 'c'].map((name) => lab.node(name)) as [ShareNode, ShareNode, ShareNode];
    await a.cli('site', 'add', SITE, '--limits', limits);
    await everywhere(async (node) => (await node.sites()).some(({ name }) => name === SITE));
  }

  const everywhere = (what: (node: ShareNode) => Promise<boolean>, among: readonly ShareNode[] = [a, b, c]) =>
    until(async () => (await Promise.all(among.map(what))).every(Boolean));

  const counted = (requests: number, among?: readonly ShareNode[]) =>
    everywhere(async (node) => (await node.standing(CLIENT)).requests === requests, among);

  const isBlocked = async (node: ShareNode, client = CLIENT) =>
    (await node.blocks()).some((block) => block.client === client);

  const blocked = (among?: readonly ShareNode[]) => everywhere((node) => isBlocked(node), among);

  const ends = async (among: readonly ShareNode[] = [a, b, c]) =>
    Promise.all(
      among.map(async (node) =>
        Date.parse((await node.blocks()).find(({ client }) => client === CLIENT)?.until ?? ''),
      ),
    );

  /** A client spends some of its quota, from one node after another. */
  async function spend(requests: number, among: readonly ShareNode[] = [a, b, c]) {
    for (let sent = 0; sent < requests; sent += 1)
      expect((await among[sent % among.length]?.get(CLIENT))?.status).toBe(200);
  }

  test('count the sum, refuse everywhere when it is too much, and end the block at the same time', async () => {
    await start();
    await spend(20);
    await counted(20);
    expect((await b.get(CLIENT)).status).toBe(429);
    await blocked();
    for (const node of [a, b, c]) expect((await node.get(CLIENT)).status).toBe(429);
    const until = await ends();
    expect(Math.max(...until) - Math.min(...until)).toBeLessThan(500);
    for (const node of [a, b, c]) {
      expect((await node.get(OTHER)).status).toBe(200);
      expect((await node.get(CLIENT, { host: 'other.test' })).status).toBe(200);
    }
  });

  test('count bytes likewise: the response that goes over is served, and then nobody serves', async () => {
    await start();
    for (const node of [a, b, c, a, b, c, a])
      expect((await node.get(CLIENT, { path: '/300000' })).status).toBe(200);
    await blocked();
    for (const node of [a, b, c]) expect((await node.get(CLIENT)).status).toBe(429);
    expect((await a.blocks())[0]).toMatchObject({ limit: 'bytes' });
    expect((await c.get(OTHER)).status).toBe(200);
  });

  test('go on by themselves while Redis is dead, and bring back what it lost', async () => {
    await start();
    await spend(9);
    await counted(9);
    await a.cli('block', OTHER, '--site', SITE, '--for', '1h');
    await everywhere((node) => isBlocked(node, OTHER));
    // Others ask all the while; whoever is answered late waited for Redis.
    let stopped = false;
    const seen = new Set<number>();
    const load = [a, b, c].map(async (node, index) => {
      for (let sent = 0; !stopped; sent += 1)
        seen.add((await node.get(`203.0.113.${(sent % 80) * 3 + index}`)).status);
    });
    await redis.end('SIGKILL');
    await everywhere(async (node) => (await node.status()).share?.state === 'away');
    // Nine are known from all; each node adds its own.
    await spend(11, [a]);
    expect((await a.get(CLIENT)).status).toBe(429);
    await spend(5, [b]);
    for (const node of [a, b, c]) expect((await node.get(OTHER)).status).toBe(429);
    expect((await b.cli('status')).stdout).toMatch(/away since .*to be told/);
    expect((await b.cli('status')).exit).toBe(1);
    await redis.up({ appendonly: 'no' });
    await Promise.all([a, b, c].map(connected));
    stopped = true;
    await Promise.all(load);
    expect([...seen]).toEqual([200]);
    // Whoever was blocked by one of them is blocked by all.
    await blocked();
    expect(a.events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['share away', 'share connected']),
    );
    // And a node that comes now learns all of it from what the others told again.
    const d = await lab.add('d');
    await blocked([d]);
    for (const client of [CLIENT, OTHER]) expect((await d.get(client)).status).toBe(429);
    const requests = (await a.standing('203.0.113.3')).requests;
    await until(async () => (await d.standing('203.0.113.3')).requests === requests);
    expect(requests).toBeGreaterThan(0);
  });

  test('count together what each counted while Redis was away', async () => {
    await start();
    await redis.end();
    await Promise.all([a, b, c].map(away));
    await spend(6, [a]);
    await spend(7, [b]);
    await spend(8, [c]);
    await redis.up({ appendonly: 'no' });
    await blocked();
    const until = await ends();
    expect(Math.max(...until) - Math.min(...until)).toBeLessThan(500);
  });

  test('answer requests while Redis hangs, before they even know that it does', async () => {
    await start('1000000/20G');
    redis.signal('SIGSTOP');
    const answered = [a, b, c].map(async (node) => {
      let before = 0;
      while ((await node.status()).share?.state === 'connected') {
        expect((await node.get(CLIENT)).status).toBe(200);
        before += 1;
      }
      return before;
    });
    for (const each of await Promise.all(answered)) expect(each).toBeGreaterThan(2);
    // It does not keep a node from stopping, and what that could not tell its next life does.
    await c.end('SIGTERM');
    expect(c.events.at(-1)?.event).toBe('stopped');
    await c.up();
    redis.signal('SIGCONT');
    await Promise.all([a, b, c].map(connected));
    // Whatever the server did with what it was asked while it hung: it counts once.
    const sum = (await Promise.all(answered)).reduce((all, each) => all + each, 0);
    await counted(sum);
  });

  test('have their counts and blocks again after a kill, and after a stop, neither lost nor doubled', async () => {
    await start();
    await b.cli('block', OTHER, '--site', SITE, '--for', '1h');
    await spend(12);
    await counted(12);
    await c.end('SIGKILL');
    await spend(3, [a, b]);
    await c.up();
    await connected(c);
    await counted(15);
    await c.end('SIGTERM');
    await spend(3, [a]);
    await c.up();
    await connected(c);
    await counted(18);
    expect((await c.get(OTHER)).status).toBe(429);
    await spend(2, [c]);
    expect((await c.get(CLIENT)).status).toBe(429);
    await blocked();
  });

  test('take what an administrator says to one of them', async () => {
    await start();
    await spend(20);
    await counted(20);
    expect((await a.get(CLIENT)).status).toBe(429);
    await blocked();
    expect((await c.cli('unblock', CLIENT)).exit).toBe(0);
    await everywhere(async (node) => !(await isBlocked(node)));
    for (const node of [a, b, c]) expect((await node.get(CLIENT)).status).toBe(200);

    expect((await b.cli('policy', 'set', SITE, '1000/20M', '--for', '1h')).exit).toBe(0);
    await everywhere(async (node) => (await node.site(SITE))?.policy.limits === '1000/20M');
    expect(there(await a.site(SITE)).lasting.limits).toBe('20/2M');

    expect((await a.cli('exempt', '203.0.113.0/24', '--reason', 'office')).exit).toBe(0);
    const exempt = async (at: ShareNode) => (await at.cli('exempt')).stdout.includes('203.0.113.0/24');
    await everywhere(exempt);
    expect((await c.cli('exempt', '203.0.113.0/24', '--remove')).exit).toBe(0);
    await everywhere(async (at) => !(await exempt(at)));

    expect((await c.cli('site', 'remove', SITE)).exit).toBe(0);
    await everywhere(async (at) => (await at.site(SITE)) === undefined);
  });

  test('what was changed while Redis was away holds everywhere afterwards, the last change of each thing', async () => {
    await start();
    await a.cli('block', CLIENT, '--site', SITE);
    await blocked();
    await redis.end();
    await Promise.all([a, b, c].map(away));
    await a.cli('unblock', CLIENT);
    await a.end('SIGTERM');
    await a.up();
    await a.cli('policy', 'set', SITE, '500/20M');
    await b.cli('policy', 'set', SITE, '100/5M');
    await c.cli('site', 'add', 'new.example.org');
    await c.end('SIGKILL');
    await redis.up({ appendonly: 'no' });
    await c.up();
    await everywhere(async (at) => (await at.site(SITE))?.policy.limits === '100/5M');
    await everywhere(async (at) => (await at.site('new.example.org')) !== undefined);
    await everywhere(async (at) => !(await isBlocked(at)));
  });
});

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}
