import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasRedis, RedisLab } from '../../helpers/redis.ts';
import { ShareLab, type ShareNode, until } from '../../helpers/share-lab.ts';

// Three services with a front each, as on three machines, and a Redis between them.

const CLIENT = '198.51.100.7';

describe.runIf(hasRedis())('three nodes that share', () => {
  let redis: RedisLab;
  let lab: ShareLab;
  let nodes: readonly [ShareNode, ShareNode, ShareNode];
  let database = 0;

  beforeAll(async () => {
    redis = await RedisLab.start();
  });

  afterEach(() => lab.close());

  afterAll(() => redis.close());

  async function start(limits = '20/2M') {
    database += 1;
    lab = await ShareLab.start(redis, database, ['a', 'b', 'c']);
    nodes = lab.nodes as unknown as typeof nodes;
    await nodes[0].cli('site', 'add', 'www.example.org', '--limits', limits);
    await until(async () => (await Promise.all(nodes.map(has))).every(Boolean));
  }

  const has = async (node: ShareNode) => (await node.cli('site', 'list')).stdout.includes('www.example.org');

  const counted = async (requests: number, among: readonly ShareNode[] = nodes) =>
    until(async () =>
      (await Promise.all(among.map((node) => node.standing(CLIENT)))).every(
        (each) => each.requests === requests,
      ),
    );

  test('count the sum, refuse everywhere when it is too much, and end the block at the same time', async () => {
    await start();
    for (let sent = 0; sent < 20; sent += 1) expect((await nodes[sent % 3]?.get(CLIENT))?.status).toBe(200);
    await counted(20);
    expect((await nodes[1].get(CLIENT)).status).toBe(429);
    await until(async () =>
      (await Promise.all(nodes.map((node) => node.blocks()))).every((each) => each.length === 1),
    );
    for (const node of nodes) expect((await node.get(CLIENT)).status).toBe(429);
    const ends = (await Promise.all(nodes.map((node) => node.blocks()))).map(([block]) =>
      Date.parse(block?.until ?? ''),
    );
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThan(1000);
    for (const node of nodes) {
      expect((await node.get('198.51.100.8')).status).toBe(200);
      expect((await node.get(CLIENT, { host: 'other.test' })).status).toBe(200);
    }
  });
});
