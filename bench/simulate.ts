/**
 * How many lines `throttle simulate` reads in a CPU-second (user and system), for all presets in one run: from the
 * file to the result, the start of the program apart. The log is invented: a few thousand clients of which few ask
 * for much, several hundred browsers, a quarter of an hour for every 20,000 lines.
 *
 *   node bench/simulate.ts [--lines N] [--turns N] [--check]
 *
 * --check exits with 1 when the best turn of a format is below its floor.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAccessLogs } from '../src/cli/access-logs.ts';
import { judgeSimulation } from '../src/throttle/judge.ts';
import { Simulation } from '../src/throttle/simulate.ts';
import { median } from './measure.ts';

const { values: flags } = parseArgs({
  options: {
    lines: { type: 'string', default: '300000' },
    turns: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});
const count = Number(flags.lines);

/** Lines in a CPU-second that a format has to reach; those of the last two have 900 and 1,000 bytes. */
const FLOORS = { combined: 700_000, json: 700_000, caddy: 700_000, traefik: 450_000, 'caddy all': 300_000 };

const CLIENTS = 6000;
const PATHS = ['/', '/index.html', '/static/site.css', '/img/logo.png?v=1', '/article/'];

type Hit = {
  readonly at: Date;
  readonly client: string;
  readonly path: string;
  readonly bytes: number;
  readonly referer: string;
  readonly agent: string;
};

