import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../../src/redis/place.ts';
import { clientOf } from '../../../../src/throttle/client.ts';
import type { Limits } from '../../../../src/throttle/limits.ts';
import { ShareLink } from '../../../../src/throttle/share/link.ts';
import { newSite } from '../../../../src/throttle/site.ts';
import { openSqliteStore } from '../../../../src/throttle/sqlite-store.ts';
import { Warden } from '../../../../src/throttle/warden.ts';
import { hasRedis, RedisLab } from '../../../helpers/redis.ts';
import { until } from '../../../helpers/share-lab.ts';

// Three engines that are fed by random traffic, each with a third of it, and one that sees all.

/** Stands between nodes and the server, and breaks connections when the server has done what it was asked. */
class Breaker {
  port = 0;
  /** Answers that are left before the next one is lost. */
  answers = Number.POSITIVE_INFINITY;
  broken = 0;
  private readonly server: Server;

  constructor(to: number) {
    this.server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      const end = () => {
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on('error', end).on('close', end);
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => {
        this.answers -= 1;
        if (this.answers > 0) near.write(chunk);
        else {
          this.answers = 25;
          this.broken += 1;
          end();
        }
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

type Peer = { readonly warden: Warden; readonly link: ShareLink; readonly aheadMs: number };

const REQUEST = { method: 'GET', path: '/', userAgent: '' };
const SITES = ['a.test', 'b.test', 'c.test'];
/** Marsaglia's xorshift: the same traffic each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

async function wardenAt(
  now: () => number,
  limits: Limits,
  counted: Uint8Array | null = null,
): Promise<Warden> {
  const warden = new Warden({
    store: await openSqliteStore(':memory:'),
    now,
    seed: 3,
    exemptLoopback: false,
    counted,
    onEvent: () => undefined,
  });
  for (const [index, name] of SITES.entries()) {
    const budget = index === 0 ? { requests: 1e6, bytes: 1e9 } : null;
    const site = newSite(warden.sites.nextNumber(), name);
    warden.saveSite({ ...site, budget, policy: { limits, mode: 'enforce' } }, 'site added', '');
  }
  return warden;
}

describe.runIf(hasRedis())('three engines that share, once it is quiet,', () => {
  let redis: RedisLab;
  const peers: Peer[] = [];
  let database = 0;
  let lives = 0;

  beforeAll(async () => {
    redis = await RedisLab.start();
  });

  afterEach(async () => {
    await Promise.all(peers.splice(0).map(({ link }) => link.stop()));
  });

  afterAll(() => redis.close());

  /** @param aheadMs  what the clock of this node is ahead */
  async function join(
    limits: Limits,
    aheadMs: number,
    port = redis.port,
    counted: Uint8Array | null = null,
    isThere = true,
  ): Promise<Peer> {
    const warden = await wardenAt(() => Date.now() + aheadMs, limits, counted);
    const server = parseRedisUrl(`redis://127.0.0.1:${port}/${database}`, 'share');
    const password = () => redis.password;
    lives += 1;
    const life = `node${lives}`;
    const link = new ShareLink(warden, { server, password, life, random: () => 0 }, () => undefined);
    link.start();
    const peer = { warden, link, aheadMs };
    peers.push(peer);
    if (isThere) await until(() => link.describe().state === 'connected');
    return peer;
  }

  /** Play traffic to nodes at random and to the one that sees all. */
  async function play(
    seed: number,
    all: Warden,
    clients: number,
    rounds: number,
    amid = async (_: number) => {},
  ) {
    const next = random(seed);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
    for (let round = 0; round < rounds; round += 1) {
      await amid(round);
      // The same second for both: the clock does not go on within a turn of the loop, or hardly.
      for (let sent = 0; sent < 40; sent += 1) {
        const [site, bytes] = [pick(SITES), Math.floor(next() * 5000)];
        const address = `192.0.2.${Math.floor(next() ** 2 * clients)}`;
        for (const warden of [pick(peers).warden, all]) {
          const verdict = warden.admit(site, address, REQUEST);
          if (verdict.kind === 'serve') verdict.account(bytes);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  function standings(warden: Warden, clients: number) {
    return SITES.flatMap((name) => {
      const site = warden.sites.named(name);
      return Array.from({ length: clients }, (_, last) => {
        const client = clientOf(`192.0.2.${last}`);
        const { requests, bytes } = warden.standing(site, client ?? warden.clientNamed('')).standing;
        return `${name} 192.0.2.${last} ${requests} ${bytes}`;
      }).concat(`${name} ${warden.spent(site).requests} ${warden.spent(site).bytes}`);
    });
  }

  /** Wait until all have what one has that saw all. */
  const agree = (all: Warden) =>
    until(() => {
      const expected = standings(all, 50);
      return peers.every(({ warden }) => standings(warden, 50).every((each, at) => each === expected[at]));
    });

  const blocked = ({ warden }: { warden: Warden }) =>
    new Set(warden.blocks().map(({ block }) => `${warden.sites.at(block.site).name} ${block.client.text}`));

  const UNLIMITED = { requests: 1e9, bytes: 1e12 };

  test.for([
    ['clocks that agree', [0, 0, 0]],
    ['clocks that are seconds apart', [0, 7000, -3000]],
  ] as const)('have what one engine has that saw all, with %s', async ([, ahead]) => {
    database += 1;
    for (const aheadMs of ahead) await join(UNLIMITED, aheadMs);
    const all = await wardenAt(() => Date.now(), UNLIMITED);
    await play(20_261_125, all, 50, 150);
    await agree(all);
    expect(all.spent(all.sites.named('a.test')).requests).toBeGreaterThan(500);
  });

  test.for([
    ['empty', false],
    ['from an older copy', true],
  ] as const)(
    'have it also when the server is killed twice on the way and comes back %s',
    async ([, isCopied]) => {
      database += 1;
      await redis.end();
      await redis.up({ appendonly: 'no' });
      for (const aheadMs of [0, 0, 0]) await join(UNLIMITED, aheadMs);
      const all = await wardenAt(() => Date.now(), UNLIMITED);
      await play(7, all, 50, 150, async (round) => {
        if (isCopied && (round === 30 || round === 75)) await redis.ask(0, 'SAVE');
        if (round === 40 || round === 90) await redis.end();
        if (round === 60 || round === 91) await redis.up({ appendonly: 'no' });
      });
      await until(() => peers.every(({ link }) => link.describe().state === 'connected'));
      await agree(all);
    },
  );

  test('have it also when nodes begin again from an older file, with what they and others told since', async () => {
    database += 1;
    for (const aheadMs of [0, 2000, -1000]) await join(UNLIMITED, aheadMs);
    const all = await wardenAt(() => Date.now(), UNLIMITED);
    let files = peers.map(() => new Uint8Array());
    await play(31, all, 50, 150, async (round) => {
      if (round % 20 === 5) files = peers.map(({ warden }) => Uint8Array.from(warden.snapshot()));
      if (round % 20 !== 15) return;
      const index = Math.floor(round / 20) % 3;
      const [old] = peers.splice(index, 1);
      if (old === undefined) return;
      // What nobody was told dies with a node.
      await until(() => old.link.describe().waiting === 0);
      await old.link.stop();
      const fresh = await join(UNLIMITED, old.aheadMs, redis.port, files[index]);
      peers.splice(peers.indexOf(fresh), 1);
      peers.splice(index, 0, fresh);
    });
    await agree(all);
    expect(lives).toBeGreaterThan(8);
  });

  test('have it also when nodes begin again while the server is away, twice, with what they could not tell', async () => {
    database += 1;
    for (const aheadMs of [0, 0, 0]) await join(UNLIMITED, aheadMs);
    const all = await wardenAt(() => Date.now(), UNLIMITED);
    await play(77, all, 50, 120, async (round) => {
      if (round === 30) await redis.end();
      if ([50, 51, 70].includes(round)) {
        const [old] = peers.splice(1, 1);
        if (old === undefined) return;
        const file = Uint8Array.from(old.warden.snapshot());
        await old.link.stop();
        const fresh = await join(UNLIMITED, 0, redis.port, file, false);
        peers.splice(peers.indexOf(fresh), 1);
        peers.splice(1, 0, fresh);
      }
      if (round === 90) await redis.up({ appendonly: 'no' });
    });
    await agree(all);
  });

  test('count nothing twice when connections break after the server did what it was asked', async () => {
    database += 1;
    const breaker = new Breaker(redis.port);
    await breaker.listen();
    for (const aheadMs of [0, 0, 0]) await join(UNLIMITED, aheadMs, breaker.port);
    const all = await wardenAt(() => Date.now(), UNLIMITED);
    breaker.answers = 25;
    await play(11, all, 50, 150);
    expect(breaker.broken).toBeGreaterThan(3);
    breaker.answers = Number.POSITIVE_INFINITY;
    await agree(all);
    await Promise.all(peers.splice(0).map(({ link }) => link.stop()));
    await breaker.close();
  });

  test('block whom one engine blocks that saw all, nobody else, and until the same moment', async () => {
    database += 1;
    const limits = { requests: 40, bytes: 100_000 };
    for (const aheadMs of [0, 7000, -3000]) await join(limits, aheadMs);
    for (const { link, aheadMs } of peers)
      expect(Math.abs(link.describe().clockAheadMs + aheadMs)).toBeLessThan(500);
    const all = await wardenAt(() => Date.now(), limits);
    await play(99, all, 80, 100);
    const expected = blocked({ warden: all });
    expect(expected.size).toBeGreaterThan(10);
    await until(() => peers.every((peer) => blocked(peer).size >= expected.size));
    for (const peer of peers) expect(blocked(peer)).toEqual(expected);
    // As near as the clock of the server can be told.
    const ends = ({ warden, aheadMs }: Peer) =>
      new Map(
        warden.blocks().map(({ block }) => [`${block.site} ${block.client.text}`, block.untilMs - aheadMs]),
      );
    const [first, ...others] = peers.map(ends);
    for (const other of others)
      for (const [name, untilMs] of other)
        expect(Math.abs(untilMs - (first?.get(name) ?? 0))).toBeLessThan(500);
  });
});
