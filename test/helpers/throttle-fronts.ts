import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { parseNetwork } from '../../src/net/network.ts';
import { LUA_STATE } from '../../src/throttle/lua/writer.ts';
import type { ServiceOptions } from '../../src/throttle/service.ts';
import { needs } from './debian.ts';
import { freePort } from './ports.ts';
import { root, run } from './run.ts';
import { ask, startOrigin, startThrottleLab, type ThrottleLab } from './throttle-lab.ts';

/** Window and block of the tests, in milliseconds. */
export const SHORT_MS = 8000;

/** The service on a real clock with a web server that enforces. */
export type Front = {
  readonly lab: ThrottleLab;
  readonly port: number;
  /** Refuses after the fact. */
  readonly late: boolean;
  /** Learns from a log how large a response was. */
  readonly lateBytes: boolean;
  /** Counts from one full window of the clock to the next. */
  readonly aligned: boolean;
  readonly folder: string;
  close(): Promise<void>;
};

type Compiled = { readonly folder: string; readonly port: number; readonly lab: ThrottleLab };

async function realLab(lengthMs: number, more: Partial<ServiceOptions> = {}): Promise<ThrottleLab> {
  return startThrottleLab({
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    windowMs: lengthMs,
    blockMs: lengthMs,
    ...more,
  });
}

/** Sites of the table below. */
export async function addSites(lab: ThrottleLab): Promise<void> {
  await lab.api('/v1/sites/other/policy', 'PUT', { limits: '20/2M' });
  for (const site of [
    { name: 'www.example.org', aliases: ['example.org'], limits: '20/2M' },
    { name: 'second.example', limits: '20/2M' },
    { name: 'changed.example', limits: '2000/50M' },
    { name: 'old.example', limits: '20/2M', refusal: 503 },
    { name: 'dry.example', limits: '20/2M', mode: 'dry' },
    { name: 'free.example', limits: '20/2M' },
    { name: 'budget.example', limits: '2000/50M', budget: '30/50M' },
    { name: 'figures.example', limits: '20/2M' },
  ])
    await lab.api('/v1/sites', 'POST', site);
  await lab.api('/v1/exemptions', 'POST', { network: '127.0.8.0/24', site: 'budget.example' });
  await lab.api('/v1/exemptions', 'POST', { network: '127.0.7.0/24' });
}

export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await condition()) return;
    await setTimeout(50);
  }
  throw new Error(`waited in vain: ${what}`);
}

export const answers = (port: number) =>
  until(`port ${port} answers`, () =>
    ask(port, { host: 'dry.example', from: '127.0.99.1' }).then(
      () => true,
      () => false,
    ),
  );

async function compile(target: string, { folder, port, lab }: Compiled, more: string[]): Promise<void> {
  const args = [target, '--out', folder, '--bind', `127.0.0.1:${port}`, '--server', lab.origin.url.host];
  const where = ['--trusted-proxy', '127.0.9.0/24', '--service', `unix:${lab.socket.path}`, '--check'];
  const ran = await run('throttle compile', [...args, ...where, ...more]);
  if (ran.exit !== 0) throw new Error(`throttle compile: ${ran.stdout}${ran.stderr}`);
}

