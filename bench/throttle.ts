/**
 * What enforcement costs in front of a web server: requests a second beside the same server without it, and processor
 * time of a refusal beside that of serving a kilobyte. All servers take turns in one run, servers and service on one
 * core and wrk on another, so only the ratios mean something.
 *
 *   node bench/throttle.ts [--rounds N] [--seconds N] [--check]
 *
 * Needs nginx (with Lua), apache2, haproxy, caddy and wrk. nginx without throttling writes its log as Debian's does, Caddy as JSON. --check exits with 1 when a
 * ratio is below its floor.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { callService } from '../src/service/call.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    check: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const children: ChildProcess[] = [];

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** On the core of the servers. */
function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn('taskset', ['-c', '0', program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await condition()); tries += 1) await setTimeout(100);
}

const succeeds = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  );

/** The service in a folder of its own, and how to ask it. */
async function service(place: string, more: readonly string[]): Promise<ChildProcess> {
  mkdirSync(place, { recursive: true });
  const socket = { kind: 'unix', path: join(place, 'admin.sock') } as const;
  const args = ['--listen', `unix:${socket.path}`, '--database', ':memory:', ...more];
  const child = start(process.execPath, [join(root, 'bin/dev.ts'), 'throttle', 'serve', ...args]);
  await until(() => succeeds(callService(socket, '/v1/status', {})));
  const site = (name: string, limits: string) =>
    callService(socket, '/v1/sites', { method: 'POST', body: { name, limits } });
  await site('open.example', '1000000/900G');
  await site('tight.example', '20/2M');
  return child;
}

function compile(place: string, target: string, args: readonly string[]): void {
  const where = ['--out', place, '--service', `unix:${place}/admin.sock`, '--trusted-proxy', '127.0.0.0/8'];
  execFileSync(process.execPath, [
    join(root, 'bin/dev.ts'),
    'throttle',
    'compile',
    target,
    ...where,
    ...args,
  ]);
}

function nginx(place: string, http: string, modules: readonly string[] = []): ChildProcess {
  mkdirSync(join(place, 'tmp'), { recursive: true });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${place}/tmp/${each};`,
  );
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  writeFileSync(
    join(place, 'nginx.conf'),
    `${modules.map((name) => `load_module /usr/lib/nginx/modules/${name}_module.so; `).join('')}${user}daemon off; worker_processes 1; pid ${place}/pid; error_log ${place}/error.log crit;
events { worker_connections 2048; }
http { sendfile on; tcp_nopush on; keepalive_requests 1000000; ${paths.join(' ')} ${http} }`,
  );
  return start('/usr/sbin/nginx', ['-c', join(place, 'nginx.conf'), '-p', place]);
}

/** What was compiled, with files in place of a web server behind it. */
function withFiles(place: string): string {
  const text = readFileSync(join(place, 'postern-throttle.conf'), 'utf8');
  return text.replace(
    /proxy_set_header Host[^}]*?proxy_pass http:\/\/127\.0\.0\.1:8080;/g,
    `root ${folder}/files;`,
  );
}

/** The same nginx: it finds out who the client is, too. */
const REAL_ADDRESS = 'set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;';

/** Caddy with files in place of a web server behind it. @param site  what stands in it before */
function caddy(place: string, port: number, top: string, site: string): ChildProcess {
  const file = join(place, 'caddy.conf');
  const files = `root * ${folder}/files\n\tfile_server`;
  writeFileSync(
    file,
    `{\n\tadmin off\n}\n${top}\nhttp://:${port} {\n\tbind 127.0.0.1\n\t${site}\n\t${files}\n}\n`,
  );
  return start('env', [`HOME=${place}`, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file]);
}

/** Apache with files in place of a web server behind it. @param inside  of the virtual host */
function apache(place: string, port: number, inside: string): ChildProcess {
  mkdirSync(place, { recursive: true });
  for (const each of [folder, place]) chmodSync(each, 0o755);
  const file = join(place, 'httpd.conf');
  const modules = ['mpm_event', 'authz_core', 'rewrite', 'headers', 'alias', 'remoteip'].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`,
  );
  const user = process.getuid?.() === 0 ? 'User www-data\nGroup www-data\n' : '';
  writeFileSync(
    file,
    `${modules.join('')}${user}ServerRoot ${place}
ServerName localhost
PidFile ${place}/pid
ErrorLog ${place}/error.log
MaxKeepAliveRequests 0
Listen 127.0.0.1:${port}
<VirtualHost 127.0.0.1:${port}>
    RemoteIPHeader X-Forwarded-For
    RemoteIPInternalProxy 127.0.0.0/8
    ${inside}
    DocumentRoot ${folder}/files
    <Location "/">
        Require all granted
    </Location>
</VirtualHost>
`,
  );
  return start('/usr/sbin/apache2', ['-DFOREGROUND', '-f', file]);
}

const COMBINED = '"%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\""';

type Server = { readonly name: string; readonly port: number; readonly processes: readonly ChildProcess[] };

/** User and system time of processes and their children, in ticks of 10 ms. */
function ticks(processes: readonly ChildProcess[]): number {
  const wanted = new Set(processes.map(({ pid }) => pid));
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (wanted.has(Number(pid)) || wanted.has(Number(fields[1])))
        sum += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended meanwhile.
    }
  }
  return sum;
}

/** wrk comes from so many addresses, one after the other. */
function script(clients: number): string {
  const file = join(folder, `${clients}.lua`);
  writeFileSync(
    file,
    `local n = 0
request = function()
  n = (n + 1) % ${clients}
  wrk.headers["X-Forwarded-For"] = "10.0." .. math.floor(n / 250) .. "." .. (n % 250 + 1)
  return wrk.format("GET", "/1k")
end`,
  );
  return file;
}

type Sample = { readonly perSecond: number; readonly microseconds: number; readonly refused: number };

function sample({ port, processes }: Server, host: string, clients: number): Sample {
  const begun = ticks(processes);
  const args = [
    '-c',
    '1',
    'wrk',
    '-t1',
    '-c32',
    `-d${flags.seconds}s`,
    '-s',
    script(clients),
    '-H',
    `Host: ${host}`,
  ];
  const said = execFileSync('taskset', [...args, `http://127.0.0.1:${port}/1k`], { encoding: 'utf8' });
  const requests = Number(/(\d+) requests in/.exec(said)?.[1]);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(said)?.[1] ?? 0) / requests;
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
  return { perSecond, microseconds: ((ticks(processes) - begun) * 10_000) / requests, refused };
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

