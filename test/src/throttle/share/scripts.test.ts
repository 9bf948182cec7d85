import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeClient, runScript } from '../../../../src/redis/client.ts';
import { parseRedisUrl } from '../../../../src/redis/place.ts';
import { BLOCKS, HEAR, SITES, STREAM, TELL, tellKeys } from '../../../../src/throttle/share/scripts.ts';
import { hasRedis, RedisLab } from '../../../helpers/redis.ts';
import { root } from '../../../helpers/run.ts';

// The rules by which a batch is taken, as the server keeps them.

const HOUR = 3_600_000;

describe.runIf(hasRedis())('of what nodes tell', () => {
  let lab: RedisLab;
  let redis: Redis;
  let database = 0;

  beforeAll(async () => {
    lab = await RedisLab.start();
  });

  beforeEach(async () => {
    database += 1;
    redis = await client(lab.url(database), lab.password);
  });

  afterEach(() => redis.disconnect());

  afterAll(() => lab.close());

  async function client(url: string, password: string): Promise<Redis> {
    const made = await makeClient({
      server: parseRedisUrl(url, 'share'),
      password: () => password,
      flag: 'share',
      connectMs: 5000,
      answerMs: 5000,
      againMs: null,
    });
    made.on('error', () => undefined);
    await made.connect();
    return made;
  }

  type Batch = {
    life?: string;
    number: number;
    after?: number;
    counts?: string;
    most?: number;
    setup?: string;
  };

  async function tell(
    { life = 'one', number, after = number - 1, counts = '', most = 1e6, setup = '1 x' }: Batch,
    ...operations: string[]
  ): Promise<readonly unknown[]> {
    const values = [life, number, after, 660_000, most, setup, counts, ...operations];
    return (await runScript(redis, TELL, tellKeys(life), values)) as unknown[];
  }

  const heard = async () => (await runScript(redis, HEAR, [STREAM], ['0-0', 1000, 1_000_000])) as string[][];

  test('a batch is taken once, whoever asks again', async () => {
    expect((await tell({ number: 1, counts: 'a' }))[0]).toBe('took');
    expect((await tell({ number: 1, counts: 'a' }))[0]).toBe('had');
    expect((await tell({ number: 2, counts: 'b' }))[0]).toBe('took');
    expect((await tell({ life: 'two', number: 1, counts: 'c' }))[0]).toBe('took');
    expect((await heard()).map(([, life, number, counts]) => [life, number, counts])).toEqual([
      ['one', '1', 'a'],
      ['one', '2', 'b'],
      ['two', '1', 'c'],
    ]);
  });

  test('one whose predecessor is missing is not, and the last that is there is told', async () => {
    await tell({ number: 1, counts: 'a' });
    expect((await tell({ number: 3, counts: 'c' })).slice(0, 4)).toEqual(['behind', expect.anything(), 1, 1]);
    expect(await heard()).toHaveLength(1);
    // Nothing is known before it any more.
    expect((await tell({ number: 3, after: 0, counts: 'c' }))[0]).toBe('took');
  });

  test('another way of counting is refused, and nothing of it kept', async () => {
    await tell({ number: 1, counts: 'a' });
    expect(await tell({ life: 'two', number: 1, counts: 'b', setup: '1 y' })).toEqual([
      'other',
      expect.stringMatching(/^\d{13}$/),
      0,
      0,
      '1 x',
    ]);
    expect(await heard()).toHaveLength(1);
  });

  test('the stream is cut when it is too large, and it is told', async () => {
    const counts = 'x'.repeat(1000);
    const told: unknown[] = [];
    for (let number = 1; number <= 40; number += 1)
      told.push((await tell({ number, counts, most: 20_000 }))[4]);
    expect(told.filter((each) => each === 'cut').length).toBeGreaterThan(2);
    const left = (await heard()).length;
    expect(left).toBeGreaterThan(8);
    expect(left).toBeLessThan(20);
  });

  test('nodes that showed themselves in the last seconds are counted', async () => {
    await tell({ number: 1 });
    expect(await tell({ life: 'two', number: 0 })).toMatchObject(['here', expect.anything(), 2, 0, '0-0']);
  });

  const block = (op: string, value: string) => [op, 'www.example.org 192.0.2.1', value];
  const kept = () => redis.hget(BLOCKS, 'www.example.org 192.0.2.1');

  test.for([
    ['the first block stays', ['b', 0, 600], ['b', 5, 605], 'b 0 600'],
    ['one by hand takes its place', ['b', 0, 600], ['m', 5, 60], 'm 5 60'],
    ['one that began before does not take the place of one by hand', ['m', 5, 60], ['b', 0, 600], 'm 5 60'],
    ['a lift ends it', ['b', 0, 600], ['x', 5, 600], 'x 5 600'],
    ['a lift does not end one that began later', ['b', 5, 605], ['x', 0, 600], 'b 5 605'],
    ['one that was lifted does not come back', ['x', 5, 600], ['b', 0, 600], 'x 5 600'],
    ['one that began after a lift holds', ['x', 5, 600], ['b', 6, 606], 'b 6 606'],
    ['one that has ended is nobody’s', ['b', 0, 600], ['b', -900, -300], 'b 0 600'],
  ] as const)('%s', async ([, one, other, expected]) => {
    const now = Date.now();
    const shown = ([op, start, end]: readonly [string, number, number]) =>
      block(op, `${now + start * 1000} ${now + end * 1000} requests 21 100`);
    await tell({ number: 1 }, ...shown(one));
    await tell({ number: 2 }, ...shown(other));
    const [op = '', start = '', end = ''] = (await kept())?.split(' ') ?? [];
    expect(`${op} ${(Number(start) - now) / 1000} ${(Number(end) - now) / 1000}`).toBe(expected);
    // What was not taken is in no stream either.
    const told = (await heard()).map((entry) => entry[4]).join('\n');
    expect(told.split('\n').filter((each) => each !== '')).toHaveLength(
      expected === `${one[0]} ${one[1]} ${one[2]}` ? 1 : 2,
    );
  });

  test('an end that has passed is forgotten', async () => {
    const now = Date.now();
    await tell({ number: 1 }, ...block('m', `${now - HOUR} ${now - 1} manual 0 0`));
    expect(await kept()).not.toBeNull();
    await tell({ number: 2, counts: 'a' });
    expect(await kept()).toBeNull();
  });

  test('the last change of a site stays, and what is damaged gives way', async () => {
    await tell({ number: 1 }, 's', 'www.example.org', '20 {"a":2}');
    await tell({ number: 2 }, 's', 'www.example.org', '10 {"a":1}');
    await tell({ number: 3 }, 's', 'www.example.org', '20 {"a":3}');
    expect(await redis.hget(SITES, 'www.example.org')).toBe('20 {"a":2}');
    await tell({ number: 4 }, 's', 'www.example.org', '30 null');
    expect(await redis.hget(SITES, 'www.example.org')).toBe('30 null');
    await redis.hset(SITES, 'www.example.org', 'rubbish');
    await tell({ number: 5 }, 's', 'www.example.org', '1 {"a":4}');
    expect(await redis.hget(SITES, 'www.example.org')).toBe('1 {"a":4}');
  });

  test('the user of the runbook may do all of this and nothing else', async () => {
    const page = readFileSync(`${root}docs/runbooks/throttle-on-several-machines.md`, 'utf8');
    const rule = /^user throttle (.*)$/m.exec(page)?.[1] ?? '';
    const words = rule.split(' ').map((word) => (word.startsWith('#') ? '>correct-horse-battery' : word));
    await lab.ask(0, 'ACL', 'SETUSER', 'throttle', 'reset', ...words);
    redis.disconnect();
    redis = await client(`redis://throttle@127.0.0.1:${lab.port}/${database}`, 'correct-horse-battery');
    expect(
      (await tell({ number: 1, counts: 'a' }, ...block('b', `1 ${Date.now() + HOUR} requests 1 1`)))[0],
    ).toBe('took');
    expect(await heard()).toHaveLength(1);
    await expect(redis.set('other', '1')).rejects.toThrow(/NOPERM/);
    await expect(redis.flushall()).rejects.toThrow(/NOPERM/);
    await expect(redis.config('GET', 'requirepass')).rejects.toThrow(/NOPERM/);
  });
});
