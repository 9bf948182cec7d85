import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasRedis, RedisLab } from '../helpers/redis.ts';
import { connected, ShareLab, type ShareNode, until } from '../helpers/share-lab.ts';

// Three nodes under load while whatever can befall them does, at random: the server is killed, hangs, is emptied; nodes are
// killed and stopped. Afterwards each of them has counted every request that anybody served, once.

const SITE = 'www.example.org';
const MINUTES = Number(process.env['POSTERN_NIGHT_MINUTES'] ?? 5);

/** By then a node has told all that it counted. */
const TOLD_MS = 1000;

/** By then a node has noticed that the server was emptied, and told it again. */
const AGAIN_MS = 10_000;

describe.runIf(hasRedis())('three nodes that share', () => {
  let redis: RedisLab;
  let lab: ShareLab;
  let nodes: ShareNode[];

  beforeAll(async () => {
    redis = await RedisLab.start();
    await redis.end();
    await redis.up({ appendonly: 'no' });
    const names = ['a', 'b', 'c'];
    lab = await ShareLab.start(redis, 1, names);
    nodes = names.flatMap((name) => lab.node(name) ?? []);
    await nodes[0]?.cli('site', 'add', SITE, '--limits', '1000000000/900G');
    await until(async () => (await Promise.all(nodes.map((node) => node.site(SITE)))).every(Boolean));
  });

  afterAll(async () => {
    await lab.close();
    await redis.close();
  });

  test('lose and double nothing, whatever breaks', async () => {
    const random = (below: number) => Math.floor(Math.random() * below);
    const spared = new Set<ShareNode>();
    const served = new Map<string, number>();
    const others: string[] = [];
    let stopped = false;
    const load = Array.from({ length: 6 }, async (_, worker) => {
      for (let sent = 0; !stopped; sent += 1) {
        const node = nodes[(worker + sent) % nodes.length];
        if (node === undefined || spared.has(node)) {
          await setTimeout(5);
          continue;
        }
        const client = `203.0.113.${(sent * 7 + worker) % 50}`;
        const { status } = await node.get(client);
        if (status === 200) served.set(client, (served.get(client) ?? 0) + 1);
        else others.push(`${client} ${status}`);
      }
    });
    const restart = async (signal: NodeJS.Signals) => {
      const node = nodes[random(nodes.length)];
      if (node === undefined) return;
      spared.add(node);
      await setTimeout(TOLD_MS);
      await node.end(signal);
      await setTimeout(random(1500));
      await node.up();
      spared.delete(node);
    };
    const mishaps = [
      async () => {
        await redis.end();
        await setTimeout(random(4000));
        await redis.up({ appendonly: 'no' });
      },
      async () => {
        redis.signal('SIGSTOP');
        await setTimeout(random(5000));
        redis.signal('SIGCONT');
      },
      () => redis.ask(1, 'FLUSHDB'),
      () => restart('SIGKILL'),
      () => restart('SIGTERM'),
    ];
    // The window has ten minutes: what is counted must not leave it.
    for (const endMs = Date.now() + MINUTES * 60_000; Date.now() < endMs; ) {
      await setTimeout(500 + random(2500));
      await mishaps[random(mishaps.length)]?.();
    }
    stopped = true;
    await Promise.all(load);
    await Promise.all(nodes.map(connected));
    await setTimeout(AGAIN_MS);
    expect(others).toEqual([]);
    expect(served.size).toBe(50);
    for (const node of nodes)
      for (const [client, requests] of served)
        expect([node.name, client, (await node.standing(client)).requests]).toEqual([
          node.name,
          client,
          requests,
        ]);
  });
});
