import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { answers, needsLua, startNginx, stopChild, until } from '../helpers/throttle-fronts.ts';
import { type Answer, ask, startThrottleLab, type ThrottleLab } from '../helpers/throttle-lab.ts';

// What nginx and the service tell each other, and what becomes of requests when one of them is wrong. The window is an
// hour, so that none turns while requests are counted, but at full hours.

const HOUR_MS = 3_600_000;

type Host = {
  readonly lab: ThrottleLab;
  readonly port: number;
  readonly folder: string;
  readonly state: string;
  /** In place of the one that is there. */
  restart(): Promise<void>;
};

async function withLua(context: TestContext, mend = (text: string) => text, workers = 2): Promise<Host> {
  needsLua(context);
  const folder = mkdtempSync(join(tmpdir(), 'postern-lua-'));
  const port = await freePort();
  const log = join(folder, 'access.log');
  const lab = await startThrottleLab({
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    ...{ windowMs: HOUR_MS, blockMs: HOUR_MS, window: 'aligned' },
    ...{ logs: [log], luaFolder: join(folder, 'lua') },
  });
  for (const name of ['www.example.org', 'second.example'])
    await lab.api('/v1/sites', 'POST', { name, limits: '20/2M' });
  await lab.api('/v1/sites', 'POST', { name: 'dry.example', limits: '2000/50M' });
  const where = ['--bind', `127.0.0.1:${port}`, '--server', lab.origin.url.host, '--out', folder];
  const places = [
    '--access-log',
    log,
    '--lua-dir',
    join(folder, 'lua'),
    '--service',
    `unix:${lab.socket.path}`,
  ];
  const ran = await run('throttle compile', ['nginx', '--mode', 'lua', ...where, ...places, '--check']);
  expect(ran).toMatchObject({ exit: 0 });
  const conf = join(folder, 'postern-throttle.conf');
  writeFileSync(conf, mend(readFileSync(conf, 'utf8')));
  const state = join(folder, 'lua/postern.state');
  await until('the sites are told', () => readFileSync(state, 'utf8').includes('dry.example'));
  let nginx: ChildProcess = await startNginx(folder, workers);
  onTestFinished(async () => {
    await stopChild(nginx);
    await lab.daemon.stop(0).catch(() => undefined);
    await lab.origin.close();
  });
  await answers(port);
  const restart = async () => {
    await stopChild(nginx);
    nginx = await startNginx(folder, workers);
    await answers(port);
  };
  return { lab, port, folder, state, restart };
}

const many = (count: number, one: () => Promise<Answer>) => Promise.all(Array.from({ length: count }, one));

const served = (found: readonly Answer[]) => found.filter(({ status }) => status === 200).length;

test('of many requests at once twenty are served, whichever process gets them, and the rest is told how long to wait', async (context) => {
  const { lab, port } = await withLua(context);
  const found = await many(60, () => ask(port, { from: '127.0.0.2', path: '/7' }));
  expect(served(found)).toBe(20);
  const left = found.filter(({ status }) => status === 429).map(({ headers }) => headers['retry-after']);
  expect(new Set(left.map((each) => Number(each) > 3590 && Number(each) <= 3600))).toEqual(new Set([true]));
  type Shown = { blocks: { client: string; limit: string; until: string; tipping: { path: string } }[] };
  const blocks = async () => ((await lab.api('/v1/blocks')) as Shown).blocks;
  await until('the service has the block', async () => (await blocks()).length === 1);
  expect((await blocks())[0]).toMatchObject({
    client: '127.0.0.2',
    limit: 'requests',
    tipping: { path: '/7' },
  });
});

