// Writes man/ from the metadata of the commands, and lists the pages in package.json; with --check it only says
// whether they are fresh. A page bears the date on which its text last changed.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../src/cli/load-config.ts';
import { manPages } from '../src/cli/man.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = `${root}man/`;
const check = process.argv.includes('--check');

const pages = manPages(await loadConfig(root, true));
const present = readdirSync(folder).filter((file) => file.endsWith('.1'));

function isFresh(file: string, text: string): boolean {
  return existsSync(folder + file) && readFileSync(folder + file, 'utf8').replace(/^\.Dd .*\n/, '') === text;
}

const today = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(Date.now());
const gone = present.filter((file) => !pages.has(file));
const changed = [...pages].filter(([file, text]) => !isFresh(file, text));

const manifest = readFileSync(`${root}package.json`, 'utf8');
const listed = [...pages.keys()].sort((a, b) => (a < b ? -1 : 1)).map((file) => `./man/${file}`);
const wanted = manifest.replace(
  /"man": \[[^\]]*\]/,
  `"man": ${JSON.stringify(listed, null, 2).replaceAll('\n', '\n  ')}`,
);

const stale = [...gone, ...changed.map(([file]) => file), ...(wanted === manifest ? [] : ['package.json'])];
if (check && stale.length > 0) {
  process.stderr.write(`man/ is not fresh: ${stale.join(', ')}. "npm run man" writes it.\n`);
  process.exitCode = 1;
} else if (!check) {
  for (const file of gone) rmSync(folder + file);
  for (const [file, text] of changed) writeFileSync(folder + file, `.Dd ${today}\n${text}`);
  if (wanted !== manifest) writeFileSync(`${root}package.json`, wanted);
}
