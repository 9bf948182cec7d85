import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../../src/redis/place.ts';
import { ShareLink } from '../../../../src/throttle/share/link.ts';
import { BLOCKS, EXEMPTIONS, SITES, STREAM } from '../../../../src/throttle/share/scripts.ts';
import {
  readBlockField,
  readBlockValue,
  readCounts,
  readExemptionRecord,
  readOperations,
  readSiteRecord,
  recordValue,
  siteRecord,
} from '../../../../src/throttle/share/wire.ts';
import { newSite } from '../../../../src/throttle/site.ts';
import { openSqliteStore } from '../../../../src/throttle/sqlite-store.ts';
import { Warden, type WardenEvent } from '../../../../src/throttle/warden.ts';
import { hasRedis, RedisLab } from '../../../helpers/redis.ts';
import { until } from '../../../helpers/share-lab.ts';

// Whoever else writes to the server, and whatever: it is left out and told, and what makes sense counts.

test('whatever text comes, reading it throws nothing and believes nothing odd', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^(@?\d{0,18} ?[a-z.*]{0,5} ?\d{0,18}\n){0,5}$/),
    fc.json().map((json) => `17 ${json}`),
  );
  fc.assert(
    fc.property(text, text, (one, other) => {
      for (const row of readCounts(one)) {
        if (row === null) continue;
        expect(Number.isSafeInteger(row.requests) && row.requests >= 0).toBe(true);
        expect(Number.isSafeInteger(row.bytes) && row.bytes >= 0).toBe(true);
      }
      for (const _ of readOperations(one));
      readBlockField(one);
      for (const op of ['b', 'm', 'x', one]) readBlockValue(op, other);
      const site = readSiteRecord('www.example.org', one)?.value;
      if (site) expect(site.policy.limits.requests).toBeGreaterThan(0);
      readSiteRecord(one, other);
      readExemptionRecord(one, other);
      readExemptionRecord('192.0.2.0/24 *', one);
    }),
    { numRuns: 2000 },
  );
});

const SITE = { ...newSite(1, 'www.example.org'), note: 'kept' };
const GOOD = siteRecord(SITE);

test.for([
  ['no limits', { ...GOOD, policy: { mode: 'enforce' } }],
  ['limits of nothing', { ...GOOD, policy: { ...GOOD.policy, limits: { requests: 0, bytes: 1 } } }],
  ['limits beyond counting', { ...GOOD, policy: { ...GOOD.policy, limits: { requests: 1e300, bytes: 1 } } }],
  ['another mode', { ...GOOD, policy: { ...GOOD.policy, mode: 'destroy' } }],
  ['an alias that is no name', { ...GOOD, aliases: ['a b'] }],
  ['too many aliases', { ...GOOD, aliases: Array.from({ length: 101 }, (_, at) => `a${at}.test`) }],
  ['a number for a note', { ...GOOD, note: 7 }],
  ['a note without end', { ...GOOD, note: 'x'.repeat(501) }],
  ['another status', { ...GOOD, refusal: 200 }],
  ['a policy until never', { ...GOOD, temporary: { ...GOOD.policy, untilMs: 'never' } }],
  ['a budget in words', { ...GOOD, budget: 'much' }],
  ['a list', []],
] as const)('a site with %s is not taken', ([, record]) => {
  expect(readSiteRecord('www.example.org', recordValue(5, record))).toBeNull();
});

test('a site and its removal are read as they were written', () => {
  expect(readSiteRecord('www.example.org', recordValue(5, GOOD))).toEqual({ atMs: 5, value: GOOD });
  expect(readSiteRecord('www.example.org', recordValue(6, null))).toEqual({ atMs: 6, value: null });
});

