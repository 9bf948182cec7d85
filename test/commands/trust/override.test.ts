import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { run } from '../../helpers/run.ts';

beforeEach(() => {
  process.env['XDG_CONFIG_HOME'] = mkdtempSync(join(tmpdir(), 'postern-override-'));
});

async function verdictOn(domain: string, ...argv: string[]): Promise<string> {
  const { stdout } = await run('trust show', [domain, '--json', ...argv]);
  return (JSON.parse(stdout) as { verdict: string }).verdict;
}

test.for([
  ['trust', 'trusted'],
  ['block', 'suspicious'],
  ['distrust', 'authenticated'],
  ['open-signup', 'open-signup'],
] as const)('%s makes mail of a domain %s, and forget undoes it', async ([decision, verdict]) => {
  expect((await run('trust override', ['partner.example', decision])).exit).toBe(0);
  expect(await verdictOn('partner.example')).toBe(verdict);
  await run('trust override', ['partner.example', 'forget']);
  expect(await verdictOn('partner.example')).toBe('authenticated');
});

test('the last decision about a domain is the only one', async () => {
  await run('trust override', ['partner.example', 'trust', '--subdomains', '--name', 'Our partner']);
  expect(await verdictOn('mail.partner.example')).toBe('trusted');
  const { stdout } = await run('trust override', ['partner.example', 'block', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    changed: true,
    trust: [],
    block: [{ domain: 'partner.example', includeSubdomains: true, from: 'all' }],
  });
});

test('a decision needs a domain that is one, and a word that is one', async () => {
  expect((await run('trust override', ['-x..', 'trust'])).exit).toBe(64);
  expect((await run('trust override', ['partner.example'])).exit).toBe(64);
  expect((await run('trust override', ['partner.example', 'like'])).exit).toBe(64);
});
