import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../../src/redis/place.ts';
import { formatLimits, parseLimits } from '../../../../src/throttle/limits.ts';
import { ShareLink } from '../../../../src/throttle/share/link.ts';
import { newSite } from '../../../../src/throttle/site.ts';
import { openSqliteStore } from '../../../../src/throttle/sqlite-store.ts';
import { Warden, type WardenEvent } from '../../../../src/throttle/warden.ts';
import { hasRedis, RedisLab } from '../../../helpers/redis.ts';
import { until } from '../../../helpers/share-lab.ts';

// Who joins, and who comes back: whose settings hold.

/** A node that can leave and come back with what it has. */
class Machine {
  readonly warden: Warden;
  readonly events: WardenEvent[];
  private readonly url: string;
  private readonly password: string;
  private link: ShareLink | null = null;

  private constructor(warden: Warden, events: WardenEvent[], url: string, password: string) {
    this.warden = warden;
    this.events = events;
    this.url = url;
    this.password = password;
  }

  static async make(url: string, password: string): Promise<Machine> {
    const events: WardenEvent[] = [];
    const store = await openSqliteStore(':memory:');
    const onEvent = (event: WardenEvent) => events.push(event);
    return new Machine(new Warden({ store, now: () => Date.now(), seed: 3, onEvent }), events, url, password);
  }

  async join(): Promise<void> {
    const link = new ShareLink(
      this.warden,
      {
        server: parseRedisUrl(this.url, 'share'),
        password: () => this.password,
        life: `${Math.random()}`.slice(2),
        random: () => 0,
      },
      (event) => this.events.push(event),
    );
    this.link = link;
    link.start();
    await until(() => link.describe().state === 'connected' && link.describe().waiting === 0);
  }

  async leave(): Promise<void> {
    await this.link?.stop();
    this.link = null;
  }

  add(name: string, limits: string, aliases: readonly string[] = []): void {
    const site = newSite(this.warden.sites.nextNumber(), name);
    const policy = { limits: parseLimits(limits), mode: 'enforce' } as const;
    this.warden.saveSite({ ...site, aliases, policy }, 'site added', limits);
  }

  set(name: string, limits: string): void {
    const site = this.warden.sites.named(name);
    this.warden.saveSite(
      { ...site, policy: { ...site.policy, limits: parseLimits(limits) } },
      'policy set',
      limits,
    );
  }

  /** Changes are of this moment: the clock of the server is known to some milliseconds only. */
  setClock(atMs: number): void {
    const { share } = this.warden as unknown as { share: { nowMs: () => number } };
    share.nowMs = () => atMs;
  }

  sites(): string[] {
    return this.warden.sites
      .all()
      .map(({ name, aliases, policy }) => [name, formatLimits(policy.limits), ...aliases].join(' '));
  }
}

