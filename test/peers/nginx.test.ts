import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { callService } from '../../src/service/call.ts';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { ask, startThrottleLab } from '../helpers/throttle-lab.ts';

// The part of a configuration in Debian's nginx, which asks the decision server.

/** A whole configuration around it, for a user without privilege. */
function around(folder: string): string {
  mkdirSync(join(folder, 'tmp'));
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/tmp/${each};`,
  );
  return `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 256; }
http { access_log off; ${paths.join(' ')} include ${folder}/postern-throttle.conf; }`;
}

test('nginx asks before it serves, answers 429 with Retry-After, and lets everybody pass when nobody answers', async (context) => {
  needs(context, 'nginx', 'nginx');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'postern-nginx-'));
  const decision = `unix:${folder}/decision.sock`;
  const lab = await startThrottleLab({ decision: { kind: 'unix', path: `${folder}/decision.sock` } });
  let nginx: ChildProcess | undefined;
  try {
    await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M' });
    const where = ['--bind', `127.0.0.1:${port}`, '--server', lab.origin.url.host, '--decision', decision];
    const ran = await run('throttle compile', [
      'nginx',
      '--mode',
      'auth',
      '--access-log',
      join(folder, 'access.log'),
      '--out',
      folder,
      ...where,
      '--service',
      `unix:${lab.socket.path}`,
    ]);
    expect(ran.exit).toBe(0);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, around(folder));
    const checked = spawnSync('nginx', ['-t', '-c', file, '-p', folder], { encoding: 'utf8' });
    expect(checked.stderr).toContain('test is successful');
    nginx = spawn('nginx', ['-c', file, '-p', folder, '-g', 'master_process off;'], { stdio: 'ignore' });
    for (let tries = 0; tries < 100; tries += 1) {
      if (
        await ask(port, { host: 'other.test' }).then(
          () => true,
          () => false,
        )
      )
        break;
      await setTimeout(50);
    }
    const statuses: number[] = [];
    for (let sent = 0; sent < 20; sent += 1) statuses.push((await ask(port)).status);
    expect(statuses).toEqual(Array(20).fill(200));
    expect(await ask(port)).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    expect((await ask(port, { from: '127.0.0.2' })).status).toBe(200);
    expect(await callService(lab.socket, '/v1/blocks')).toMatchObject({
      blocks: [{ client: '127.0.0.1', tipping: { method: 'GET', path: '/' } }],
    });
    lab.wait(10_000);
    expect((await ask(port)).status).toBe(200);
    await lab.daemon.stop(0);
    expect((await ask(port)).status).toBe(200);
  } finally {
    nginx?.kill('SIGKILL');
    await lab.origin.close();
    await lab.daemon.stop(0).catch(() => undefined);
  }
});
