import { afterAll, beforeAll, expect, test } from 'vitest';
import { OUTSTANDING } from '../../../src/probe-queue/producer.ts';
import { expectAllOnce, QueueLab } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// More domains than jobs are put in at a time.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

const SERVERS = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'];

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    const servers = Object.fromEntries(SERVERS.map((name) => [name, { habit: 'good' as const }]));
    lab = await QueueLab.start({
      net: 56,
      servers,
      domains: Math.ceil((OUTSTANDING + 50) / SERVERS.length),
      names: 1,
    });
  });
  afterAll(() => lab.close());

  test('a thousand domains over five servers make five connections, and leave nothing of the run behind', async () => {
    await Promise.all(['one', 'two', 'three'].map((name) => lab.worker(name)));
    const run = lab.ask();
    await run.gone;
    expectAllOnce(run, lab.domains);
    expect(lab.sightings).toHaveLength(SERVERS.length);
    const left = (await lab.redis.ask(0, 'KEYS', 'postern:mx:*')) as string[];
    expect(left.filter((key) => /:run:|:jobs:[0-9a-f]{32}-/.test(key))).toEqual([]);
  });
}
