import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SPACING_MS } from '../../../src/mx/switchboard.ts';
import { comparable, QueueLab, rudeness } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// Three machines probe for one: real workers, a real Redis, and servers that write down who came when.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

/** What a server sees of a pause is shorter by the way that the end of a connection takes to it. */
const SEEN_MS = SPACING_MS - 100;

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    lab = await QueueLab.start({
      net: 51,
      servers: {
        'good.test': { habit: 'good' },
        'none.test': { habit: 'none' },
        'alert.test': { habit: 'alert' },
      },
      domains: 8,
      names: 2,
    });
  });
  afterEach(() => lab.quiet());
  afterAll(() => lab.close());

  test('three workers give the rows that one machine gives, and are as polite as one', async () => {
    const local = await lab.probe(...lab.vantage, '--ehlo', 'client.example').gone;
    expect(local.stderr).toBe('');
    const alone = lab.sightings.length;
    expect(rudeness(lab.sightings, SEEN_MS)).toEqual([]);
    lab.sightings.length = 0;
    await Promise.all(['one', 'two', 'three'].map((name) => lab.worker(name)));
    const shared = await lab.ask().gone;
    expect(shared.stderr).toBe('');
    expect(shared.exit).toBe(local.exit);
    expect(comparable(shared.stdout.trim().split('\n'))).toEqual(comparable(local.stdout.trim().split('\n')));
    expect(rudeness(lab.sightings, SEEN_MS)).toEqual([]);
    expect(lab.sightings).toHaveLength(alone);
  });
}