async function servers(): Promise<{ readonly all: readonly Server[]; readonly reload: () => void }> {
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/1k'), 'x'.repeat(1024));
  const [
    plain = 0,
    log = 0,
    auth = 0,
    origin = 0,
    proxy = 0,
    native = 0,
    bareCaddy = 0,
    caddyAuth = 0,
    lua = 0,
    bareApache = 0,
    apacheLog = 0,
  ] = await Promise.all(Array.from({ length: 11 }, freePort));
  const place = (name: string) => join(folder, name);
  const files = (port: number, more: string) =>
    `${more} server { listen 127.0.0.1:${port}; location / { root ${folder}/files; } }`;
  const at = (port: number) => ['--bind', `127.0.0.1:${port}`];

  const blocks = [
    '--access-log',
    join(place('log'), 'access.log'),
    '--nginx-dir',
    join(place('log'), 'blocks'),
  ];
  const logService = await service(place('log'), blocks);
  compile(place('log'), 'nginx', [...at(log), ...blocks]);
  const ask = ['--decision', `unix:${place('auth')}/decision.sock`];
  const bytes = ['--access-log', join(place('auth'), 'access.log')];
  const authService = await service(place('auth'), [...ask, ...bytes]);
  compile(place('auth'), 'nginx', [...at(auth), '--mode', 'auth', ...ask, ...bytes]);
  const inLua = ['--access-log', join(place('lua'), 'access.log'), '--lua-dir', join(place('lua'), 'state')];
  const luaService = await service(place('lua'), inLua);
  compile(place('lua'), 'nginx', [...at(lua), '--mode', 'lua', ...inLua]);
  const inApache = [
    ...['--access-log', join(place('apache'), 'access.log')],
    ...['--apache-dir', join(place('apache'), 'maps')],
  ];
  const apacheService = await service(place('apache'), inApache);
  compile(place('apache'), 'apache', [...at(apacheLog), ...inApache]);
  const linked = await service(place('native'), ['--haproxy', join(place('native'), 'haproxy.sock')]);
  compile(place('native'), 'haproxy', [...at(native), '--server', `127.0.0.1:${origin}`]);
  const askedByCaddy = ['--decision', `unix:${place('caddy')}/decision.sock`];
  const caddyLog = ['--access-log', join(place('caddy'), 'access.log')];
  const caddyService = await service(place('caddy'), [
    ...[...askedByCaddy, ...caddyLog],
    ...['--trusted-proxy', '127.0.0.0/8'],
  ]);
  compile(place('caddy'), 'caddy', [...askedByCaddy, ...caddyLog]);
  mkdirSync(place('bare-caddy'));
  mkdirSync(place('proxy'));
  const bare = `global
    maxconn 9000
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
frontend web
    bind 127.0.0.1:${proxy}
    default_backend site
backend site
    option forwardfor
    server origin 127.0.0.1:${origin}
`;
  writeFileSync(join(place('proxy'), 'haproxy.cfg'), bare);

  for (const name of ['plain', 'origin']) mkdirSync(place(name));
  const behind = nginx(place('origin'), files(origin, 'access_log off;'));
  const haproxy = (name: string) => start('haproxy', ['-db', '-f', join(place(name), 'haproxy.cfg')]);
  const all: Server[] = [
    {
      name: 'nginx',
      port: plain,
      processes: [
        nginx(place('plain'), files(plain, `access_log ${place('plain')}/access.log; ${REAL_ADDRESS}`)),
      ],
    },
    {
      name: 'nginx by its log',
      port: log,
      processes: [nginx(place('log'), withFiles(place('log'))), logService],
    },
    {
      name: 'nginx asking',
      port: auth,
      processes: [nginx(place('auth'), withFiles(place('auth'))), authService],
    },
    {
      name: 'nginx with Lua',
      port: lua,
      processes: [nginx(place('lua'), withFiles(place('lua')), ['ndk_http', 'ngx_http_lua']), luaService],
    },
    {
      name: 'Apache',
      port: bareApache,
      processes: [
        apache(place('bare-apache'), bareApache, `CustomLog ${place('bare-apache')}/access.log ${COMBINED}`),
      ],
    },
    {
      name: 'Apache by its log',
      port: apacheLog,
      processes: [
        apache(place('apache'), apacheLog, `Include ${place('apache')}/postern-throttle.inc`),
        apacheService,
      ],
    },
    { name: 'HAProxy', port: proxy, processes: [haproxy('proxy'), behind] },
    { name: 'HAProxy native', port: native, processes: [haproxy('native'), behind, linked] },
    {
      name: 'Caddy',
      port: bareCaddy,
      processes: [
        caddy(
          place('bare-caddy'),
          bareCaddy,
          '',
          `log {\n\t\toutput file ${place('bare-caddy')}/access.log\n\t\tformat json\n\t}`,
        ),
      ],
    },
    {
      name: 'Caddy asking',
      port: caddyAuth,
      processes: [
        caddy(
          place('caddy'),
          caddyAuth,
          `import ${place('caddy')}/postern-throttle.caddy`,
          'import postern_throttle',
        ),
        caddyService,
      ],
    },
  ];
  for (const { port } of all) await until(() => succeeds(fetch(`http://127.0.0.1:${port}/1k`)));
  const reload = () => {
    if (existsSync(join(place('log'), 'blocks/reload')))
      execFileSync('/usr/sbin/nginx', [
        '-c',
        join(place('log'), 'nginx.conf'),
        '-p',
        place('log'),
        '-s',
        'reload',
      ]);
  };
  return { all, reload };
}

