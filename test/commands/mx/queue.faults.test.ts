import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SPACING_MS } from '../../../src/mx/switchboard.ts';
import { expectAllOnce, QueueLab, rudeness } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// What docs/runbooks/probe-from-several-machines.md promises when something breaks.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

/** What a server sees of a pause is shorter by the way that the end of a connection takes to it. */
const SEEN_MS = SPACING_MS - 100;

const NAMES = 3;
const SERVERS = ['good.test', 'none.test', 'alert.test'];

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    lab = await QueueLab.start({
      net: 52,
      servers: {
        'good.test': { habit: 'good' },
        'none.test': { habit: 'none' },
        'alert.test': { habit: 'good' },
      },
      domains: 9,
      names: NAMES,
    });
  });
  afterEach(() => lab.quiet());
  afterAll(() => lab.close());

  test('a worker that is killed in the middle: no row is missing, none comes twice, servers are spared', async () => {
    const workers = await Promise.all(
      ['one', 'two', 'three'].map((name) => lab.worker(name, '--concurrency', '4')),
    );
    const run = lab.ask();
    await lab.seen(4);
    expect(await lab.inHandOf('one')).toBeGreaterThan(0);
    workers[0]?.kill('SIGKILL');
    const { stderr } = await run.gone;
    expect(stderr).toBe('');
    expectAllOnce(run, lab.domains);
    expect(rudeness(lab.sightings, SEEN_MS)).toEqual([]);
  });

  test('a worker that is asked to stop ends what it can, gives the rest back and loses nothing', async () => {
    const workers = await Promise.all([
      lab.worker('one', '--concurrency', '6'),
      lab.worker('two', '--concurrency', '2'),
    ]);
    const run = lab.ask();
    await lab.seen(4);
    workers[0]?.kill('SIGTERM');
    const stopped = await workers[0]?.gone;
    expect(stopped).toMatchObject({ exit: 0, stderr: '' });
    expect(workers[0]?.events.map(({ event }) => event)).toContain('given back');
    expect(workers[0]?.events.at(-1)).toMatchObject({ event: 'stopped', refused: 0 });
    await run.gone;
    expectAllOnce(run, lab.domains);
    expect(rudeness(lab.sightings, SEEN_MS)).toEqual([]);
    expect(lab.sightings).toHaveLength(SERVERS.length * NAMES);
  });

  test('a run whose producer is killed is taken up, and no server is asked twice', async () => {
    await lab.worker('one');
    const first = lab.ask();
    await first.until(() => first.rows.length >= 3);
    first.kill('SIGKILL');
    await first.gone;
    const second = lab.ask();
    const { stderr } = await second.gone;
    expect(stderr === '' || /^Taking up a run that has \d+ rows already\.\n$/.test(stderr)).toBe(true);
    expectAllOnce(second, lab.domains);
    expect(lab.sightings).toHaveLength(SERVERS.length * NAMES);
    const keys = (await lab.redis.ask(0, 'KEYS', 'postern:mx:run:*')) as string[];
    expect(keys).toEqual([]);
  });
}
