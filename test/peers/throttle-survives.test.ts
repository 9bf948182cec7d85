import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { callService } from '../../src/service/call.ts';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { root, run } from '../helpers/run.ts';
import {
  answers,
  apacheFolder,
  runUnit,
  startApache,
  startCaddy,
  startHaproxy,
  startNginx,
  stopChild,
  until,
} from '../helpers/throttle-fronts.ts';
import { ask, startOrigin } from '../helpers/throttle-lab.ts';

// What becomes of blocks when one side of service and web server ends without a word.

type Served = {
  readonly child: ChildProcess;
  api(path: string, method?: 'GET' | 'PUT' | 'POST' | 'DELETE', body?: unknown): Promise<unknown>;
};

/** The service as a process of its own, straight from the sources. */
async function serve(folder: string, more: readonly string[]): Promise<Served> {
  const path = join(folder, 'admin.sock');
  const args = [
    '--listen',
    `unix:${path}`,
    '--database',
    join(folder, 'throttle.db'),
    '--no-exempt-loopback',
  ];
  const child = spawn(process.execPath, [join(root, 'bin/dev.ts'), 'throttle', 'serve', ...args, ...more], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const api: Served['api'] = (at, method = 'GET', body) =>
    callService({ kind: 'unix', path }, at, { method, ...(body !== undefined && { body }) });
  await until('the service answers', () =>
    api('/v1/status').then(
      () => true,
      () => false,
    ),
  );
  return { child, api };
}

async function killed({ child }: Served): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function compiled(
  target: string,
  folder: string,
  port: number,
  more: readonly string[],
): Promise<void> {
  const where = ['--out', folder, '--bind', `127.0.0.1:${port}`, '--service', `unix:${folder}/admin.sock`];
  expect(await run('throttle compile', [target, ...where, '--check', ...more])).toMatchObject({ exit: 0 });
}

const blockedClients = async ({ api }: Served) => {
  const { blocks } = (await api('/v1/blocks')) as { blocks: { client: string; until: string }[] };
  return blocks.map(({ client, until: end }) => `${client} ${end}`);
};

/** Requests of many clients without a pause, until it is ended. @returns what ends it, and tells the answers there were */
function load(port: number): () => Promise<Set<number>> {
  let stopped = false;
  const statuses = new Set<number>();
  const one = async (lane: number) => {
    for (let sent = 0; !stopped; sent += 1)
      await ask(port, { from: `127.1.${lane}.${(sent % 200) + 1}` }).then(
        ({ status }) => statuses.add(status),
        () => setTimeout(20),
      );
  };
  const lanes = Promise.all([1, 2, 3, 4].map(one));
  return async () => {
    stopped = true;
    await lanes;
    return statuses;
  };
}

/** @returns the blocks that there were: what began within the last second may be lost, and nothing else */
async function killedUnderLoad(service: Served, port: number): Promise<string[]> {
  const ended = load(port);
  await setTimeout(500);
  const before = await blockedClients(service);
  await setTimeout(1000);
  await killed(service);
  await ended();
  return before;
}

test('kill -9 of the service under load: HAProxy enforces on, blocks are there again, and a restart of HAProxy keeps them', async (context) => {
  needs(context, 'haproxy', 'haproxy');
  const folder = mkdtempSync(join(tmpdir(), 'postern-survives-'));
  const origin = await startOrigin();
  const [port, second] = [await freePort(), await freePort()];
  const peers = [await freePort(), await freePort()].map((each, at) => `peer${at}=127.0.0.1:${each}`);
  const link = ['--haproxy', join(folder, 'haproxy.sock')];
  const more = ['--server', origin.url.host, ...peers.flatMap((peer) => ['--peer', peer])];
  let service = await serve(folder, link);
  await service.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '5/2M' });
  await compiled('haproxy', folder, port, [...more, '--local-peer', 'peer0']);
  const other = join(folder, 'other');
  mkdirSync(other);
  const place = ['--out', other, '--bind', `127.0.0.1:${second}`, '--service', `unix:${folder}/admin.sock`];
  await run('throttle compile', ['haproxy', ...place, ...more, '--local-peer', 'peer1']);
  let haproxy = startHaproxy(folder);
  const sharing = startHaproxy(other);
  try {
    await Promise.all([answers(port), answers(second)]);
    const client = { from: '127.0.0.7' };
    for (let sent = 0; sent < 6; sent += 1) await ask(port, client);
    expect((await ask(port, client)).status).toBe(429);
    // The other HAProxy has the block from its peer.
    await until('the peer has the block', async () => (await ask(second, client)).status === 429);
    const ended = load(port);
    await until('the service has the block', async () =>
      (await blockedClients(service)).some((each) => each.startsWith('127.0.0.7 ')),
    );
    const before = await blockedClients(service);
    await killed(service);
    expect((await ask(port, client)).status).toBe(429);
    await ended();
    service = await serve(folder, []);
    expect(await blockedClients(service)).toEqual(expect.arrayContaining(before));
    await killed(service);

    // All blocks of HAProxy are lost with it, here with that of its peer, and the service gives them again.
    haproxy.kill('SIGKILL');
    sharing.kill('SIGKILL');
    haproxy = startHaproxy(folder);
    await answers(port);
    service = await serve(folder, link);
    await until('HAProxy has the block again', async () => (await ask(port, client)).status === 429);

    await service.api('/v1/blocks/127.0.0.7', 'DELETE');
    await until('it is lifted', async () => (await ask(port, client)).status === 200);
    await service.api('/v1/blocks', 'POST', { site: 'www.example.org', client: '127.0.0.8', forSeconds: 90 });
    await until('it is set', async () => (await ask(port, { from: '127.0.0.8' })).status === 429);
  } finally {
    haproxy.kill('SIGKILL');
    sharing.kill('SIGKILL');
    service.child.kill('SIGKILL');
    await origin.close();
  }
});

