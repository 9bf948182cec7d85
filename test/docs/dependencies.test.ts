import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { root } from '../helpers/run.ts';

test('the page of dependencies has those of package.json, in their versions, each with a reason', () => {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(`${root}package.json`, 'utf8'),
  ) as Record<string, Record<string, string>>;
  const page = readFileSync(`${root}docs/dependencies.md`, 'utf8');
  const rows = [...page.matchAll(/^\| (\S+ \d\S*) \| (.{10,}?) \| (\S.*?) \|/gm)];
  const wanted = Object.entries({ ...dependencies, ...optionalDependencies }).map((each) => each.join(' '));
  expect(rows.map(([, name]) => name)).toEqual(wanted.sort((a, b) => (a < b ? -1 : 1)));
});
