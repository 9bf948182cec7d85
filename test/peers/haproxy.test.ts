import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { ask, startThrottleLab } from '../helpers/throttle-lab.ts';

// The configuration in Debian's HAProxy, on a real clock: window and block of ten seconds.

async function answered(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (
      await ask(port, { host: 'other.test' }).then(
        () => true,
        () => false,
      )
    )
      return;
    await setTimeout(50);
  }
  throw new Error('HAProxy does not answer');
}

/** The windows of the clock must not turn while requests are counted. */
async function earlyInWindow(): Promise<void> {
  const into = Date.now() % 10_000;
  if (into > 6000) await setTimeout(10_050 - into);
}

test('HAProxy enforces what was compiled: request 21, others go on, fixed block, whole quota, bytes, exempt', async (context) => {
  needs(context, 'haproxy', 'haproxy');
  const lab = await startThrottleLab();
  let haproxy: ChildProcess | undefined;
  try {
    await lab.api('/v1/sites', 'POST', {
      name: 'www.example.org',
      aliases: ['example.org'],
      limits: '20/2M',
    });
    await lab.api('/v1/sites', 'POST', { name: 'dry.example', limits: '1/2M', mode: 'dry' });
    await lab.api('/v1/sites', 'POST', { name: 'old.example', limits: '1/2M', refusal: 503 });
    await lab.api('/v1/exemptions', 'POST', { network: '127.0.0.7' });
    const folder = mkdtempSync(join(tmpdir(), 'postern-haproxy-'));
    const port = await freePort();
    const where = [
      '--bind',
      `127.0.0.1:${port}`,
      '--server',
      lab.origin.url.host,
      '--trusted-proxy',
      '127.0.0.9',
    ];
    const ran = await run('throttle compile', [
      'haproxy',
      '--out',
      folder,
      ...where,
      '--service',
      `unix:${lab.socket.path}`,
    ]);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    const file = join(folder, 'haproxy.cfg');
    const checked = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
    expect(checked.stderr + checked.stdout).toContain('Configuration file is valid');
    haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
    await answered(port);
    const times = async (count: number, options: Parameters<typeof ask>[1] = {}) => {
      const statuses: number[] = [];
      for (let sent = 0; sent < count; sent += 1) statuses.push((await ask(port, options)).status);
      return statuses;
    };

    await earlyInWindow();
    expect(await times(20)).toEqual(Array(20).fill(200));
    const begunMs = Date.now();
    const refused = await ask(port, { host: 'example.org' });
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '10', 'cache-control': 'no-store' },
    });
    expect(refused.body).toContain('Please come back in 10 seconds.');
    expect(await times(1, { from: '127.0.0.2' })).toEqual([200]);
    expect(await times(1, { host: 'unknown.test' })).toEqual([200]);
    expect(await times(25, { from: '127.0.0.7' })).toEqual(Array(25).fill(200));
    expect(await times(3, { host: 'dry.example' })).toEqual([200, 200, 200]);
    expect(await times(2, { host: 'old.example' })).toEqual([200, 503]);
    const v6 = (n: number) => ({ from: '127.0.0.9', headers: { 'x-forwarded-for': `2001:db8:0:1::${n}` } });
    await earlyInWindow();
    for (let sent = 0; sent < 20; sent += 1) await ask(port, v6(sent));
    expect((await ask(port, v6(99))).status).toBe(429);

    let last = 429;
    while (last === 429) {
      await setTimeout(200);
      last = (await ask(port)).status;
    }
    const lastedMs = Date.now() - begunMs;
    expect(lastedMs).toBeGreaterThan(8500);
    await earlyInWindow();
    const large = { from: '127.0.0.3', path: '/1100000' };
    expect(await times(3, large)).toEqual([200, 200, 429]);
  } finally {
    haproxy?.kill('SIGKILL');
    await lab.close();
  }
});
