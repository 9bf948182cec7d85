import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKnowledge } from '../../../src/cli/trust-sources.ts';
import { openSignup } from '../../../src/trust/open-signup.ts';
import { NO_OVERRIDES } from '../../../src/trust/overrides.ts';
import { root } from '../../helpers/run.ts';

const folder = join(root, 'data', 'open-signup');
const shipped = await openKnowledge(undefined, root);

test.for([
  ['yahoo.com', 'yahoo.com'],
  ['gmail.com', 'gmail.com'],
  ['fastmail.com', 'fastmail.com'],
  ['outlook.com', 'outlook.com'],
  ['proton.me', 'proton.me'],
  ['gmx.de', 'gmx.de'],
  ['mailinator.com', 'mailinator.com'],
  ['mail.yahoo.com', 'yahoo.com'],
  ['contoso.onmicrosoft.com', 'onmicrosoft.com'],
  ['facebook.com', null],
  ['example.com', null],
  ['notyahoo.com', null],
  ['yahoo.com.attack.example', null],
  ['com', null],
] as const)('%s is known as %s', ([domain, listed]) => {
  expect(shipped.openSignup.find(domain)?.domain ?? null).toBe(listed);
});

test.for(readdirSync(folder))('%s is dated, sourced, sorted, and each of its names is found', (file) => {
  const bytes = readFileSync(join(folder, file));
  const lines = bytes.toString('latin1').trimEnd().split('\n');
  const head = lines.filter((line) => line.startsWith('#'));
  const names = lines.filter((line) => !line.startsWith('#'));
  expect(head.join(' ')).toMatch(/source: .+ (?:read on|as of) \d{4}-\d\d-\d\d/);
  expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  const list = openSignup([{ kind: 'free-mail', source: file, bytes }], NO_OVERRIDES);
  expect(names.filter((name) => list.find(name) === null)).toEqual([]);
  expect(names.every((name) => /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(name))).toBe(true);
});

test('names can be added locally', () => {
  const list = openSignup([], { ...NO_OVERRIDES, openSignup: { add: ['club.example'], remove: [] } });
  expect(list.find('mail.club.example')).toEqual({
    domain: 'club.example',
    kind: 'free-mail',
    source: 'local',
  });
});

test.for(['email-providers', 'disposable-email-domains'])(
  '%s is read from the release that is installed',
  (name) => {
    const [, source] = readFileSync(join(folder, `${name}.txt`), 'latin1').split('\n');
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    expect(source).toContain(`source: ${name} ${version} (`);
  },
);
