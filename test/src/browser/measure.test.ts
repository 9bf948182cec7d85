import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mailboxPage, serveMailbox } from '../../../src/browser/mailbox.ts';
import { median, slope } from '../../../src/browser/measure.ts';
import { copyProfile } from '../../../src/browser/profile-copy.ts';
import { ROBOFORM_ID } from '../../../src/lab/firefox-profile.ts';
import type { BrowserDiagnoseResult } from '../../../src/schema/browser.ts';
import { needs } from '../../helpers/debian.ts';
import { BINARY, scratch, usedProfile } from '../../helpers/firefox.ts';
import { run } from '../../helpers/run.ts';

test.for([
  [[], 0],
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1], 2.5],
] as const)('the median of %j is %d', ([values, expected]) => {
  expect(median(values)).toBe(expected);
});

test('growth by least squares', () => {
  expect(
    slope([
      [50, 110],
      [200, 410],
      [500, 1010],
    ]),
  ).toBeCloseTo(2);
  expect(slope([[50, 110]])).toBe(0);
});

test('a page has its rows, and no more than there may be', async () => {
  expect(mailboxPage(200).match(/type="checkbox"/g)).toHaveLength(200);
  const mailbox = await serveMailbox();
  try {
    expect((await (await fetch(mailbox.url(9999))).text()).match(/type="checkbox"/g)).toHaveLength(5000);
  } finally {
    mailbox.close();
  }
});

test('a copy has neither logins nor cookies nor what was visited, and points to itself', () => {
  const folder = scratch();
  const own = [
    'extensions.json',
    'prefs.js',
    'logins.json',
    'logins.db',
    'key4.db',
    'cookies.sqlite',
    'places.sqlite',
  ];
  for (const name of own)
    writeFileSync(join(folder, name), JSON.stringify({ path: `${folder}/extensions/a.xpi` }));
  mkdirSync(join(folder, 'storage/default/https+++x.test'), { recursive: true });
  mkdirSync(join(folder, 'storage/default/moz-extension+++1234'), { recursive: true });
  const copy = copyProfile(folder);
  expect(readdirSync(copy.folder).toSorted()).toEqual(['extensions.json', 'prefs.js', 'storage', 'user.js']);
  expect(readdirSync(join(copy.folder, 'storage/default'))).toEqual(['moz-extension+++1234']);
  expect(readFileSync(join(copy.folder, 'extensions.json'), 'utf8')).not.toContain(folder);
  copy.remove();
  expect(existsSync(copy.folder)).toBe(false);
});

test('with an extension that looks at every field the stall grows with the page', async (context) => {
  needs(context, 'firefox-esr', 'firefox-esr');
  const folder = await usedProfile(3);
  const before = readFileSync(join(folder, 'prefs.js'), 'utf8');
  const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith('postern-profile-'));
  const left = copies();
  const ran = await run('browser diagnose', [
    ...['--profile-dir', folder, '--firefox', BINARY, '--measure', '--each', '--json', '--runs', '1'],
    ...['--rows', '20', '--rows', '200', '--timeout-firefox', '2m'],
  ]);
  const { measurement, checks } = ran.result as BrowserDiagnoseResult;
  const [small, large] = measurement?.sizes ?? [];
  expect(ran.exit).toBe(1);
  // 3 fields and 2 for each row, 3 ms each.
  expect(small?.with.stallMs).toBeGreaterThanOrEqual(3 * 43 - 10);
  expect(large?.with.stallMs).toBeGreaterThanOrEqual(3 * 403 - 10);
  expect(large?.with.stallMs).toBeGreaterThan(large?.without.stallMs ?? Number.POSITIVE_INFINITY);
  expect(large?.with.cpuMs).toBeGreaterThan(large?.without.cpuMs ?? Number.POSITIVE_INFINITY);
  expect(measurement?.growthMsPerRow.with).toBeGreaterThan(measurement?.growthMsPerRow.without ?? 9);
  expect(measurement?.each?.[0]?.id).toBe(ROBOFORM_ID);
  expect(checks).toContainEqual(expect.objectContaining({ id: 'browser.stall', status: 'warn' }));
  expect(readFileSync(join(folder, 'prefs.js'), 'utf8')).toBe(before);
  expect(copies()).toEqual(left);
});
