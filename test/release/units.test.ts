import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { callService } from '../../src/service/call.ts';
import { needs, needsRoot } from '../helpers/debian.ts';
import { root } from '../helpers/run.ts';

// The units that are delivered, as systemd reads them, with this program in place of an installed one.

const SOURCE = `${root}data/systemd/`;
const folder = mkdtempSync(join(tmpdir(), 'postern-units-'));
const names = readdirSync(SOURCE);
// Ours: the one that reloads nginx runs nginx alone, as root and with nginx's configuration, and needs what that needs.
const services = names.filter((name) =>
  /^ExecStart=\/usr\/bin\/postern /m.test(readFileSync(SOURCE + name, 'utf8')),
);
const running: ChildProcess[] = [];

beforeAll(() => {
  for (const name of names) {
    const text = readFileSync(SOURCE + name, 'utf8').replaceAll('/usr/bin/postern', `${root}bin/run.js`);
    writeFileSync(join(folder, name), text);
  }
});

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

test('systemd finds no fault in them', (context) => {
  needs(context, 'systemd-analyze', 'systemd');
  const files = names.map((name) => join(folder, name));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
    encoding: 'utf8',
  });
  // It also reads units of the machine, and says what it thinks of them.
  expect([status, stderr.split('\n').filter((line) => line.includes('postern'))]).toEqual([0, []]);
});

test.for(services)('%s is exposed less than 2 of 10', (name, context) => {
  needs(context, 'systemd-analyze', 'systemd');
  const checked = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--no-pager', '--threshold=20', join(folder, name)],
    { encoding: 'utf8' },
  );
  expect(checked.status, checked.stdout).toBe(0);
});

test.for(['postern-throttle-nginx.service', 'postern-throttle-nftables.service'])(
  '%s, which has to be more than others, is exposed less than 3 of 10',
  (name, context) => {
    needs(context, 'systemd-analyze', 'systemd');
    const checked = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', '--threshold=30', join(folder, name)],
      { encoding: 'utf8' },
    );
    expect(checked.status, checked.stdout).toBe(0);
  },
);

test('with the capabilities of that unit nginx tests and reloads, logs and folders of others and all', async (context) => {
  needs(context, 'nginx', 'nginx');
  needsRoot(context, 'only root has capabilities to give away');
  const unit = readFileSync(join(SOURCE, 'postern-throttle-nginx.service'), 'utf8');
  const left = (/^CapabilityBoundingSet=(.+)$/m.exec(unit)?.[1] ?? '').toLowerCase().replaceAll('cap_', '+');
  const place = mkdtempSync(join(folder, 'nginx-'));
  const log = join(place, 'access.log');
  writeFileSync(log, '', { mode: 0o640 });
  chownSync(log, 33, 4);
  writeFileSync(
    join(place, 'nginx.conf'),
    `user www-data; pid ${place}/pid; error_log ${place}/error.log;
events { worker_connections 16; }
http { access_log ${log}; client_body_temp_path ${place}/body; server { listen unix:${place}/sock; } }`,
  );
  const where = ['-c', join(place, 'nginx.conf'), '-p', place];
  const master = spawn('/usr/sbin/nginx', [...where, '-g', 'daemon off;'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => master.on('exit', resolve));
  onTestFinished(async () => {
    master.kill('SIGTERM');
    await ended;
  });
  const worker = () => {
    const { stdout } = spawnSync('pgrep', ['-P', String(master.pid)], { encoding: 'utf8' });
    return stdout.trim();
  };
  await expect.poll(worker, { timeout: 20_000 }).not.toBe('');
  const before = worker();
  rmSync(join(place, 'body'), { recursive: true });
  const bounded = [`--bounding-set=-all,${left.split(' ').join(',')}`, '--inh-caps=-all', '--no-new-privs'];
  for (const args of [
    ['-t', '-q'],
    ['-s', 'reload'],
  ]) {
    const ran = spawnSync('setpriv', [...bounded, '/usr/sbin/nginx', ...where, ...args], {
      encoding: 'utf8',
    });
    expect(ran.status, ran.stderr).toBe(0);
  }
  expect(statSync(join(place, 'body')).uid).toBe(33);
  await expect.poll(worker, { timeout: 20_000 }).not.toContain(before);
});

/** What a unit starts, without the name of the program. */
function argvOf(service: string): string[] {
  const unit = readFileSync(SOURCE + service, 'utf8');
  return (/^ExecStart=\/usr\/bin\/postern (.*)$/m.exec(unit)?.[1] ?? '').split(' ');
}

/** The sockets of a service: what their units call them. */
function descriptorsOf(service: string): string[] {
  const sockets = /^Sockets=(.*)$/m.exec(readFileSync(SOURCE + service, 'utf8'))?.[1]?.split(' ') ?? [];
  return sockets.map(
    (socket) => /^FileDescriptorName=(.*)$/m.exec(readFileSync(SOURCE + socket, 'utf8'))?.[1] ?? '',
  );
}

test.for(services.filter((service) => descriptorsOf(service).length > 0))(
  '%s: what it starts names the sockets that it is given',
  (service) => {
    const named = argvOf(service).flatMap((word) => (word.startsWith('systemd:') ? [word.slice(8)] : []));
    expect(descriptorsOf(service)).toEqual(named);
  },
);

test.for(services)('%s leaves no picture of its memory on the disk', (service) => {
  expect(readFileSync(SOURCE + service, 'utf8')).toMatch(/^LimitCORE=0$/m);
});

/** Have systemd's own program open the sockets and start what the unit starts; wrap stands before Node. */
async function activate(service: string, env: Record<string, string> = {}, wrap: readonly string[] = []) {
  const home = mkdtempSync(join(folder, 'state-'));
  const variables: Record<string, string> = { HOME: home, STATE_DIRECTORY: home, ...env };
  const names = descriptorsOf(service);
  const paths = names.map((name) => join(home, `${name}.sock`));
  const argv = [
    ...paths.flatMap((path) => ['-l', path]),
    `--fdname=${names.join(':')}`,
    ...Object.keys(variables).flatMap((name) => ['-E', name]),
    ...wrap,
    process.execPath,
    `${root}bin/run.js`,
    ...argvOf(service),
  ];
  const child = spawn('systemd-socket-activate', argv, {
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  await expect.poll(() => said, { timeout: 20_000 }).toContain('Listening on');
  const stop = async () => {
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    return ended;
  };
  return { home, paths, stop, said: () => said };
}

/** An answer of a service on a Unix socket. */
function get(socketPath: string, path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers: { host: 'localhost' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    })
      .on('error', reject)
      .end();
  });
}

