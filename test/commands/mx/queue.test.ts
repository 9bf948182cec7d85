import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SPACING_MS } from '../../../src/mx/switchboard.ts';
import { documents } from '../../../src/schema/documents.ts';
import type { MxProbeResult } from '../../../src/schema/mx-probe.ts';
import { comparable, QueueLab, rudeness } from '../../helpers/queue-lab.ts';
import { hasRedis } from '../../helpers/redis.ts';
import { root, run } from '../../helpers/run.ts';

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

  test('one target is one document, with the worker that probed it', async () => {
    await lab.worker('machine-1.example');
    lab.list(['d0.of-good.test']);
    const { stdout, exit } = await lab.ask('--format', 'json').gone;
    lab.list(lab.domains);
    const document = JSON.parse(stdout) as MxProbeResult;
    expect(document).toMatchObject({ target: 'd0.of-good.test', probed: { worker: 'machine-1.example' } });
    expect(Math.abs(Date.parse(document.probed?.time ?? '') - Date.now())).toBeLessThan(300_000);
    documents['postern/mx-probe/1'].parse(document);
    expect(exit).toBe(0);
  });

  test('--resume takes over what is known, and a list of several keeps its order', async () => {
    await lab.worker('one');
    const [first = '', second = '', third = ''] = lab.domains;
    lab.list([first, second, third, 'no such name']);
    const earlier = join(lab.folder, 'earlier.jsonl');
    const row = { schema: 'postern/mx-probe/1', time: '2026-11-25T00:00:00Z', summary: '' };
    writeFileSync(
      earlier,
      `${JSON.stringify({ ...row, target: second, status: 'warn' })}\n${JSON.stringify({ ...row, target: third, status: 'unknown' })}\n`,
    );
    const { stdout, exit } = await lab.ask('--resume', earlier, '--ordered').gone;
    lab.list(lab.domains);
    const rows = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as MxProbeResult & { error?: { code: string } });
    expect(rows.map(({ target }) => target)).toEqual([second, first, third, 'no such name']);
    expect(rows.map(({ probed, error }) => probed?.worker ?? error?.code ?? 'earlier')).toEqual([
      'earlier',
      'one',
      'one',
      'E_TARGET',
    ]);
    expect(exit).toBe(3);
  });

  test('in text the worker stands beside what it saw', async () => {
    await lab.worker('one');
    lab.list(['d0.of-good.test']);
    const { stdout } = await lab.ask('--format', 'text').gone;
    lab.list(lab.domains);
    expect(stdout).toMatch(/^ {2}probed by one at 20\d\d-[\dT:.-]+Z$/m);
  });

  test('the unit of systemd needs nothing but its two files', async () => {
    const unit = readFileSync(`${root}data/systemd/postern-mx-worker.service`, 'utf8');
    const [, argv = ''] = /^ExecStart=\/usr\/bin\/postern (.*)$/m.exec(unit) ?? [];
    const [, credential = ''] = /^LoadCredential=([\w-]+):/m.exec(unit) ?? [];
    const credentials = join(lab.folder, 'credentials');
    mkdirSync(credentials, { mode: 0o500 });
    writeFileSync(join(credentials, credential), `${lab.redis.password}\n`, { mode: 0o440 });
    const env = { POSTERN_QUEUE: lab.redis.url(0), CREDENTIALS_DIRECTORY: credentials };
    const worker = lab.start(argv.split(' '), env);
    await worker.heardOf('started');
    worker.kill('SIGTERM');
    expect(await worker.gone).toMatchObject({ exit: 0, stderr: '' });
  });

  test.for([
    ['a password in the URL', ['--queue', 'redis://:secret@127.0.0.1'], 64, 'E_SECRET_ARGV'],
    ['another machine without TLS', ['--queue', 'redis://192.0.2.1'], 64, 'E_STORE_URL'],
    ['what the workers decide', ['--queue', 'redis://127.0.0.1', '--resolver', '127.0.0.1'], 64, 'E_USAGE'],
    ['what only one machine can', ['--queue', 'redis://127.0.0.1', '--transcript'], 64, 'E_USAGE'],
    [
      'a file for what is not asked here',
      ['--queue', 'redis://127.0.0.1', '--dns-record', 'x'],
      64,
      'E_USAGE',
    ],
  ] as const)('%s is refused at once', async ([, argv, exit, code]) => {
    const ran = await run('mx probe', ['example.org', ...argv, '--json']);
    expect(ran.exit).toBe(exit);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code } });
    expect(ran.stdout).not.toContain('secret');
  });

  test('a queue that refuses the password, or may give up jobs, is named at once', async () => {
    writeFileSync(join(lab.folder, 'wrong'), 'wrong', { mode: 0o600 });
    const url = lab.redis.url(0);
    const failure = async (...argv: string[]) => {
      const { exit, stdout } = await run('mx probe', ['example.org', '--queue', url, ...argv, '--json']);
      return { exit, ...(JSON.parse(stdout) as { error: { code: string; message: string } }).error };
    };
    expect(await failure('--queue-password-file', join(lab.folder, 'wrong'))).toMatchObject({
      exit: 69,
      code: 'E_QUEUE',
      message: expect.stringContaining('WRONGPASS'),
    });
    expect(await failure()).toMatchObject({ exit: 69, message: expect.stringContaining('NOAUTH') });
    await lab.redis.ask(0, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await failure('--queue-password-file', join(lab.folder, 'password'))).toMatchObject({
      exit: 78,
      message: expect.stringContaining('allkeys-lru'),
    });
    await lab.redis.ask(0, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  });
}
