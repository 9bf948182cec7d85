import { afterAll, beforeAll, expect, test } from 'vitest';
import { QueueLab, rudeness } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// A server that takes its time.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    lab = await QueueLab.start({
      net: 55,
      servers: { 'slow.test': { habit: 'tarpit' }, 'good.test': { habit: 'good' } },
      domains: 3,
      names: 3,
    });
  });
  afterAll(() => lab.close());

  test('it keeps nobody else waiting, and a worker that stops leaves it to others in the middle', async () => {
    const worker = await lab.worker('one', '--concurrency', '2');
    // Those of the slow server come first.
    const run = lab.ask('--timeout-banner', '1m', '--timeout-total', '2m');
    await run.until(() => run.rows.length === 3);
    expect(run.rows.every((row) => row.includes('of-good.test'))).toBe(true);
    worker.kill('SIGTERM');
    expect(await worker.gone).toMatchObject({ exit: 0, stderr: '' });
    const left = worker.events.filter(({ event }) => event === 'given back');
    expect(left.length).toBeGreaterThan(0);
    const open = await Promise.all(
      ['LLEN', 'ZCARD'].map((count, index) =>
        lab.redis.ask(0, count, `postern:mx:jobs:${index === 0 ? 'wait' : 'delayed'}`),
      ),
    );
    expect(Number(open[0]) + Number(open[1])).toBe(3);
    await lab.worker('two');
    const seen = lab.sightings.length;
    await lab.seen(seen + 1);
    expect(rudeness(lab.sightings, 0)).toEqual([]);
    run.kill('SIGINT');
    expect((await run.gone).exit).toBe(130);
  });
}
