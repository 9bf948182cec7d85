import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXPLANATIONS } from '../../../src/explain/index.ts';
import { check } from '../../../src/schema/report.ts';
import { root, run } from '../../helpers/run.ts';

/** Source of everything that makes checks or reasons, by its path. */
const sources = new Map(
  globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root })
    .filter((file) => !/^src\/(cli\/(?!config-check|trust-sources|mediator-)|explain|schema|lab)/.test(file))
    .map((file) => [file, readFileSync(`${root}${file}`, 'utf8')]),
);

/** What one source gives as the end of an id: the first group of each match. */
function ends(file: string, pattern: RegExp): string[] {
  const found = [...(sources.get(file) ?? '').matchAll(pattern)].map(([, end = '']) => end);
  expect(found.length, `${file} has no ${pattern}`).toBeGreaterThan(0);
  return found;
}

/** Ids that are put together at run time: how they begin, and all the ends there are. */
const COMPUTED: Readonly<Record<string, readonly string[]>> = {
  'demand.': ['plaintext', 'tls-below', 'delay-over'],
  'require.': ['starttls', 'tls1.2', 'tls1.3', 'cert', 'dane', 'mta-sts', 'pq', 'expiry'],
  'send.': ['deferred', 'refused', 'unknown'],
  'srs.': ends('src/srs/reverse.ts', /refuse\(\s*'([a-z-]+)'/g),
  'dnsbl.': ['listed', 'error', 'timeout', 'broken'],
  'spf.': ['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror'],
  'temperror.': ends('src/check/facts.ts', /\bnote\('([a-z]+)'/g),
  'demo.trust.': ends('src/demo/trust-lab.ts', /\bname: '([a-z-]+)',\n {4}about/g),
  'structure.': [
    ...ends('src/message/structure.ts', /\.add\(\s*'([a-z-]+)'/g),
    ...ends('src/message/mailboxes.ts', /new Broken\('([a-z-]+)'/g),
    ...ends('src/trust/author.ts', /\bsay\('([a-z-]+)'/g),
  ],
  'deception.': ends('src/trust/deception.ts', /\b(?:crit|warn|sign)\(\s*(?:[a-z.]+, )?'([a-z-]+)'/g),
  'registry.': [
    ...ends('src/trust/vouching.ts', /\bsay\(\s*'([a-z-]+)'/g),
    ...ends('src/trust/vouching.ts', /\bsay\(entry\.status === 'suspended' \? '([a-z]+)'/g),
    ...ends('src/trust/vouching.ts', /\bsay\(entry\.status === 'suspended' \? '[a-z]+' : '([a-z]+)'/g),
  ],
  'report.dmarc.': ['broken', 'misaligned'],
  'report.tls.': ends('src/reports/tls.ts', /^ {2}'([a-z-]+)',/gm),
  'diff.': [
    'starttls',
    'tls.version',
    'tls.postquantum',
    'cert.issuer',
    'cert.trusted',
    'cert.covershost',
    'cert.key',
    'cert.notafter',
    'reached',
    'address',
    'dane',
    'mta-sts',
  ],
};

/** What only looks like an id: properties of Authentication-Results (RFC 8601 §2.7), hosts, and names of files. */
const NO_ID =
  /^(?:smtp\.(?:mailfrom|helo|rcptto|remote-ip)|policy\.iprev|dns\.(?:google|quad9\.net)|browser\.startup\.page|.*\.(?:test|example|json|eml|zone|rbldnsd|txt|db))$/;

const ID = /'([a-z0-9-]+(?:\.[a-z0-9-]+)+)'/g;
/** A code that tells the case behind its colon. */
const WITH_CASE = /`([a-z0-9-]+(?:\.[a-z0-9-]+)+):\$\{/g;
/** What stands before an id that can be nothing else. */
const MAKER = String.raw`\b(?:id: |id = |code: |(?:note|check|finding|tell|info|add|fault|fail)\(\s*)`;

/** First words of ids, from the places that can be nothing but a check or a reason. */
function areas(): Set<string> {
  const pattern = new RegExp(String.raw`${MAKER}(?:[^',\n]*\? )?['\`]([a-z0-9-]+)\.[a-z0-9.-]+['\`:]`, 'g');
  const found = [...sources.values()].flatMap((text) =>
    [...text.matchAll(pattern)].map(([, area = '']) => area),
  );
  return new Set(found);
}

/** The checks of `message check` are called after the methods: one word. */
const METHODS = ends('src/check/report.ts', /(?:note\(|\bid: )'([a-z]+)'/g);

/** Every id that the sources can give a check, and every code a reason, without its case. */
function idsInSources(): Set<string> {
  const known = areas();
  const literal = [...sources.values()].flatMap((text) =>
    [...text.matchAll(ID)]
      .map(([, id = '']) => id)
      .filter((id) => known.has(id.split('.')[0] ?? '') && !NO_ID.test(id)),
  );
  const withCase = [...sources.values()].flatMap((text) =>
    [...text.matchAll(WITH_CASE)].map(([, code = '']) => code),
  );
  const computed = Object.entries(COMPUTED).flatMap(([begin, all]) => all.map((end) => begin + end));
  return new Set([...literal, ...withCase, ...computed, ...METHODS]);
}

test('every id that is put together at run time is known here', () => {
  const made = new RegExp(`${MAKER}\`([a-z0-9.-]+\\.)\\$\\{`, 'g');
  for (const [file, text] of sources)
    for (const [, begin = ''] of text.matchAll(made)) expect(COMPUTED, file).toHaveProperty([begin]);
});

test('every check and reason has a text, and every text its check or reason', () => {
  const inSources = [...idsInSources()].sort((a, b) => (a < b ? -1 : 1));
  expect(inSources.length).toBeGreaterThan(50);
  expect(
    inSources.filter((id) => !EXPLANATIONS.has(id)),
    'without a text in src/explain',
  ).toEqual([]);
  expect(
    [...EXPLANATIONS.keys()].filter((id) => !inSources.includes(id)),
    'without a check or reason',
  ).toEqual([]);
});

test.for([...EXPLANATIONS.values()])(
  '$id is told in whole sentences',
  ({ id, what, why, fix, programs = {}, ref }) => {
    expect(check.shape.id.safeParse(id).success).toBe(true);
    for (const text of [what, why, fix]) expect(text).toMatch(/^[^a-z].*\.$/s);
    for (const text of Object.values(programs)) expect(text.length).toBeGreaterThan(10);
    if (ref !== undefined)
      expect(ref).toMatch(/^(RFC \d+( §[\d.]+)?|CVE-\d+-\d+)(, (RFC \d+( §[\d.]+)?|§[\d.]+|CVE-\d+-\d+))*$/);
  },
);

describe('explain', () => {
  test('tells what, why and how to fix it, in the words of each program', async () => {
    const { stdout, exit } = await run('explain', ['smtp.starttls.offered']);
    expect(exit).toBe(0);
    for (const word of ['what', 'why', 'fix', 'Postfix', 'Exim', 'Exchange', 'RFC 3207'])
      expect(stdout).toContain(word);
  });

  test('a reason of a verdict is explained, with its case or without', async () => {
    const plain = await run('explain', ['dkim.unsigned-header']);
    const withCase = await run('explain', ['dkim.unsigned-header:reply-to']);
    expect(plain).toMatchObject({ exit: 0, stderr: '' });
    expect(plain.stdout).toContain('OpenDKIM');
    expect(withCase.stdout).toBe(plain.stdout);
  });

  test('lists every id when none is given', async () => {
    const { stdout } = await run('explain', []);
    for (const id of EXPLANATIONS.keys()) expect(stdout).toContain(id);
  });

  test('a mistyped id is told with the one that was meant', async () => {
    const ran = await run('explain', ['smtp.startls.offered']);
    expect(ran).toMatchObject({ exit: 64, stdout: '' });
    expect(ran.stderr).toContain('Did you mean smtp.starttls.offered?');
  });
});
