import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countsAs } from '../../../src/cli/base.ts';
import { describeFailure } from '../../../src/cli/failure.ts';
import { readSettings } from '../../../src/cli/settings.ts';
import { formatDuration, parseDuration } from '../../../src/cli/units.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { worst } from '../../../src/report.ts';

function home(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
  mkdirSync(join(folder, 'postern'));
  writeFileSync(join(folder, 'postern', 'config.json'), content);
  return folder;
}

describe('configuration', () => {
  test('gives flags to all commands and to single ones, the latter first', () => {
    const env = {
      XDG_CONFIG_HOME: home('{"port": 25, "color": "never", "commands": {"mx probe": {"port": 2525}}}'),
    };
    const value = (command: string, flag: string) => readSettings(env, undefined, command).get(flag)?.value;
    expect(value('mx probe', 'port')).toBe(2525);
    expect(value('send', 'port')).toBe(25);
    expect(value('mx probe', 'color')).toBe('never');
  });

  test('that is named must be there; that in the home need not', () => {
    expect(readSettings({ HOME: '/nonexistent' }, undefined, 'send').size).toBe(0);
    expect(() => readSettings({}, '/nonexistent/config.json', 'send')).toThrow(/cannot be read \(ENOENT\)/);
  });

  test.for([
    ['no JSON', '{"port": }', /not valid JSON/],
    ['no object', '[1]', /top level is not an object/],
    ['commands that are no object', '{"commands": 1}', /"commands" is not an object/],
    ['what only a person may say', '{"allow-private": true}', /only be given as a flag/],
  ] as const)('with %s is refused with 78', ([, content, message]) => {
    const env = { XDG_CONFIG_HOME: home(content) };
    expect(() => readSettings(env, undefined, 'send')).toThrow(message);
    expect(() => readSettings(env, undefined, 'send')).toThrow(
      expect.objectContaining({ exit: ExitCode.config }),
    );
  });

  test('cannot reach the prototype of anything', () => {
    const env = {
      XDG_CONFIG_HOME: home('{"commands": {"__proto__": {"port": 1}}, "__proto__": {"port": 2}}'),
    };
    expect(readSettings(env, undefined, 'send').has('port')).toBe(false);
  });
});

describe('durations', () => {
  test.for([
    ['500ms', 500],
    ['10', 10_000],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['2d', 172_800_000],
  ] as const)('%s', ([text, ms]) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.for(['', '0', '-1s', '10 minutes', '1e9s', '25d', '0x10', '10w'])('%s is refused with 64', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ exit: ExitCode.usage }));
  });

  test('are echoed in the largest whole unit', () => {
    expect([90_000, 600_000, 86_400_000, 1500].map(formatDuration)).toEqual(['90s', '10m', '24h', '1500ms']);
  });
});

test.for([
  ['ok', 'crit', undefined, 0],
  ['warn', 'crit', undefined, 1],
  ['crit', 'crit', undefined, 2],
  ['unknown', 'crit', undefined, 3],
  ['warn', 'warn', undefined, 2],
  ['warn', 'never', undefined, 0],
  ['crit', 'never', undefined, 0],
  ['unknown', 'never', undefined, 3],
  ['unknown', 'crit', 'ok', 0],
  ['unknown', 'crit', 'warn', 1],
  ['unknown', 'crit', 'crit', 2],
] as const)('%s with --fail-on %s and --unknown %s exits with %i', ([status, failOn, unknown, exit]) => {
  expect(ExitCode[countsAs(status, { failOn, unknown })]).toBe(exit);
});

test('the worst state is crit over unknown over warn over ok', () => {
  expect(worst(['ok', 'warn', 'unknown', 'crit'])).toBe('crit');
  expect(worst(['ok', 'warn', 'unknown'])).toBe('unknown');
  expect(worst([])).toBe('ok');
});

describe('failures', () => {
  test('of ours tell message, hint and code', () => {
    const error = new AppError('No such thing.', { code: 'E_X', exit: ExitCode.input, hint: 'Look again.' });
    expect(describeFailure(error, 'postern x')).toEqual({
      code: 'E_X',
      message: 'No such thing.',
      hint: 'Look again.',
      exit: 65,
    });
  });

  test('of nobody’s are a bug with a report id that is the same every time and tells no data', () => {
    const fail = (text: string) => {
      try {
        throw new TypeError(text);
      } catch (error) {
        return describeFailure(error, 'postern x');
      }
    };
    const [one, two] = ['secret-a', 'secret-b'].map(fail);
    expect(one).toMatchObject({ exit: 70, code: 'E_BUG' });
    expect(one?.message).toMatch(/report [0-9a-f]{8}/);
    expect(one?.message).toBe(two?.message);
    expect(JSON.stringify(one)).not.toContain('secret');
  });
});
