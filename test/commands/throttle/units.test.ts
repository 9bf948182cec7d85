import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callService } from '../../../src/service/call.ts';
import { needs } from '../../helpers/debian.ts';
import { root, run } from '../../helpers/run.ts';

// The units that are delivered, as systemd reads them, with this program in place of an installed one.

const SOURCE = `${root}data/systemd/`;
const folder = mkdtempSync(join(tmpdir(), 'postern-units-'));
const names = readdirSync(SOURCE);
const services = names.filter((name) => name.endsWith('.service'));
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

test('what they start is what the program understands', async () => {
  const [, argv = ''] =
    /^ExecStart=\/usr\/bin\/postern throttle serve (.*)$/m.exec(
      readFileSync(`${SOURCE}postern-throttle.service`, 'utf8'),
    ) ?? [];
  const checked = await run('throttle serve', [...argv.split(' '), '--check', '--json']);
  expect(checked).toMatchObject({
    exit: 0,
    result: {
      service: {
        listening: [
          { for: 'admin', at: 'systemd:admin' },
          { for: 'decision', at: 'systemd:decision' },
        ],
      },
    },
  });
  const descriptors = names.flatMap((name) =>
    [...readFileSync(SOURCE + name, 'utf8').matchAll(/^FileDescriptorName=(.*)$/gm)].map(([, each]) => each),
  );
  expect(descriptors).toEqual(['decision', 'admin']);
});

test('the first question on a socket of systemd starts the service, which answers it', async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd');
  const path = join(folder, 'a.sock');
  const child = spawn(
    'systemd-socket-activate',
    [
      '-l',
      path,
      '--fdname=admin',
      '-E',
      'HOME',
      '-E',
      'STATE_DIRECTORY',
      process.execPath,
      `${root}bin/run.js`,
    ].concat(['throttle', 'serve', '--listen', 'systemd:admin']),
    {
      env: { PATH: process.env['PATH'], HOME: folder, STATE_DIRECTORY: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  await expect.poll(() => said, { timeout: 20_000 }).toContain('Listening on');
  const status = await callService({ kind: 'unix', path }, '/v1/status', { timeoutMs: 30_000 });
  expect(status).toMatchObject({ service: { listening: [{ for: 'admin', at: 'systemd:admin' }] } });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['throttle.db', 'throttle.db.counters']));
});