describe.runIf(hasRedis())('a server with strange things in it', () => {
  let redis: RedisLab;
  let link: ShareLink | undefined;
  let database = 0;

  beforeAll(async () => {
    redis = await RedisLab.start();
    await redis.end();
    await redis.up({ appendonly: 'no' });
  });

  afterEach(() => link?.stop());

  afterAll(() => redis.close());

  const put = (command: string, ...values: (string | number)[]) => redis.ask(database, command, ...values);

  const entry = (life: string, number: number | string, counts: string, told = '') =>
    put('XADD', STREAM, '*', 'life', life, 'number', number, 'counts', counts, 'told', told, 'written', 1);

  async function node(windowMs = 600_000) {
    const events: WardenEvent[] = [];
    const warden = new Warden({
      store: await openSqliteStore(':memory:'),
      now: () => Date.now(),
      seed: 3,
      windowMs,
      onEvent: (event) => events.push(event),
    });
    const server = parseRedisUrl(redis.url(database), 'share');
    const onEvent = (event: WardenEvent) => events.push(event);
    const options = { server, password: () => redis.password, life: `node${windowMs}`, random: () => 0 };
    const joined = new ShareLink(warden, options, onEvent);
    link = joined;
    joined.start();
    return { warden, link: joined, events };
  }

  const second = () => Math.floor(Date.now() / 1000);

  test('is read past all of it', async () => {
    database += 1;
    await put(
      'HSET',
      SITES,
      'www.example.org',
      recordValue(5, GOOD),
      'bad name',
      'x',
      'big.test',
      'x'.repeat(70_000),
    );
    await put(
      'HSET',
      EXEMPTIONS,
      'everybody',
      '1 {}',
      '192.0.2.0/24 *',
      recordValue(5, { reason: 'r', untilMs: null }),
    );
    await put(
      'HSET',
      BLOCKS,
      'www.example.org nobody',
      'b 1 2 requests 3 4',
      'www.example.org 192.0.2.1',
      'z',
    );
    await put('HSET', BLOCKS, 'www.example.org 192.0.2.2', `b 1 ${Date.now() + 4e11} requests 3 4`);
    await put('XADD', STREAM, '*', 'life', 'x');
    await put('XADD', STREAM, '*', ...Array.from({ length: 10 }, () => 'y'));
    await entry('peer', 'many', '');
    await entry('a name with blanks', 1, `@${second()} www.example.org\n198.51.100.7 1 1\n`);
    await entry('peer', 1, 'x'.repeat(2_000_000));
    await entry(
      'peer',
      2,
      `@${second()} www.example.org\n198.51.100.7 4 40\n198.51.100.7 -4 1\nnobody 1 1\n`,
    );
    await entry('peer', 2, `@${second()} www.example.org\n198.51.100.7 4 40\n`);
    await entry(
      'peer',
      3,
      `@99999999999999 www.example.org\n198.51.100.7 1 1\n`,
      'b\tx\ny\tz\ts\ns\twww.example.org\t9 {}',
    );
    await entry(
      'peer',
      4,
      `@1 www.example.org\n198.51.100.7 1 1\n@${second()} nowhere.test\n198.51.100.7 1 1\n`,
    );
    const { warden, link: joined, events } = await node();
    await until(() => joined.describe().state === 'connected');
    await entry('peer', 5, `@${second()} www.example.org\n198.51.100.7 2 20\n`);
    const client = warden.clientNamed('198.51.100.7');
    const standing = () => warden.standing(warden.sites.named('www.example.org'), client).standing;
    // Four, one from a second that has not come yet, and two.
    await until(() => standing().requests === 7);
    expect(warden.sites.all().map(({ name }) => name)).toEqual(['www.example.org', 'other']);
    expect(warden.sites.named('www.example.org')).toMatchObject({ note: 'kept' });
    expect(warden.ownExemptions().map(({ network }) => network)).toEqual(['192.0.2.0/24']);
    expect(warden.blocks()).toEqual([]);
    expect(joined.describe()).toMatchObject({ state: 'connected' });
    expect(joined.describe().strange).toBeGreaterThan(8);
    // Once, not for each.
    expect(events.filter(({ event }) => event === 'share strange')).toHaveLength(1);
  });

  test('whose keys are of another kind is told about, and taken when they are gone', async () => {
    database += 1;
    await put('SET', STREAM, 'mine');
    const { link: joined, events } = await node();
    await until(() => joined.describe().reason?.includes('WRONGTYPE') === true);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'share away', reason: expect.stringContaining('WRONGTYPE') }),
    );
    await put('DEL', STREAM);
    await until(() => joined.describe().state === 'connected');
  });

  test('by which others count in another way is not shared with, until they are gone', async () => {
    database += 1;
    const first = await node();
    await until(() => first.link.describe().state === 'connected');
    const second = await node(60_000);
    await until(() => second.link.describe().reason?.includes('count differently') === true);
    expect(first.link.describe().state).toBe('connected');
    await first.link.stop();
    await put('DEL', '{postern-throttle}:setup');
    await until(() => second.link.describe().state === 'connected');
  });

  test('that somebody empties has everything again from the nodes', async () => {
    database += 1;
    const { warden, link: joined } = await node();
    await until(() => joined.describe().state === 'connected');
    warden.saveSite({ ...SITE, number: warden.sites.nextNumber() }, 'site added', '');
    const client = warden.clientNamed('198.51.100.7');
    warden.block(warden.sites.named(SITE.name), client, 3_600_000, '');
    await until(async () => (await put('HLEN', BLOCKS)) === 1);
    await put('FLUSHDB');
    await until(async () => (await put('HLEN', BLOCKS)) === 1 && (await put('HLEN', SITES)) === 1);
    expect(joined.describe().state).toBe('connected');
  });
});