describe.runIf(hasRedis())('of two machines', () => {
  let redis: RedisLab;
  let one: Machine;
  let two: Machine;
  let database = 0;

  beforeAll(async () => {
    redis = await RedisLab.start();
    await redis.end();
    await redis.up({ appendonly: 'no' });
  });

  beforeEach(async () => {
    database += 1;
    [one, two] = [
      await Machine.make(redis.url(database), redis.password),
      await Machine.make(redis.url(database), redis.password),
    ];
  });

  afterEach(() => Promise.all([one.leave(), two.leave()]));

  afterAll(() => redis.close());

  const alike = (expected: readonly string[]) =>
    until(() => [one, two].every((each) => each.sites().join() === expected.join()));

  test('the one that joins yields, and what only it has is had by both', async () => {
    one.add('www.example.org', '20/2M');
    one.add('one.example.org', '500/20M');
    await one.join();
    // Later, and it does not count: it was set by somebody who did not know of the other.
    two.add('www.example.org', '2000/50M');
    two.add('two.example.org', '100/5M');
    two.warden.exempt({ network: '192.0.2.0/24', site: null, reason: 'two', untilMs: null });
    await two.join();
    await alike([
      'one.example.org 500/20M',
      'two.example.org 100/5M',
      'www.example.org 20/2M',
      'other 10000/200M',
    ]);
    await until(() => one.warden.ownExemptions()[0]?.reason === 'two');
    expect(two.events.map(({ event }) => event)).toContain('site changed elsewhere');
  });

  test('the last change of each thing stays, of whoever made it while the other was away', async () => {
    one.add('www.example.org', '20/2M');
    one.add('gone.example.org', '20/2M');
    await one.join();
    await two.join();
    await alike(['gone.example.org 20/2M', 'www.example.org 20/2M', 'other 10000/200M']);
    await two.leave();
    two.setClock(Date.now() + 1000);
    one.setClock(Date.now() + 2000);
    two.set('www.example.org', '100/5M');
    two.set('gone.example.org', '100/5M');
    one.set('www.example.org', '500/20M');
    one.warden.removeSite(one.warden.sites.named('gone.example.org'));
    one.add('new.example.org', '20/2M');
    await two.join();
    await alike(['new.example.org 20/2M', 'www.example.org 500/20M', 'other 10000/200M']);
  });

  test('two changes of the same moment end alike, when they meet in the server and when they meet later', async () => {
    one.add('www.example.org', '20/2M');
    await one.join();
    await two.join();
    await until(() => two.warden.sites.has('www.example.org'));
    const atMs = Date.now() + 1000;
    for (const [at, limits] of [
      [atMs, ['500/20M', '100/5M']],
      [atMs + 1, ['501/20M', '101/5M']],
    ] as const) {
      for (const each of [one, two]) each.setClock(at);
      one.set('www.example.org', limits[0]);
      two.set('www.example.org', limits[1]);
      await until(() => one.sites()[0] === two.sites()[0] && one.sites()[0] !== 'www.example.org 20/2M');
      await two.leave();
      await two.join();
      await alike(one.sites());
    }
  });

  test('what was removed does not come back with one that did not hear of it, also when the server forgot', async () => {
    one.add('www.example.org', '20/2M');
    one.warden.exempt({ network: '192.0.2.0/24', site: null, reason: '', untilMs: null });
    await one.join();
    await two.join();
    await until(() => two.warden.ownExemptions().length === 1);
    await two.leave();
    one.warden.removeSite(one.warden.sites.named('www.example.org'));
    one.warden.unexempt('192.0.2.0/24', null);
    await redis.ask(database, 'FLUSHDB');
    await two.join();
    await alike(['other 10000/200M']);
    await until(() => two.warden.ownExemptions().length === 0);
  });

  test('a block that was lifted does not come back with one that did not hear of it', async () => {
    one.add('www.example.org', '20/2M');
    await one.join();
    await two.join();
    await until(() => two.warden.sites.has('www.example.org'));
    const client = one.warden.clientNamed('198.51.100.7');
    one.warden.block(one.warden.sites.named('www.example.org'), client, 3_600_000, '');
    await until(() => two.warden.blocks().length === 1);
    await two.leave();
    one.warden.unblock(client, null);
    await two.join();
    await until(() => two.warden.blocks().length === 0);
    expect(one.warden.blocks()).toEqual([]);
  });

  test('a name that both use stays with the site that has it, and it is told', async () => {
    one.add('www.example.org', '20/2M', ['shop.example.org']);
    await one.join();
    two.add('shop.example.org', '100/5M');
    await two.join();
    await until(() => two.warden.sites.has('www.example.org'));
    expect(two.sites()).toEqual(['shop.example.org 100/5M', 'www.example.org 20/2M', 'other 10000/200M']);
    await until(() => one.events.some(({ event }) => event === 'share strange'));
    expect(one.sites()).toEqual(['www.example.org 20/2M shop.example.org', 'other 10000/200M']);
  });

  test('a temporary policy ends on both at its time, and a budget is of both together', async () => {
    one.add('www.example.org', '20/2M');
    const site = one.warden.sites.named('www.example.org');
    const budget = { requests: 10, bytes: 1e6 };
    const temporary = { ...site.policy, mode: 'dry' as const, untilMs: Date.now() + 3_600_000 };
    one.warden.saveSite({ ...site, budget, temporary }, 'site changed', '');
    await one.join();
    await two.join();
    await until(() => two.warden.sites.has('www.example.org'));
    const there = two.warden.sites.named('www.example.org');
    expect(there).toMatchObject({ budget, temporary: { mode: 'dry' } });
    expect(Math.abs((there.temporary?.untilMs ?? 0) - temporary.untilMs)).toBeLessThan(500);
    one.set('www.example.org', '20/2M');
    for (const [at, each] of [one, two, one, two, one, two].entries())
      each.warden.admit('www.example.org', `198.51.100.${at}`, { method: 'GET', path: '/', userAgent: '' });
    await until(() =>
      [one, two].every(({ warden }) => warden.spent(warden.sites.named('www.example.org')).requests === 6),
    );
  });

  test('what a web server counted by itself, and whom it blocked, is told as well', async () => {
    one.add('www.example.org', '20/2M');
    await one.join();
    await two.join();
    await until(() => two.warden.sites.has('www.example.org'));
    const [here, there] = [one, two].map(({ warden }) => warden.sites.named('www.example.org'));
    if (here === undefined || there === undefined) return;
    const second = Math.floor(Date.now() / 1000);
    one.warden.noteClient(here, '198.51.100.7', {
      windowStart: second,
      requests: 9,
      bytes: 90,
      isFirst: false,
    });
    one.warden.adopt(here, one.warden.clientNamed('198.51.100.8'), 'bytes', Date.now() + 60_000);
    await until(
      () => two.warden.standing(there, two.warden.clientNamed('198.51.100.7')).standing.requests === 9,
    );
    await until(() => two.warden.blocks().length === 1);
    expect(two.warden.blocks()[0]?.block).toMatchObject({ limit: 'bytes', client: { text: '198.51.100.8' } });
    // Nine there and twelve here are too much, whoever refuses.
    for (let sent = 0; sent < 12; sent += 1)
      two.warden.admit('www.example.org', '198.51.100.7', { method: 'GET', path: '/', userAgent: '' });
    await until(() => one.warden.blocks().length === 2);
  });
});
