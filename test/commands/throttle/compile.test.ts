import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNetwork } from '../../../src/net/network.ts';
import type { ThrottleCompileResult } from '../../../src/schema/throttle.ts';
import { needs } from '../../helpers/debian.ts';
import { run } from '../../helpers/run.ts';
import { startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

let lab: ThrottleLab;

beforeAll(async () => {
  lab = await startThrottleLab();
  await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M' });
  await lab.api('/v1/exemptions', 'POST', { network: '192.0.2.0/24', site: 'www.example.org' });
});
afterAll(() => lab.close());

async function compiled(args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-compile-'));
  const where = ['--out', folder, '--service', `unix:${lab.socket.path}`];
  const { result, stdout } = await run('throttle compile', [...args, ...where]);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { result: result as ThrottleCompileResult, said: stdout.replaceAll(/\s+/g, ' '), read };
}

test.for([
  ['haproxy', [], 'HAProxy counts by itself in windows of the clock'],
  ['nginx', ['--mode', 'log'], 'nginx learns from its own log whom to refuse'],
  ['nginx', ['--mode', 'lua'], 'nginx counts by itself in windows of the clock'],
  ['nftables', [], 'reaches nothing on this machine'],
  ['apache', [], 'Apache learns from its own log whom to refuse'],
  ['nginx', ['--mode', 'auth'], 'nginx asks before each request'],
  ['caddy', [], 'Caddy asks before each request'],
  ['traefik', [], 'it cannot let them pass'],
] as const)(
  '%s %j: what the server cannot do is said with what was written',
  async ([target, args, expected]) => {
    const { said, result } = await compiled([target, ...args]);
    expect(said).toContain(expected);
    expect(result).toMatchObject({ status: 'ok', checks: [{ id: 'throttle.compile.front', status: 'ok' }] });
  },
);

test('an exemption for one site stands in the maps of HAProxy', async () => {
  const { read } = await compiled(['haproxy']);
  expect(read('exempt-networks.map')).toBe('192.0.2.0/24 192.0.2.0/24\n');
  expect(read('exempt-pairs.lst')).toBe('192.0.2.0/24|www.example.org\n');
  expect(read('exempt.lst')).toBe('');
});

test.for(['caddy', 'traefik'])('%s: a proxy that the service does not believe is told', async (target) => {
  const { result, said } = await compiled([target, '--trusted-proxy', '192.0.2.0/24']);
  expect(result.status).toBe('warn');
  expect(said).toContain('It does not believe 192.0.2.0/24.');
  const believing = await startThrottleLab({
    trusted: [parseNetwork('192.0.2.0/24')].filter((each) => each !== null),
  });
  const folder = mkdtempSync(join(tmpdir(), 'postern-compile-'));
  const where = ['--out', folder, '--service', `unix:${believing.socket.path}`];
  try {
    expect(
      await run('throttle compile', [target, '--trusted-proxy', '192.0.2.7/24', ...where]),
    ).toMatchObject({
      exit: 0,
    });
    // Caddy hands on who asked it, whoever that was; Traefik only those that it believes itself.
    const other = await run('throttle compile', [target, ...where]);
    expect(other.exit).toBe(target === 'caddy' ? 0 : 1);
    expect(other.stdout.includes('It believes 192.0.2.0/24, too.')).toBe(target === 'traefik');
  } finally {
    await believing.close();
  }
});

test('Apache is told of no prefix that it cannot look up', async () => {
  const odd = await startThrottleLab({ prefix: 63 });
  const folder = mkdtempSync(join(tmpdir(), 'postern-compile-'));
  const ran = await run('throttle compile', [
    'apache',
    '--out',
    folder,
    '--service',
    `unix:${odd.socket.path}`,
  ]);
  await odd.close();
  expect(ran).toMatchObject({ exit: 64 });
  expect(ran.stderr).toContain('Apache cannot look up IPv6 networks of 63 bits.');
});

test.for([
  ['80', 'http://:80', []],
  [':80', 'http://:80', []],
  ['*:80', 'http://:80', []],
  ['127.0.0.1:8000', 'http://:8000', ['bind 127.0.0.1']],
  ['[2001:db8::1]:8000', 'http://:8000', ['bind 2001:db8::1']],
  ['www.example.org', 'http://www.example.org', []],
] as const)('Caddy listens on %s', async ([bind, address, more], context) => {
  needs(context, 'caddy', 'caddy');
  const { read, result } = await compiled(['caddy', '--bind', bind, '--check']);
  expect(result.status).toBe('ok');
  const lines = read('Caddyfile')
    .split('\n')
    .map((line) => line.trim());
  expect(lines.filter((line) => /^(?:http|bind)/.test(line))).toEqual([`${address} {`, ...more]);
});

test('what Caddy does not take is told', async (context) => {
  needs(context, 'caddy', 'caddy');
  const { said, result } = await compiled(['caddy', '--bind', '127.0.0.1:99999', '--check']);
  expect(result.status).toBe('crit');
  expect(said).toContain('caddy does not take the configuration.');
  const check = result.checks.find(({ id }) => id === 'throttle.compile.check');
  expect(check?.evidence).toMatch(/^Error: .*port 99999 is out of range$/);
});

test('a mode that a server does not know is refused, and those that it knows are told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-compile-'));
  const where = ['--out', folder, '--service', `unix:${lab.socket.path}`];
  const { exit, stderr } = await run('throttle compile', ['nginx', '--mode', 'native', ...where]);
  expect(exit).toBe(64);
  expect(stderr).toContain('It knows log and auth and lua.');
});
