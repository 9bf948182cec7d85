// Writes data/open-signup.txt: where anybody can get a mail address, each name with its source and the day that it
// was taken up. What stood there before keeps its day; what its source no longer has goes.
//
//     node bin/open-signup.ts [DATE] [20_freemail_domains.cf]
//
// The third source is SpamAssassin's file (Debian: package spamassassin); without it, its names stay as they are.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseDomain } from '../src/dns/names.ts';
import {
  findName,
  type NamedDomain,
  type NameOrigin,
  namesOf,
  openNameFile,
  whyNoName,
  writeNameFile,
} from '../src/trust/name-file.ts';
import { withParents } from '../src/trust/organization.ts';

const require = createRequire(import.meta.url);
const target = fileURLToPath(new URL('../data/open-signup.txt', import.meta.url));
const [, , date = new Date().toISOString().slice(0, 10), freemail] = process.argv;

/** On a list of others, and no place where anybody gets an address. */
const NOT_OPEN = new Set([
  'facebook.com', // addresses of members, until 2014
  'example.com', // reserved by RFC 2606
]);

const before = openNameFile(readFileSync(target));
const taken = new Map<string, NamedDomain>();
take('curated', 'free-mail', 'by the providers’ own sign-up pages', curated());
take('spamassassin', 'free-mail', '20_freemail_domains.cf (Apache-2.0)', spamassassin());
take(
  'email-providers',
  'free-mail',
  `${versionIn(require.resolve('email-providers/package.json'))} (ISC)`,
  listIn(require.resolve('email-providers/all.json')),
);
take(
  'disposable-email-domains',
  'disposable',
  `${versionIn(require.resolve('disposable-email-domains/package.json'))} (MIT)`,
  [
    ...listIn(require.resolve('disposable-email-domains/index.json')),
    ...listIn(require.resolve('disposable-email-domains/wildcard.json')),
  ],
);
// Names below another one would say nothing new.
const names = [...taken.values()].filter(({ name }) => {
  const [, ...parents] = withParents(name);
  return !parents.some((parent) => taken.has(parent));
});
writeFileSync(target, writeNameFile(names));

function curated(): readonly string[] {
  const text = readFileSync(new URL('open-signup.txt', import.meta.url), 'utf8');
  return text.split('\n').filter((line) => !line.startsWith('#'));
}

function spamassassin(): readonly string[] {
  if (freemail === undefined)
    return [...namesOf(before)]
      .filter(({ origin }) => origin.source === 'spamassassin')
      .map(({ name }) => name);
  const lines = readFileSync(freemail, 'latin1').split('\n');
  return lines
    .filter((line) => line.startsWith('freemail_domains '))
    .flatMap((line) => line.split(/\s+/).slice(1));
}

function listIn(file: string): readonly string[] {
  return JSON.parse(readFileSync(file, 'utf8')) as string[];
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Names of one source; what is no name, a public suffix or reserved is left out. */
function take(source: string, kind: NameOrigin['kind'], note: string, lines: readonly string[]): void {
  for (const line of lines) {
    const parsed = parseDomain(line.trim());
    const name = parsed.kind === 'name' ? parsed.ascii : '';
    if (!name.includes('.') || whyNoName(name) !== null || NOT_OPEN.has(name) || taken.has(name)) continue;
    const known = findName(before, name);
    const since = known?.source === source ? known.date : date;
    taken.set(name, { name, origin: { kind, date: since, source, note } });
  }
}