test('the first question on a socket of systemd starts the throttle, which answers it', async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  const { home, paths, stop } = await activate('postern-throttle.service');
  const path = paths[0] as string;
  const status = await callService({ kind: 'unix', path }, '/v1/status', { timeoutMs: 30_000 });
  expect(status).toMatchObject({
    service: {
      listening: [
        { for: 'admin', at: 'systemd:admin' },
        { for: 'decision', at: 'systemd:decision' },
      ],
    },
  });
  expect(await stop()).toBe(0);
  expect(readdirSync(home)).toEqual(expect.arrayContaining(['throttle.db', 'throttle.db.counters']));
});

test('the validation server answers on sockets of systemd, without a network of its own', async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  // PrivateNetwork=yes, where this machine lets us do the same.
  const alone = spawnSync('unshare', ['--net', 'true']).status === 0 ? ['unshare', '--net'] : [];
  const service = await activate('postern-validation.service', {}, alone);
  const [verify = '', metrics = ''] = service.paths;
  expect(await get(verify, '/healthz'), service.said()).toEqual({ status: 200, text: 'ok\n' });
  const asked = await get(verify, '/wsapi/2.0/verify?id=1&otp=x&nonce=0123456789abcdef');
  expect(asked.text).toMatch(/^status=/m);
  expect((await get(metrics, '/metrics')).text).toContain('postern_validation_answers_total');
  expect(await service.stop()).toBe(0);
  expect(readdirSync(service.home)).toEqual(expect.arrayContaining(['keys.db', 'master.key']));
});

test.for([
  ['0400', 0o400],
  ['0440', 0o440],
] as const)('a master key that is a credential of mode %s is taken', async ([, mode], context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  const credentials = mkdtempSync(join(folder, 'credentials-'));
  writeFileSync(join(credentials, 'postern-master-key'), `${'5a'.repeat(32)}\n`, { mode });
  const service = await activate('postern-validation.service', { CREDENTIALS_DIRECTORY: credentials });
  expect(await get(service.paths[0] as string, '/healthz'), service.said()).toMatchObject({ status: 200 });
  expect(await service.stop()).toBe(0);
  expect(readdirSync(service.home)).not.toContain('master.key');
});

test('logins are answered on a socket of systemd, with the token of a credential', async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  const credentials = mkdtempSync(join(folder, 'credentials-'));
  writeFileSync(join(credentials, 'postern-login-token'), `${'a1'.repeat(32)}\n`, { mode: 0o400 });
  const service = await activate('postern-login.service', { CREDENTIALS_DIRECTORY: credentials });
  const path = service.paths[0] as string;
  expect(await get(path, '/healthz'), service.said()).toMatchObject({ status: 200 });
  expect(await get(path, '/metrics')).toMatchObject({ status: 401 });
  expect(await service.stop()).toBe(0);
});
