// Writes data/open-signup/: where anybody can get a mail address, one file a source. Names are sorted by byte
// so that they can be searched where they lie; a name stands for every name below it.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseDomain } from '../src/dns/names.ts';
import { isPublicSuffix, withParents } from '../src/trust/organization.ts';

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL('../data/open-signup/', import.meta.url));

/** On a list of others, and no place where anybody gets an address. */
const NOT_OPEN = new Set([
  'facebook.com', // addresses of members, until 2014
  'example.com', // reserved by RFC 2606
]);

const [, , date = new Date().toISOString().slice(0, 10)] = process.argv;
const taken = new Set(namesIn(readFileSync(`${folder}curated.txt`, 'utf8').split('\n')));
write('disposable-email-domains', 'Providers of addresses that are thrown away.', 'MIT', [
  ...list(require.resolve('disposable-email-domains/index.json')),
  ...list(require.resolve('disposable-email-domains/wildcard.json')),
]);
write(
  'email-providers',
  'Providers of addresses for anybody.',
  'ISC',
  list(require.resolve('email-providers/all.json')),
);

function list(file: string): readonly string[] {
  return JSON.parse(readFileSync(file, 'utf8')) as string[];
}

/** Canonical names; what is no name, a public suffix or reserved is left out. */
function namesIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const parsed = line.startsWith('#') ? null : parseDomain(line.trim());
    if (parsed?.kind !== 'name' || !parsed.ascii.includes('.')) return [];
    return isPublicSuffix(parsed.ascii) || NOT_OPEN.has(parsed.ascii) ? [] : [parsed.ascii];
  });
}

/** One file. Names of an earlier file, and names below another name, would say nothing new. */
function write(source: string, about: string, licence: string, lines: readonly string[]): void {
  const names = new Set(namesIn(lines));
  const fresh = [...names].filter((name) => {
    const [, ...parents] = withParents(name);
    return !taken.has(name) && !parents.some((parent) => names.has(parent) || taken.has(parent));
  });
  for (const name of fresh) taken.add(name);
  const { version } = require(`${source}/package.json`) as { version: string };
  const head = [`# ${about}`, `# source: ${source} ${version} (${licence}), read on ${date}`];
  writeFileSync(
    `${folder}${source}.txt`,
    `${[...head, ...fresh.toSorted((a, b) => (a < b ? -1 : 1))].join('\n')}\n`,
  );
}
