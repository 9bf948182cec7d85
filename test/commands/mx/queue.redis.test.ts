import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectAllOnce, QueueLab } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// The queue itself: away, back, forgetful.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    lab = await QueueLab.start({
      net: 53,
      servers: { 'good.test': { habit: 'good' }, 'none.test': { habit: 'none' } },
      domains: 6,
      names: 3,
    });
  });
  afterEach(() => lab.quiet());
  afterAll(() => lab.close());

  test.for([
    ['is started again', false],
    ['has forgotten everything', true],
  ] as const)('a Redis that %s in the middle of a run costs no row', async ([, forgets]) => {
    await Promise.all([lab.worker('one'), lab.worker('two')]);
    const run = lab.ask();
    await lab.seen(2);
    await lab.redis.end();
    if (forgets) rmSync(join(lab.redis.folder, 'appendonlydir'), { recursive: true });
    await lab.redis.up();
    await run.gone;
    expectAllOnce(run, lab.domains);
  });

  test('a queue that stays away ends producer and worker with 69, and says why in one line each', async () => {
    const worker = await lab.worker('one', '--queue-wait', '4s');
    const run = lab.ask('--queue-wait', '4s');
    await lab.seen(1);
    await lab.redis.end();
    const ended = await run.gone;
    expect(ended.exit).toBe(69);
    expect(ended.stderr).toMatch(/^The queue is away \(ECONN\w+\); waiting for it\.\n/);
    expect(ended.stdout + ended.stderr).toMatch(
      /The queue redis:\S+ cannot be used: it was away for 4 s \(ECONN\w+\)\./,
    );
    expect((await worker.gone).exit).toBe(69);
    expect(worker.events.map(({ event }) => event)).toContain('queue away');
    await lab.redis.up();
    await lab.worker('two');
    const again = lab.ask();
    await again.gone;
    expectAllOnce(again, lab.domains);
  });

  test('without a worker a run says so and ends with 69', async () => {
    const { exit, stderr, stdout } = await lab.ask('--queue-wait', '3s').gone;
    expect({ exit, stdout }).toEqual({ exit: 69, stdout: expect.stringContaining('"E_QUEUE"') });
    expect(stderr).toContain('Nobody serves the queue; "postern mx worker" does.\n');
  });

  test('a Redis that takes nothing more ends the run with its own words, and not each target', async () => {
    await lab.redis.ask(0, 'CONFIG', 'SET', 'maxmemory', 1);
    const { exit, stdout } = await lab.ask().gone;
    await lab.redis.ask(0, 'CONFIG', 'SET', 'maxmemory', 0);
    expect(exit).toBe(69);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'E_QUEUE', message: expect.stringContaining('OOM') },
    });
  });
}