/** The same requests in every run. */
function* hits(): Generator<Hit> {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  for (let index = 0, ms = Date.UTC(2026, 0, 5); index < count; index += 1) {
    ms += Math.floor(random() * 90);
    const who = Math.floor(random() ** 3 * CLIENTS);
    const version = who % 300;
    yield {
      at: new Date(ms),
      client: `198.51.${100 + (who >> 8)}.${who & 255}`,
      path: `${PATHS[index % PATHS.length]}${index % PATHS.length === 4 ? who : ''}`,
      bytes: Math.floor(random() * 30_000),
      referer: index % 3 === 0 ? '-' : 'https://www.example.org/article/7',
      agent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
    };
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function combined({ at, client, path, bytes, referer, agent }: Hit): string {
  const [date = '', time = ''] = at.toISOString().split(/[T.]/);
  const [year, , day] = date.split('-');
  const stamp = `${day}/${MONTHS[at.getUTCMonth()]}/${year}:${time} +0000`;
  return `${client} - - [${stamp}] "GET ${path} HTTP/1.1" 200 ${bytes} "${referer}" "${agent}"\n`;
}

function json({ at, client, path, bytes, referer, agent }: Hit): string {
  const fields = {
    time_iso8601: at.toISOString().replace(/\.\d+Z/, '+00:00'),
    remote_addr: client,
    host: 'www.example.org',
    request_uri: path,
    status: 200,
    bytes_sent: bytes,
    http_referer: referer,
    http_user_agent: agent,
  };
  return `${JSON.stringify(fields)}\n`;
}

/** As Caddy writes it: what counts lies two objects deep. */
function caddy({ at, client, path, bytes, referer, agent }: Hit): string {
  const request = {
    remote_ip: client,
    remote_port: '40000',
    proto: 'HTTP/2.0',
    method: 'GET',
    host: 'www.example.org',
    uri: path,
    headers: { 'User-Agent': [agent], Referer: [referer], Accept: ['*/*'] },
  };
  const fields = { level: 'info', ts: at.getTime() / 1000, msg: 'handled request', request };
  return `${JSON.stringify({ ...fields, duration: 0.000512, size: bytes, status: 200 })}\n`;
}

/** All that Traefik writes by default, and two headers. */
function traefik({ at, client, path, bytes, referer, agent }: Hit): string {
  const time = at.toISOString();
  const fields = {
    ClientAddr: `${client}:${40_000 + (bytes % 20_000)}`,
    ClientHost: client,
    ClientPort: `${40_000 + (bytes % 20_000)}`,
    ClientUsername: '-',
    DownstreamContentSize: bytes,
    DownstreamStatus: 200,
    Duration: 512_000 + bytes,
    OriginContentSize: bytes,
    OriginDuration: 412_000 + bytes,
    OriginStatus: 200,
    Overhead: 100_000,
    RequestAddr: 'www.example.org',
    RequestContentSize: 0,
    RequestCount: bytes * 7,
    RequestHost: 'www.example.org',
    RequestMethod: 'GET',
    RequestPath: path,
    RequestPort: '-',
    RequestProtocol: 'HTTP/2.0',
    RequestScheme: 'https',
    RetryAttempts: 0,
    RouterName: 'web@file',
    StartLocal: time.replace('Z', '512000Z'),
    StartUTC: time.replace('Z', '512000Z'),
    entryPointName: 'websecure',
    level: 'info',
    msg: '',
    request_Referer: referer,
    'request_User-Agent': agent,
    time: time.replace(/\.\d+Z/, 'Z'),
  };
  return `${JSON.stringify(fields)}\n`;
}

/** Members from one of them on, and those before it behind the last: so Caddy writes the headers of each request. */
function turned<T>(members: Readonly<Record<string, T>>, by: number): Record<string, T> {
  const all = Object.entries(members);
  const from = by % all.length;
  return Object.fromEntries([...all.slice(from), ...all.slice(0, from)]);
}

/** All that Caddy writes by default of the request of a browser. */
function caddyAll({ at, client, path, bytes, referer, agent }: Hit): string {
  const headers = {
    'User-Agent': [agent],
    Accept: ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    'Accept-Language': [['en-US,en;q=0.5', 'de', 'fr'][client.length % 3] ?? ''],
    'Accept-Encoding': ['gzip, deflate, br, zstd'],
    ...(referer !== '-' && { Referer: [referer] }),
    'Sec-Fetch-Mode': ['navigate'],
    'Sec-Ch-Ua': ['"Chromium";v="130"'],
  };
  const request = {
    remote_ip: client,
    remote_port: `${40_000 + (bytes % 20_000)}`,
    client_ip: client,
    proto: bytes % 5 === 0 ? 'HTTP/1.1' : 'HTTP/2.0',
    method: 'GET',
    host: 'www.example.org',
    uri: path,
    headers: turned(headers, bytes),
    tls: {
      resumed: bytes % 2 === 0,
      version: 772,
      cipher_suite: 4865,
      proto: 'h2',
      server_name: 'www.example.org',
    },
  };
  const answer = {
    Server: ['Caddy'],
    Etag: [`"${path.length}tp28ai3"`],
    'Content-Type': ['text/html; charset=utf-8'],
    'Last-Modified': ['Sun, 04 Jan 2026 10:00:00 GMT'],
    'Accept-Ranges': ['bytes'],
    'Content-Length': [`${bytes}`],
  };
  const fields = {
    level: 'info',
    ts: at.getTime() / 1000 + (bytes % 1000) / 1e7,
    logger: 'http.log.access.log0',
    msg: 'handled request',
    request,
    bytes_read: 0,
    user_id: '',
    duration: 0.000512 + bytes / 1e9,
    size: bytes,
    status: 200,
    resp_headers: turned(answer, bytes >> 4),
  };
  return `${JSON.stringify(fields)}\n`;
}

const FORMATS = { combined, json, caddy, traefik, 'caddy all': caddyAll };

/** Piece by piece: what lies in memory from here would be paid for while the log is read. */
function write(file: string, format: (hit: Hit) => string): void {
  let piece = '';
  for (const hit of hits()) {
    piece += format(hit);
    if (piece.length < 1e6) continue;
    appendFileSync(file, piece);
    piece = '';
  }
  appendFileSync(file, piece);
}

async function linesPerSecond(file: string): Promise<number> {
  const begun = process.cpuUsage();
  const simulation = new Simulation({ window: 'sliding' });
  const reading = await readAccessLogs([file], simulation);
  const { totals } = judgeSimulation(simulation.finish(), reading, {
    window: 'sliding',
    site: null,
    attacker: null,
  });
  const { user, system } = process.cpuUsage(begun);
  if (totals.requests !== count) throw new Error(`${totals.requests} requests were read of ${count}`);
  return (totals.lines / (user + system)) * 1e6;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-simulate-'));
try {
  for (const [name, format] of Object.entries(FORMATS)) {
    const file = join(folder, name.replace(' ', '-'));
    write(file, format);
    const rates: number[] = [];
    for (let turn = 0; turn < Number(flags.turns); turn += 1) rates.push(await linesPerSecond(file));
    const millions = (rate: number) => (rate / 1e6).toFixed(2);
    const told = `best ${millions(Math.max(...rates))}, median ${millions(median(rates))}`;
    console.log(`${name.padEnd(9)} ${told} million lines a CPU-second (${rates.map(millions).join(', ')})`);
    if (flags.check && Math.max(...rates) < FLOORS[name as keyof typeof FLOORS]) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
