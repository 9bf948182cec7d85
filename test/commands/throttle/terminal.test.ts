import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keysIn } from '../../../src/cli/live-keys.ts';
import { needs } from '../../helpers/debian.ts';
import { root, run } from '../../helpers/run.ts';
import { startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// The commands as a person types them, in a pseudo-terminal of 100 columns and 40 rows.

let lab: ThrottleLab;
const running: ChildProcess[] = [];

beforeEach(async (context) => {
  needs(context, 'script', 'bsdutils');
  lab = await startThrottleLab({ windowMs: 600_000, blockMs: 600_000 });
  await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M' });
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await lab.close();
});

type Terminal = {
  /** Wait until the screen has said this, since the last thing that was waited for. */
  says(text: string): Promise<void>;
  type(keys: string): void;
  readonly ended: Promise<number | null>;
  readonly all: () => string;
};

function terminal(command: string): Terminal {
  const service = `--service unix:${lab.socket.path}`;
  const typed = `stty cols 100 rows 40; ${process.execPath} ${root}bin/run.js throttle ${command} ${service}`;
  const child = spawn('script', ['-qec', typed, '/dev/null'], {
    env: {
      PATH: process.env['PATH'],
      HOME: root,
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      SHELL: '/bin/sh',
      NO_COLOR: '1',
    },
  });
  running.push(child);
  let all = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk;
  });
  return {
    says: async (text) => {
      await expect.poll(() => all.slice(seen), { timeout: 20_000 }).toContain(text);
      seen = all.indexOf(text, seen) + text.length;
    },
    type: (keys) => child.stdin.write(keys),
    ended: new Promise((resolve) => child.on('exit', resolve)),
    all: () => all,
  };
}

const DOWN = '\x1b[B';

test('a site is added in a form that offers the five presets, the one that most keep first', async () => {
  const form = terminal('site add');
  await form.says('Name of the site:');
  form.type('not a name\r');
  await form.says('A host name, such as www.example.org.');
  form.type('\x15shop.example.org\r');
  await form.says('most sites keep this');
  const offered = [...form.all().matchAll(/\d+\/\d+M/g)].map(([preset]) => preset);
  expect(offered.slice(0, 5)).toEqual(['10000/200M', '2000/50M', '500/20M', '100/5M', '20/2M']);
  form.type(DOWN);
  await form.says('2000/50M');
  form.type('\r');
  await form.says('shop.example.org has the limits 2000/50M.');
  expect(await form.ended).toBe(0);
});

test('a policy is set for a site that is chosen, with limits that are chosen', async () => {
  const form = terminal('policy set');
  await form.says('Site:');
  await form.says('www.example.org');
  form.type('\r');
  await form.says('Each client may have in ten minutes:');
  form.type('\r');
  await form.says('www.example.org now has 10000/200M');
  expect(await form.ended).toBe(0);
});

test('a client is unblocked from the list of those that are blocked', async () => {
  await lab.api('/v1/blocks', 'POST', { client: '192.0.2.66', site: 'www.example.org' });
  const form = terminal('unblock');
  await form.says('192.0.2.66  www.example.org, by manual');
  form.type('\r');
  await form.says('192.0.2.66 may use www.example.org again.');
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: [], total: 0 });
});

test('Ctrl-C at a question changes nothing', async () => {
  const form = terminal('policy set www.example.org');
  await form.says('Each client may have in ten minutes:');
  form.type('\x03');
  expect(await form.ended).toBe(130);
  expect(await lab.api('/v1/sites/www.example.org')).toMatchObject({ site: { policy: { limits: '20/2M' } } });
});

test.for([
  ['site add', /There is no name/],
  ['site show', /There is no site/],
  ['policy set', /There is no site/],
  ['block', /There is no client/],
  ['unblock', /There is no client/],
  ['explain', /There is no client/],
] as const)('without a terminal %s asks nothing and says what is missing', async ([id, text]) => {
  const ran = await run(`throttle ${id}`, ['--service', `unix:${lab.socket.path}`]);
  expect(ran).toMatchObject({ exit: 64, stderr: expect.stringMatching(text) });
});

test('the live view follows the keys: choose, block, let pass, hold, end', async () => {
  const { warden } = lab.daemon;
  const visit = (address: string, count: number) => {
    for (let sent = 0; sent < count; sent += 1)
      warden.admit('www.example.org', address, { method: 'GET', path: '/', userAgent: '' });
  };
  visit('192.0.2.1', 18);
  visit('192.0.2.2', 10);
  const top = terminal('top');
  await top.says('>  192.0.2.1');
  await top.says('192.0.2.0/24');
  top.type(DOWN);
  await top.says('>  192.0.2.2');
  top.type('b');
  await top.says('192.0.2.2 is blocked on www.example.org.');
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: [{ client: '192.0.2.2' }] });
  top.type('e');
  await top.says('192.0.2.1 passes on www.example.org without counting.');
  top.type(' ');
  await top.says('space go on');
  top.type('q');
  expect(await top.ended).toBe(0);
  // The screen from before is back, and so is the cursor.
  expect(top.all()).toMatch(/\x1b\[\?1049h[\s\S]*\x1b\[\?25h\x1b\[\?1049l/);
});

test('several keys may come at once, and others mean nothing', () => {
  expect(keysIn('j\x1b[Ab\x1b[Cx\x1b[Bq')).toEqual(['down', 'up', 'block', 'down', 'quit']);
});
