import { expect, test } from 'vitest';
import type { DemoResult } from '../../../src/schema/demo.ts';
import { needs } from '../../helpers/debian.ts';
import { run, runBuilt } from '../../helpers/run.ts';

test('the story of the slow webmail goes as it should, and shows no password', async (context) => {
  needs(context, 'firefox-esr', 'firefox-esr');
  const ran = await run('demo', ['browser', '--json']);
  expect(ran.exit).toBe(0);
  const { checks, stories } = ran.result as DemoResult;
  expect(checks.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(stories).toMatchObject([{ passwords: { read: 7, imported: 3, merged: 1, setAside: 3 } }]);
  expect(ran.stdout).not.toMatch(/practice-\d|practice-new|JBSWY3/);
});

test('without a Firefox it says so in one line', async () => {
  const ran = await runBuilt(['demo', 'browser'], { env: { PATH: '/nowhere' } });
  expect(ran.exit).toBe(69);
  expect(ran.stderr).toContain('firefox-esr');
});
