import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runBuilt, shell } from './helpers/run.ts';

/** `bin/run.js` as an old Node would meet it: the version is all it looks at. */
function underOldNode(version: string, env: Readonly<Record<string, string>>) {
  const pretend = `Object.defineProperty(process.versions, "node", { value: "${version}" }); process.argv.splice(1, 1, "${root}bin/run.js"); import("${root}bin/run.js")`;
  return shell(`${process.execPath} -e '${pretend}' x help exit-codes`, env);
}

test.for(['10.24.1', '20.20.2', '24.14.0', '25.9.0'])(
  'Node %s starts the Node that lies beside the program',
  async (version, context) => {
    if (!existsSync(`${root}node_modules/.bin/node`)) context.skip('this platform brings no Node along');
    const ran = await underOldNode(version, {});
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('interrupted') });
  },
);

test('an old Node with no other beside it says in two lines what is needed, and exits with 69', async () => {
  const ran = await underOldNode('20.20.2', { POSTERN_NODE_LOOP: '1' });
  expect(ran.exit).toBe(69);
  expect(ran.stdout).toBe('');
  expect(ran.stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(ran.stderr).toContain('needs Node.js 24.15 or later');
});

test('the start is a file that scripts and modules of any age can be: no static import, no top-level await', () => {
  const source = readFileSync(`${root}bin/run.js`, 'utf8').replace(/^#!.*\n|\/\*\*.*\*\/$|\/\/.*$/gm, '');
  expect(() => new Function(source.replaceAll('import(', 'load('))).not.toThrow();
  expect(source).not.toMatch(/^\s*(import|export)\s|\?\.|\?\?|=>|`/m);
});

test('compiled code is kept in a folder that is ours alone, and in no other', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'postern-cache-'));
  const folder = join(cache, 'postern', 'compile');
  await runBuilt(['help', 'output'], { env: { XDG_CACHE_HOME: cache } });
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).not.toEqual([]);

  const open = mkdtempSync(join(tmpdir(), 'postern-cache-'));
  mkdirSync(join(open, 'postern', 'compile'), { recursive: true });
  chmodSync(join(open, 'postern', 'compile'), 0o777);
  expect((await runBuilt(['help', 'output'], { env: { XDG_CACHE_HOME: open } })).exit).toBe(0);
  expect(readdirSync(join(open, 'postern', 'compile'))).toEqual([]);
});

test('a bug of ours is exit 70 with a report id, and its stack only with POSTERN_DEBUG', async () => {
  // A manifest that oclif cannot use stands for a bug.
  const broken = 'import("./dist/main.js").then(({ main }) => main(null, ["help"]))';
  const quiet = await shell(`cd ${root} && ${process.execPath} -e '${broken}'`);
  expect(quiet.exit).toBe(70);
  expect(quiet.stderr).toMatch(/^postern: This is a bug in postern \(report [0-9a-f]{8}\)\./);
  expect(quiet.stderr.trimEnd().split('\n')).toHaveLength(1);
  const loud = await shell(`cd ${root} && ${process.execPath} -e '${broken}'`, { POSTERN_DEBUG: '1' });
  expect(loud.stderr).toMatch(/\n\s+at /);
});
