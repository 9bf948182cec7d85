import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { root } from '../helpers/run.ts';

const page = readFileSync(`${root}SECURITY.md`, 'utf8');

test('every file that keeps a promise of SECURITY.md is there', () => {
  const files = [...page.matchAll(/`((?:src|test|docs)\/[^`]+)`/g)].map(([, file]) => file ?? '');
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((file) => !existsSync(root + file))).toEqual([]);
});

test('each part says what an attacker controls, what is promised, where, and what is not', () => {
  const parts = page.split(/^## /m).slice(1, -1);
  const said = ['**The attacker controls**', '**Promised:**', '**Where:**', '**Not promised:**'];
  for (const part of parts) for (const word of said) expect(part, word).toContain(word);
});
