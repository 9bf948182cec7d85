import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkTrust, tellTrust } from '../../../src/demo/trust.ts';
import { makeTrustLab } from '../../../src/demo/trust-lab.ts';
import { root, run } from '../../helpers/run.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');

test('the story of trust is told as it should go', async () => {
  const lab = makeTrustLab(NOW);
  const story = await tellTrust(lab, NOW);
  expect(checkTrust(story, lab).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  expect(story.revocation).toMatchObject({ list: 2, check: { verdict: 'authenticated' } });
});

test('a story that goes another way is a finding', async () => {
  const lab = makeTrustLab(NOW);
  const story = await tellTrust({ ...lab, dns: {} }, NOW);
  expect(checkTrust(story, lab)[1]).toEqual({
    id: 'demo.trust.listed',
    status: 'crit',
    message: 'The message listed.eml is suspicious, and should be trusted.',
  });
});

test('demo trust tells it to people, and refuses to keep servers that it has not', async () => {
  const ran = await run('demo', ['trust']);
  expect(ran.exit).toBe(0);
  for (const word of ['~ open-signup', '✔ trusted', '= authenticated', '✖ suspicious']) {
    expect(ran.stdout).toContain(word);
  }
  expect(await run('demo', ['trust', '--keep'])).toMatchObject({ exit: 64, stdout: '' });
});

const folder = `${root}examples/trust`;

test.for([
  ['free-mail', 'open-signup', null, 0],
  ['listed', 'trusted', 'Example Bank', 0],
  ['unlisted', 'authenticated', null, 0],
  ['forged', 'suspicious', null, 2],
] as const)('the example %s.eml is %s', async ([name, verdict, company, exit]) => {
  const ran = await run('message check', [
    `${folder}/${name}.eml`,
    '--registry',
    `${folder}/local.json`,
    '--dns-cache',
    `${folder}/dns.json`,
    '--offline',
    '--json',
  ]);
  expect(ran.exit).toBe(exit);
  const { organization, ...document } = JSON.parse(ran.stdout);
  expect(document.verdict).toBe(verdict);
  expect(organization?.name ?? null).toBe(company);
});

test('the examples hold reserved names alone', () => {
  const files = ['dns.json', 'registry.json', 'local.json', 'listed.eml', 'forged.eml'];
  const text = files.map((file) => readFileSync(`${folder}/${file}`, 'utf8')).join('\n');
  const names = text.match(/[a-z0-9-]+\.(?:com|org|net|ch|de|io)\b/g) ?? [];
  expect(names).toEqual([]);
});
