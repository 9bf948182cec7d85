import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectAllOnce, QueueLab } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';

// What somebody else has put into the queue, and what ends those who take it.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

const JOBS = 'postern:mx:jobs';
const id = (digit: string) => `${digit.repeat(32)}-${digit.repeat(32)}`;

function suite(): void {
  let lab: QueueLab;
  beforeAll(async () => {
    lab = await QueueLab.start({
      net: 54,
      servers: { 'good.test': { habit: 'good' }, 'none.test': { habit: 'none' } },
      domains: 6,
      names: 2,
    });
  });
  afterEach(() => lab.quiet());
  afterAll(() => lab.close());

  test('what is no job is refused, and the worker goes on', async () => {
    const { port, password } = lab.redis;
    const connection = new Redis({ port, password, maxRetriesPerRequest: null });
    connection.on('error', () => undefined);
    const queue = new Queue('jobs', { prefix: 'postern:mx', connection });
    const plan = {
      port: lab.lab.port,
      tlsaPort: 25,
      submission: false,
      versions: false,
      bothCertificates: false,
      dnsOnly: false,
      repeat: 1,
      retries: 0,
      retryWaitMs: 1000,
      policyVersions: false,
      asOfMs: 0,
      timeoutsMs: { connect: 1000, banner: 1000, command: 1000, tls: 1000, total: 1000, https: 1000 },
    };
    const job = { v: 1, target: 'd0.of-good.test', start: randomUUID() };
    const hostile: readonly (readonly [id: string, data: unknown])[] = [
      [id('1'), { v: 2, everything: 'is new' }],
      [id('2'), { ...job, target: 'a'.repeat(20_000), plan }],
      [id('3'), { ...job, plan: { ...plan, port: 22 } }],
      [id('4'), { ...job, plan: { ...plan, repeat: 1e9 } }],
      [id('5'), { ...job, plan, more: '\u001b[2J' }],
      [id('6'), [['nested']]],
      [
        id('7'),
        {
          v: 1,
          target: 'd0.of-good.test',
          plan: { ...plan, timeoutsMs: { ...plan.timeoutsMs, total: 1e12 } },
        },
      ],
      ['not-ours', { ...job, plan }],
    ];
    for (const [jobId, data] of hostile) await queue.add('probe', data, { jobId });
    const broken = { [id('8')]: '{"v":1,', [id('9')]: '['.repeat(100_000) };
    for (const [jobId, data] of Object.entries(broken)) {
      await lab.redis.ask(
        0,
        'HSET',
        `${JOBS}:${jobId}`,
        'name',
        'probe',
        'data',
        data,
        'opts',
        '{}',
        'timestamp',
        1,
      );
      await lab.redis.ask(0, 'LPUSH', `${JOBS}:wait`, jobId);
    }
    await lab.redis.ask(0, 'LPUSH', `${JOBS}:wait`, id('0'));
    const worker = await lab.worker('one');
    await worker.until(() => worker.events.filter(({ event }) => event === 'refused').length >= 10);
    const run = lab.ask();
    await run.gone;
    expectAllOnce(run, lab.domains);
    expect(worker.stdout).not.toContain('\u001b');
    expect(worker.events.filter(({ event }) => event === 'trouble')).toEqual([]);
    await queue.close();
    connection.disconnect();
  });

  test('a target that has ended three workers is one row that says so', async () => {
    const run = lab.ask();
    await run.until(() => run.stderr.includes('Nobody serves'));
    const [victim = ''] = (await lab.redis.ask(0, 'LRANGE', `${JOBS}:wait`, -1, -1)) as string[];
    // Two have ended before; this is the third.
    await lab.redis.ask(0, 'HSET', `${JOBS}:${victim}`, 'stc', 2);
    const worker = await lab.worker('one', '--concurrency', '1');
    await lab.seen(1);
    worker.kill('SIGKILL');
    await worker.gone;
    await lab.worker('two');
    await run.gone;
    const rows = run.rows.map((row) => JSON.parse(row) as { error?: { code: string; message: string } });
    expect(rows).toHaveLength(lab.domains.length);
    expect(rows.flatMap(({ error }) => error ?? [])).toEqual([
      {
        code: 'E_WORKER_LOST',
        message: expect.stringMatching(/^d\d\.of-\w+\.test ended three workers that probed it\.$/),
        hint: expect.any(String),
      },
    ]);
  });
}