test('a block of the service holds in nginx, one of nginx in the service, and what is lifted stays lifted', async (context) => {
  const { lab, port, restart } = await withLua(context, undefined, 1);
  const status = async (from: string) => (await ask(port, { from })).status;
  await lab.api('/v1/blocks', 'POST', { site: 'www.example.org', client: '127.0.0.3', forSeconds: 600 });
  await until('a block by hand holds', async () => (await status('127.0.0.3')) === 429);
  expect(Number((await ask(port, { from: '127.0.0.3' })).headers['retry-after'])).toBeLessThanOrEqual(600);
  await many(30, () => ask(port, { from: '127.0.0.4' }));
  const blocked = async () =>
    ((await lab.api('/v1/blocks')) as { blocks: { client: string }[] }).blocks.map(({ client }) => client);
  await until('a block of nginx is known', async () => (await blocked()).includes('127.0.0.4'));
  await restart();
  await until('a new nginx has them again', async () => (await status('127.0.0.4')) === 429);
  expect(await status('127.0.0.3')).toBe(429);
  // Goes on asking until it is served, so that the log has the block after it was lifted.
  const asks = until('nginx hears of it', async () => {
    const found = await many(5, () => ask(port, { from: '127.0.0.4' }));
    return found.some((each) => each.status === 200);
  });
  await lab.api('/v1/blocks/127.0.0.4', 'DELETE');
  await asks;
  type Top = { clients: { client: string }[] };
  const counted = async () => ((await lab.api('/v1/clients')) as Top).clients.map(({ client }) => client);
  await until('the log is read to there', async () => (await counted()).includes('127.0.0.4'));
  expect(await blocked()).toEqual(['127.0.0.3']);
  await lab.api('/v1/blocks/127.0.0.3', 'DELETE');
  await until('a block by hand is lifted', async () => (await status('127.0.0.3')) === 200);
});

test('a service that is away changes nothing, and a state that is damaged neither', async (context) => {
  // One process, which has the state before it is damaged.
  const { lab, port, folder, state } = await withLua(context, undefined, 1);
  await many(30, () => ask(port, { from: '127.0.0.5' }));
  await lab.daemon.stop(0);
  const whole = readFileSync(state, 'utf8');
  for (const damaged of [
    '',
    'nonsense\n',
    `1\n${whole.slice(whole.indexOf('\n') + 1, -4)}`,
    `2\npostern-lua\t1\t1\t64\nos.execute\t1\nend\n`,
    '3\npostern-lua\t1\t1\t64\nend\n',
    `4${'\0'.repeat(1000)}`,
  ]) {
    writeFileSync(`${state}.new`, damaged);
    renameSync(`${state}.new`, state);
    const told = () => readFileSync(join(folder, 'error.log'), 'utf8').includes('makes no sense');
    await until('it was looked at', async () => {
      await ask(port, { from: '127.0.0.6', host: 'dry.example' });
      return told();
    });
    expect((await ask(port, { from: '127.0.0.5' })).status).toBe(429);
  }
});

test.for([
  ['a program that is not there', (text: string) => text.replaceAll('postern-throttle.lua', 'none.lua')],
  ['a counter that is missing', (text: string) => text.replace('lua_shared_dict postern_counts 128m;', '')],
  ['a state that is missing', (text: string) => text],
] as const)('with %s everybody is served, and the log says so', async ([what, mend], context) => {
  const { lab, port, folder, state, restart } = await withLua(context, mend);
  if (what.includes('state')) {
    await lab.daemon.stop(0);
    renameSync(state, `${state}.gone`);
    await restart();
  }
  expect(served(await many(30, () => ask(port, { from: '127.0.0.7' })))).toBe(30);
  expect(readFileSync(join(folder, 'error.log'), 'utf8')).toContain('everybody is served');
});

test('a request that is sent to another place within nginx is one request', async (context) => {
  const place = mkdtempSync(join(tmpdir(), 'postern-site-'));
  mkdirSync(join(place, 'sub'));
  writeFileSync(join(place, 'sub/index.html'), 'x');
  const { port } = await withLua(context, (text) =>
    text.replace(
      /location \/ \{[\s\S]*?\n {4}\}/,
      `root ${place}; index index.html; error_page 404 /sub/; location / { }`,
    ),
  );
  spawnSync('chmod', ['-R', 'a+rX', place]);
  const found: number[] = [];
  for (let sent = 0; sent < 22; sent += 1)
    found.push((await ask(port, { from: '127.0.0.8', path: sent % 2 ? '/sub/' : '/none' })).status);
  expect(found.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, sent) => (sent % 2 ? 200 : 404)));
  expect(found.slice(20)).toEqual([429, 429]);
});
