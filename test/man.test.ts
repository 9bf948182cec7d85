import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXIT_MEANINGS } from '../src/cli/help-topics.ts';
import { prose, words } from '../src/cli/mdoc.ts';
import { needs } from './helpers/debian.ts';
import { commandIds, root } from './helpers/run.ts';

const files = readdirSync(`${root}man`).sort((a, b) => (a < b ? -1 : 1));

/** A page as its reader sees it, on one line. */
function shown(file: string): string {
  const { stdout } = spawnSync('mandoc', ['-Tutf8', '-O', 'width=200', `${root}man/${file}`], {
    encoding: 'utf8',
  });
  return stdout.replace(/.\u0008/g, '').replace(/\s+/g, ' ');
}

test('the pages are those of the commands as they are', () => {
  const ran = spawnSync(process.execPath, [`${root}bin/man.ts`, '--check'], { encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  expect(ran.status).toBe(0);
});

test('there is a page a command and one for all, and package.json lists them', () => {
  const pages = ['postern.1', ...commandIds.map((id) => `postern-${id.replaceAll(' ', '-')}.1`)];
  expect(files).toEqual(pages.toSorted((a, b) => (a < b ? -1 : 1)));
  const { man } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  expect(man).toEqual(files.map((file) => `./man/${file}`));
});

test('mandoc finds nothing to complain about', (context) => {
  needs(context, 'mandoc', 'mandoc');
  const ran = spawnSync('mandoc', ['-Tlint', ...files.map((file) => `${root}man/${file}`)], {
    encoding: 'utf8',
  });
  // It knows installed pages only; that ours are there is the next test.
  const complaints = ran.stdout
    .split('\n')
    .filter((line) => !/referenced manual not found: Xr postern/.test(line));
  expect(complaints).toEqual(['']);
});

test('every page that is referred to is there', () => {
  for (const file of files) {
    const references = readFileSync(`${root}man/${file}`, 'utf8').match(/(?<=^\.Xr )\S+ 1/gm) ?? [];
    expect(references).not.toEqual([]);
    for (const reference of references) expect(files).toContain(reference.replace(' ', '.'));
  }
});

test('the overview names every command and exit code', (context) => {
  needs(context, 'mandoc', 'mandoc');
  const text = shown('postern.1');
  for (const id of commandIds) expect(text).toContain(` ${id} `);
  for (const [code, meaning] of EXIT_MEANINGS)
    expect(text).toContain(`${code} ${meaning.replace('…', '...')}`);
});

test('a page tells flags with their choices and defaults, and examples as they are typed', (context) => {
  needs(context, 'mandoc', 'mandoc');
  const text = shown('postern-mx-probe.1');
  expect(text).toContain('--timeout-banner=DURATION Wait for the greeting. The default is 30s.');
  expect(text).toContain('--parallel=N Targets at a time. The default is 64.');
  expect(text).toMatch(/--format=text \| json \| .* How to write the result\./);
  expect(text).toContain('postern mx probe 192.0.2.25 --ehlo mail.example.com --transcript');
});

test.for([
  [".sh begins a line. 'quoted' too", ['\\&.sh begins a line.', "\\&'quoted' too"]],
  ['back\\slash … → “x”', ['back\\eslash ... \\(-> \\[u201C]x\\[u201D]']],
] as const)('in running text %s orders nothing', ([text, lines]) => {
  expect(prose(text)).toEqual(lines);
});

test('a word that is also the name of a macro, or punctuation, stays a word', () => {
  expect(words('No Ar 10 "x" .')).toBe('\\&No \\&Ar 10 \\(dqx\\(dq \\&.');
});
