import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, runBuilt } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-config-'));

function config(name: string, ...lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o644 });
  chmodSync(file, 0o644);
  return file;
}

type Found = { id: string; status: string; evidence: string; fix?: string };

async function check(file: string): Promise<{ exit: number | null; checks: Found[] }> {
  const { stdout, exit } = await run('config check', ['--config', file, '--json']);
  return { exit, checks: JSON.parse(stdout).checks };
}

describe('config check', () => {
  test.for([
    ['a text that is no JSON', ['{', '  "port": 25,', '}'], 'config.syntax', 3, 'crit', undefined],
    ['a list', ['[1]'], 'config.syntax', 1, 'crit', undefined],
    ['a mistyped name', ['{', '"prot": 25}'], 'config.name', 2, 'warn', 'Did you mean port?'],
    ['a wrong value', ['{', '', '"port": "many"}'], 'config.value', 3, 'crit', undefined],
    ['a number where true or false belongs', ['{"offline": 1}'], 'config.value', 1, 'crit', undefined],
    ['a duration that is none', ['{"timeout-dns": "soon"}'], 'config.value', 1, 'crit', undefined],
    ['an object where a value belongs', ['{"port": {}}'], 'config.value', 1, 'crit', undefined],
    [
      'a choice that only some commands have',
      ['{"format": "sarif"}'],
      'config.value',
      1,
      'crit',
      'Put it under "commands" for those that take it.',
    ],
    [
      'a mistyped command',
      ['{"commands": {', '"mx prob": {}}}'],
      'config.command',
      2,
      'warn',
      'Did you mean mx probe?',
    ],
    ['commands that are no object', ['{', '"commands": 1}'], 'config.value', 2, 'crit', undefined],
    [
      'a flag that another command has',
      ['{"commands": {"mx diff": {"port": 25}}}'],
      'config.name',
      1,
      'warn',
      undefined,
    ],
    [
      'what only a person may say',
      ['{"commands": {"mx probe":', '{"allow-private": true}}}'],
      'config.by-hand',
      2,
      'crit',
      'Give --allow-private on the command line.',
    ],
    ['a name given twice', ['{"port": 25,', '"port": 26}'], 'config.twice', 2, 'warn', undefined],
  ] as const)('tells %s with its line', async ([, lines, id, line, status, fix]) => {
    const file = config('one.json', ...lines);
    const { exit, checks } = await check(file);
    expect(checks).toMatchObject([{ id, status, evidence: `${file}:${line}` }]);
    if (fix !== undefined) expect(checks[0]?.fix).toBe(fix);
    expect(exit).toBe(status === 'crit' ? 2 : 1);
  });

  test('a file that others may write is a warning', async () => {
    const file = config('open.json', '{}');
    chmodSync(file, 0o666);
    expect(await check(file)).toMatchObject({ exit: 1, checks: [{ id: 'config.writable', evidence: file }] });
  });

  test('a file that is named must be there; without faults all is well', async () => {
    expect(await check('/nonexistent')).toMatchObject({ exit: 2, checks: [{ id: 'config.file' }] });
    const good = config(
      'good.json',
      '{"port": 25, "control": ["a.test", "b.test"], "json": false,',
      '"commands": {"mx probe": {"format": "sarif", "timeout-dns": "10s"}}}',
    );
    expect(await check(good)).toEqual({ exit: 0, checks: [] });
  });

  test('control characters in names and values reach no terminal', async () => {
    const file = config('hostile.json', '{"\\u001b[31mred": 1, "port": "\\u009b"}');
    const { stdout } = await run('config check', ['--config', file]);
    expect(stdout).not.toMatch(/[\u001b\u009b]/);
    expect(stdout).toContain('\\x1b[31mred');
  });
});

describe('config show', () => {
  const file = config(
    'show.json',
    '{',
    '"resolver": "127.0.0.1",',
    '"commands": {',
    '"mx probe": {"port": 2525}}}',
  );
  const env = { POSTERN_CONFIG: file, POSTERN_OFFLINE: '1', POSTERN_RESOLVER: '' };

  test('tells what is set and where, the environment before the files', async () => {
    const { stdout, exit } = await runBuilt(['config', 'show', '--json'], { env });
    expect(exit).toBe(0);
    expect(JSON.parse(stdout).settings).toEqual([
      { command: null, flag: 'config', value: file, origin: 'environment', where: 'POSTERN_CONFIG' },
      { command: null, flag: 'offline', value: '1', origin: 'environment', where: 'POSTERN_OFFLINE' },
      { command: null, flag: 'resolver', value: '127.0.0.1', origin: 'file', where: `${file}:2` },
      { command: 'mx probe', flag: 'port', value: '2525', origin: 'file', where: `${file}:4` },
    ]);
  });

  test('tells every flag of a command with the value it has', async () => {
    const { stdout } = await runBuilt(['config', 'show', 'mx', 'probe', '--origin'], { env });
    expect(stdout).toMatch(/--port +2525 +\S+show\.json:4/);
    expect(stdout).toMatch(/--timeout-dns +5s +built in/);
    expect(stdout).toMatch(/--offline +1 +POSTERN_OFFLINE/);
    expect((await runBuilt(['config', 'show', 'mx', 'probe'], { env })).stdout).not.toContain('built in');
  });

  test('a command that is none is told with the one that was meant, a broken file with its line', async () => {
    expect(await run('config show', ['mx', 'prob'])).toMatchObject({
      exit: 64,
      stderr: expect.stringContaining('Did you mean mx probe?'),
    });
    const broken = config('broken.json', '{', '"port" 25}');
    expect(await run('config show', ['--config', broken])).toMatchObject({
      exit: 78,
      stderr: expect.stringContaining('broken.json, line 2: not valid JSON: a colon is expected at column 8'),
    });
  });
});

test.for([
  ['"resolver": "http://x"', ['mx', 'probe', 'x.test'], 'The DNS server "http://x" knows only'],
  ['"as-of": "tomorrow"', ['mx', 'probe', 'x.test'], "--as-of: 'tomorrow' is not a time"],
  ['"service": "nowhere"', ['throttle', 'status'], "'nowhere'"],
] as const)(
  'what a command finds wrong with %s is blamed on the line that says it',
  async ([member, call, words]) => {
    const file = config('late.json', '{', '', `${member}}`);
    const [topic, verb, ...argv] = call;
    const ran = await run(`${topic} ${verb}`, [...argv, '--config', file]);
    expect(ran).toMatchObject({ exit: 78, stdout: '' });
    expect(ran.stderr).toContain(`Configuration ${file}, line 3: `);
    expect(ran.stderr).toContain(words);
    const name = /"(.*?)"/.exec(member)?.[1];
    // What stands on the command line is no fault of a file.
    expect((await run(`${topic} ${verb}`, [...argv, '--config', file, `--${name}`, '=x'])).exit).not.toBe(78);
  },
);

test('a command that meets a wrong value names file and line', async () => {
  const file = config('wrong.json', '{', '"port": "many"}');
  expect(await run('mx probe', ['x.test', '--config', file])).toMatchObject({
    exit: 78,
    stderr: expect.stringContaining('wrong.json, line 2: "port" is "many", expected a whole number'),
  });
});