test('kill -9 of the service under load: nginx serves everybody and says so, and then refuses the same again', async (context) => {
  needs(context, 'nginx', 'nginx');
  const folder = mkdtempSync(join(tmpdir(), 'postern-survives-'));
  const origin = await startOrigin();
  const port = await freePort();
  const places = ['--access-log', join(folder, 'access.log'), '--nginx-dir', join(folder, 'blocks')];
  let service = await serve(folder, places);
  await service.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '5/2M' });
  await compiled('nginx', folder, port, ['--server', origin.url.host, ...places]);
  const nginx = await startNginx(folder);
  const reload = () => {
    if (existsSync(join(folder, 'blocks/reload')))
      runUnit('postern-throttle-nginx.service', 'ExecStart', folder);
  };
  try {
    await answers(port);
    const client = { from: '127.0.0.7' };
    const refused = async () => {
      reload();
      return (await ask(port, client)).status === 429;
    };
    await until('it is refused', refused);
    const before = await killedUnderLoad(service, port);
    expect(runUnit('postern-throttle.service', 'ExecStopPost', folder)).toContain('nginx serves everybody');
    reload();
    await until('everybody is served', async () => (await ask(port, client)).status === 200);
    service = await serve(folder, places);
    expect(await blockedClients(service)).toEqual(expect.arrayContaining(before));
    await until('it is refused again', refused);
    expect(readFileSync(join(folder, 'blocks/blocks.map'), 'utf8')).toContain('"www.example.org|127.0.0.7"');
  } finally {
    nginx.kill('SIGTERM');
    service.child.kill('SIGKILL');
    await origin.close();
  }
});

test('kill -9 of the service under load: Apache serves everybody and says so, starts without the service, and then refuses the same again', async (context) => {
  needs(context, 'apache2', 'apache2-bin');
  const folder = apacheFolder();
  const origin = await startOrigin();
  const port = await freePort();
  const places = ['--access-log', join(folder, 'access.log'), '--apache-dir', join(folder, 'blocks')];
  let service = await serve(folder, places);
  await service.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '5/2M' });
  await compiled('apache', folder, port, ['--server', origin.url.host, ...places]);
  let apache = startApache(folder);
  const client = { from: '127.0.0.7' };
  const status = async () => (await ask(port, client)).status;
  try {
    await answers(port);
    await until('it is refused', async () => (await status()) === 429);
    const before = await killedUnderLoad(service, port);
    expect(runUnit('postern-throttle.service', 'ExecStopPost', folder)).toContain('Apache serves everybody');
    expect(await status()).toBe(200);
    await stopChild(apache);
    apache = startApache(folder);
    await answers(port);
    expect(await status()).toBe(200);
    service = await serve(folder, places);
    expect(await blockedClients(service)).toEqual(expect.arrayContaining(before));
    await until('it is refused again', async () => (await status()) === 429);
  } finally {
    await stopChild(apache);
    service.child.kill('SIGKILL');
    await origin.close();
  }
});

test('kill -9 of the service under load, and one that hangs: Caddy serves everybody and says so, and then refuses the same again', async (context) => {
  needs(context, 'caddy', 'caddy');
  const folder = mkdtempSync(join(tmpdir(), 'postern-survives-'));
  const origin = await startOrigin();
  const port = await freePort();
  const log = ['--access-log', join(folder, 'access.log')];
  const decision = ['--decision', `unix:${folder}/decision.sock`];
  let service = await serve(folder, [...log, ...decision]);
  await service.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '5/2M' });
  await compiled('caddy', folder, port, ['--server', origin.url.host, ...log, ...decision]);
  const caddy = startCaddy(folder);
  const passed = () => readFileSync(join(folder, 'postern-open.log'), 'utf8');
  const client = (path: string, method = 'GET') => ask(port, { from: '127.0.0.7', path, method });
  const refused = async () => (await client('/1')).status === 429;
  try {
    await answers(port);
    await until('it is refused', refused);
    const ended = load(port);
    await setTimeout(500);
    await killed(service);
    expect((await client('/away')).status).toBe(200);
    // Whoever was being decided about is served, too.
    expect([...(await ended())].filter((status) => status !== 200 && status !== 429)).toEqual([]);
    await until('it is said who passed', () => passed().includes('uri=%2Faway'));

    service = await serve(folder, [...log, ...decision]);
    await until('it is refused again', refused);
    service.child.kill('SIGSTOP');
    expect((await client('/hangs')).status).toBe(200);
    await setTimeout(300);
    // What may not be sent twice, too: it is the question that is asked again.
    expect((await client('/hangs', 'POST')).status).toBe(200);
    service.child.kill('SIGCONT');
    await until('it is refused again', refused);
    await until('it is said who passed', () => passed().includes('uri=%2Fhangs'));
  } finally {
    caddy.kill('SIGTERM');
    service.child.kill('SIGKILL');
    await origin.close();
  }
});