/** A whole configuration around what was compiled, for whoever runs the tests. */
function wholeNginx(folder: string, workers: number): string {
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/tmp/${each};`,
  );
  const file = join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  const inLua = readFileSync(join(folder, 'postern-throttle.conf'), 'utf8').includes('_by_lua');
  const modules = inLua ? ['ndk_http', 'ngx_http_lua'] : [];
  const loaded = modules.map((name) => `load_module /usr/lib/nginx/modules/${name}_module.so; `).join('');
  writeFileSync(
    file,
    `${loaded}${user}daemon off; worker_processes ${workers}; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
http { keepalive_timeout 30s; ${paths.join(' ')} include ${folder}/postern-throttle.conf; }`,
  );
  return file;
}

const unitLines = (unit: string, key: string) =>
  readFileSync(join(root, 'data/systemd', unit), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));

/** Run what a unit runs, with the folder of the test in place of the system's. */
export function runUnit(unit: string, key: string, folder: string): string {
  let said = '';
  for (const line of unitLines(unit, key)) {
    const command = line
      .replaceAll(/\/var\/(?:lib\/postern\/throttle\/nginx|cache\/postern\/apache)/g, `${folder}/blocks`)
      .replace('/usr/sbin/nginx', `/usr/sbin/nginx -c ${folder}/nginx.conf -p ${folder}`);
    const ran = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
    said += `${ran.stdout}${ran.stderr}`;
    if (ran.status !== 0) break;
  }
  return said;
}

/** What the path unit does: while there is a flag, run the unit, one at a time. */
function watchFlag(folder: string): () => Promise<void> {
  const lines = unitLines('postern-throttle-nginx.service', 'ExecStart').map((line) =>
    line
      .replaceAll('/var/lib/postern/throttle/nginx', `${folder}/blocks`)
      .replace('/usr/sbin/nginx', `/usr/sbin/nginx -c ${folder}/nginx.conf -p ${folder}`),
  );
  let stopped = false;
  const loop = async () => {
    while (!stopped) {
      if (existsSync(join(folder, 'blocks/reload'))) {
        const child = spawn('/bin/sh', ['-c', lines.join(' && ')], { stdio: 'ignore' });
        await new Promise((resolve) => child.once('exit', resolve));
      } else await setTimeout(50);
    }
  };
  const ended = loop();
  return () => {
    stopped = true;
    return ended;
  };
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

export async function startNginx(folder: string, workers = 1): Promise<ChildProcess> {
  return spawn('/usr/sbin/nginx', ['-c', wholeNginx(folder, workers), '-p', folder], { stdio: 'ignore' });
}

/** Here the service shares its process with everything that asks, so an answer may take longer than a real one. */
export function patient(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('_timeout 50ms', '_timeout 10s'));
}

async function nginxFront(mode: 'log' | 'auth' | 'lua', lengthMs: number): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-nginx-'));
  const port = await freePort();
  const log = join(folder, 'access.log');
  const lab = await realLab(lengthMs, {
    decision: { kind: 'unix', path: join(folder, 'decision.sock') },
    logs: [log],
    ...(mode === 'log' && { nginxFolder: join(folder, 'blocks') }),
    ...(mode === 'lua' && { luaFolder: join(folder, 'blocks') }),
  });
  await addSites(lab);
  const places = [
    ...['--access-log', log],
    ...['--nginx-dir', '--lua-dir'].flatMap((flag) => [flag, join(folder, 'blocks')]),
  ];
  await compile('nginx', { folder, port, lab }, [
    ...['--mode', mode, ...places],
    ...['--decision', `unix:${folder}/decision.sock`],
  ]);
  patient(join(folder, 'postern-throttle.conf'));
  // The last of the sites and exemptions: each worker looks again half a second after it has read what there was before.
  if (mode === 'lua')
    await until('all sites are written', () =>
      readFileSync(join(folder, 'blocks', LUA_STATE), 'utf8').includes('exempt\t7f000700\t24\t*'),
    );
  const nginx = await startNginx(folder, mode === 'lua' ? 2 : 1);
  await answers(port);
  const unwatch = watchFlag(folder);
  return {
    ...{ lab, port, folder, late: mode === 'log', lateBytes: mode !== 'lua', aligned: mode === 'lua' },
    close: async () => {
      await unwatch();
      await stopChild(nginx);
      await lab.close();
    },
  };
}

/** A whole configuration, with a user of its own where root runs the tests. @param more  what is served */
function wholeApache(folder: string, more: string): string {
  const modules = [
    'mpm_event',
    'authz_core',
    'rewrite',
    'headers',
    'alias',
    'proxy',
    'proxy_http',
    'remoteip',
  ];
  const lines = [
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    `ServerRoot ${folder}`,
    'ServerName localhost',
    `PidFile ${folder}/pid`,
    `ErrorLog ${folder}/error.log`,
    ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
    // More than one process, as each remembers for itself.
    ...[
      'StartServers 2',
      'MinSpareThreads 16',
      'MaxSpareThreads 32',
      'ThreadsPerChild 8',
      'MaxRequestWorkers 24',
    ],
    'ServerLimit 3',
    'KeepAliveTimeout 30',
    more,
  ];
  const file = join(folder, 'httpd.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A folder that Apache's processes, which are another user, may read. */
export function apacheFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-apache-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** @param more  what is served; what was compiled, unless told otherwise */
export function startApache(folder: string, more = `Include ${folder}/postern-throttle.conf`): ChildProcess {
  const args = ['-DFOREGROUND', '-f', wholeApache(folder, more)];
  return spawn('/usr/sbin/apache2', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function apacheFront(lengthMs: number): Promise<Front> {
  const folder = apacheFolder();
  const port = await freePort();
  const places = { log: join(folder, 'access.log'), folder: join(folder, 'blocks') };
  const lab = await realLab(lengthMs, { logs: [places.log], apacheFolder: places.folder });
  await addSites(lab);
  await compile('apache', { folder, port, lab }, [
    ...['--access-log', places.log],
    ...['--apache-dir', places.folder],
  ]);
  const apache = startApache(folder);
  await answers(port);
  return {
    ...{ lab, port, folder, late: true, lateBytes: true, aligned: false },
    close: async () => {
      await stopChild(apache);
      await lab.close();
    },
  };
}

async function haproxyFront(lengthMs: number): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-haproxy-'));
  const port = await freePort();
  const lab = await realLab(lengthMs, { haproxy: [join(folder, 'haproxy.sock')] });
  await addSites(lab);
  await compile('haproxy', { folder, port, lab }, []);
  const haproxy = startHaproxy(folder);
  await answers(port);
  return {
    ...{ lab, port, folder, late: false, lateBytes: false, aligned: true },
    close: async () => {
      haproxy.kill('SIGKILL');
      await lab.close();
    },
  };
}

/** Caddy with what was compiled, without the port on which it would take orders. */
export function startCaddy(folder: string): ChildProcess {
  const whole = join(folder, 'caddy.conf');
  writeFileSync(whole, `{\n\tadmin off\n}\n${readFileSync(join(folder, 'Caddyfile'), 'utf8')}`);
  const args = ['run', '--adapter', 'caddyfile', '--config', whole];
  return spawn('caddy', args, { stdio: 'ignore', env: { ...process.env, HOME: folder } });
}

async function caddyFront(lengthMs: number): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-caddy-'));
  const port = await freePort();
  const log = join(folder, 'access.log');
  const trusted = [parseNetwork('127.0.9.0/24')].filter((each) => each !== null);
  const decision = { kind: 'unix', path: join(folder, 'decision.sock') } as const;
  const lab = await realLab(lengthMs, { decision, logs: [log], trusted });
  await addSites(lab);
  const places = ['--access-log', log, '--decision', `unix:${decision.path}`];
  await compile('caddy', { folder, port, lab }, places);
  patient(join(folder, 'postern-throttle.caddy'));
  const caddy = startCaddy(folder);
  await answers(port);
  return {
    ...{ lab, port, folder, late: false, lateBytes: true, aligned: false },
    close: async () => {
      await stopChild(caddy);
      await lab.close();
    },
  };
}

export function startHaproxy(folder: string): ChildProcess {
  return spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
}

async function builtIn(lengthMs: number): Promise<Front> {
  const trusted = [parseNetwork('127.0.9.0/24')].filter((each) => each !== null);
  const at = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const origin = await startOrigin();
  const real = await realLab(lengthMs, { front: { at, origin: origin.url, trusted } });
  await addSites(real);
  return {
    ...{ lab: real, port: real.port, folder: '', late: false, lateBytes: false, aligned: false },
    close: async () => {
      await real.close();
      await origin.close();
    },
  };
}

/** Programs and their packages, by the first word of a front's name. */
const PROGRAMS: Readonly<Record<string, readonly [program: string, debianPackage: string]>> = {
  nginx: ['nginx', 'nginx'],
  HAProxy: ['haproxy', 'haproxy'],
  Apache: ['apache2', 'apache2-bin'],
  Caddy: ['caddy', 'caddy'],
};

/** Skip a test whose web server is not installed. */
export function needsServer(context: TestContext, front: string): void {
  if (front.endsWith('Lua')) needsLua(context);
  const [program, debianPackage] = PROGRAMS[/^\w+/.exec(front)?.[0] ?? ''] ?? [];
  if (program !== undefined && debianPackage !== undefined) needs(context, program, debianPackage);
}

/** Skip a test where nginx has no module for Lua. */
export function needsLua(context: TestContext): void {
  const module = '/usr/lib/nginx/modules/ngx_http_lua_module.so';
  needs(context, 'test', 'libnginx-mod-http-lua', ['-f', module]);
}

/** Every front by its name, to be started with the length of window and block. */
export const FRONTS: Readonly<Record<string, (lengthMs: number) => Promise<Front>>> = {
  'the built-in front': builtIn,
  'HAProxy by itself': haproxyFront,
  'nginx, by its log': (lengthMs) => nginxFront('log', lengthMs),
  'nginx with Lua': (lengthMs) => nginxFront('lua', lengthMs),
  'Apache, by its log': apacheFront,
  'nginx, asking': (lengthMs) => nginxFront('auth', lengthMs),
  'Caddy, asking': caddyFront,
};