type Ratio = readonly [what: string, value: number, floor: number];

async function measure(): Promise<boolean> {
  const { all, reload } = await servers();
  const serving = new Map(all.map(({ name }) => [name, [] as Sample[]]));
  const refusing = new Map(all.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round < rounds; round += 1)
    for (const server of all) serving.get(server.name)?.push(sample(server, 'open.example', 10_000));
  const throttled = all.filter(({ name }) => name.includes(' '));
  for (const server of throttled) sample(server, 'tight.example', 100);
  await setTimeout(2000);
  reload();
  await setTimeout(2000);
  for (let round = 0; round < rounds; round += 1)
    for (const server of throttled) refusing.get(server.name)?.push(sample(server, 'tight.example', 100));

  const rate = (name: string) => median((serving.get(name) ?? []).map(({ perSecond }) => perSecond));
  const cost = (from: typeof serving, name: string) =>
    median((from.get(name) ?? []).map(({ microseconds }) => microseconds));
  for (const { name } of all) {
    const refused = refusing.get(name) ?? [];
    const more =
      refused.length === 0
        ? ''
        : `, refusing ${cost(refusing, name).toFixed(1)} µs (${(median(refused.map((each) => each.refused)) * 100).toFixed(0)} % refused)`;
    console.log(
      `${name.padEnd(18)} ${rate(name).toFixed(0).padStart(7)} a second, serving ${cost(serving, name).toFixed(1)} µs${more}`,
    );
  }
  const ratios: Ratio[] = [
    ['nginx by its log, of nginx', rate('nginx by its log') / rate('nginx'), 0.95],
    ['nginx asking, of nginx', rate('nginx asking') / rate('nginx'), 0.3],
    ['Caddy asking, of Caddy', rate('Caddy asking') / rate('Caddy'), 0.2],
    ['nginx with Lua, of nginx', rate('nginx with Lua') / rate('nginx'), 0.4],
    ['Apache by its log, of Apache', rate('Apache by its log') / rate('Apache'), 0.7],
    ['HAProxy native, of HAProxy', rate('HAProxy native') / rate('HAProxy'), 0.75],
    ['serving to refusing, by log', cost(serving, 'nginx') / cost(refusing, 'nginx by its log'), 1],
    ['serving to refusing, native', cost(serving, 'HAProxy') / cost(refusing, 'HAProxy native'), 1],
  ];
  const both = (name: string, base: string) => (cost(serving, base) / cost(serving, name)).toFixed(2);
  console.log(
    `processor time without to with: by log ${both('nginx by its log', 'nginx')}, asking ${both('nginx asking', 'nginx')}, Lua ${both('nginx with Lua', 'nginx')}, Apache ${both('Apache by its log', 'Apache')}, native ${both('HAProxy native', 'HAProxy')}`,
  );
  for (const [what, value, floor] of ratios)
    console.log(`${what.padEnd(30)} ${value.toFixed(2)} (floor ${floor})${value < floor ? ' BELOW' : ''}`);
  return ratios.every(([, value, floor]) => value >= floor);
}

try {
  const isFast = await measure();
  if (flags.check && !isFast) process.exitCode = 1;
} finally {
  for (const child of children) child.kill('SIGTERM');
  await setTimeout(500);
  rmSync(folder, { recursive: true, force: true });
}
