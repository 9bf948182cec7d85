import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXPLANATIONS } from '../../../src/explain/index.ts';
import { check } from '../../../src/schema/report.ts';
import { root, run } from '../../helpers/run.ts';

/** Ids that are put together at run time: how they begin, and all the ends there are. */
const COMPUTED: Readonly<Record<string, readonly string[]>> = {
  'demand.': ['plaintext', 'tls-below', 'delay-over'],
  'require.': ['starttls', 'tls1.2', 'tls1.3', 'cert', 'dane', 'mta-sts', 'pq', 'expiry'],
  'send.': ['deferred', 'refused', 'unknown'],
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

/** Properties of Authentication-Results (RFC 8601 §2.7), which look like ids. */
const NO_IDS: ReadonlySet<string> = new Set(['smtp.mailfrom', 'smtp.helo', 'smtp.rcptto', 'smtp.remote-ip']);

/** Source of everything that makes checks, by its path. */
const sources = new Map(
  globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !/^src\/(cli\/(?!config-check)|explain|schema|lab)/.test(file))
    .map((file) => [file, readFileSync(`${root}${file}`, 'utf8')]),
);

const ID = /'([a-z0-9-]+(?:\.[a-z0-9-]+)+)'/g;

/** First words of ids, from the places that can be nothing but a check. */
function areas(): Set<string> {
  const found = [...sources.values()].flatMap((text) =>
    [
      ...text.matchAll(
        /\b(?:id: |id = |note\(\s*|check\(\s*|finding\(\s*)(?:[^',\n]*\? )?'([a-z0-9-]+)\.[a-z0-9.-]+'/g,
      ),
    ].map(([, area = '']) => area),
  );
  return new Set(found);
}

/** Every id that the sources can give a check. */
function idsInSources(): Set<string> {
  const known = areas();
  const literal = [...sources.values()].flatMap((text) =>
    [...text.matchAll(ID)]
      .map(([, id = '']) => id)
      .filter((id) => known.has(id.split('.')[0] ?? '') && !NO_IDS.has(id) && !id.endsWith('.test')),
  );
  const computed = Object.entries(COMPUTED).flatMap(([begin, ends]) => ends.map((end) => begin + end));
  return new Set([...literal, ...computed]);
}

test('every id that is put together at run time is known here', () => {
  for (const [file, text] of sources)
    for (const [, begin = ''] of text.matchAll(/\bid: `([a-z0-9.-]*)\$\{/g))
      expect(COMPUTED, file).toHaveProperty([begin]);
});

test('every check has a text, and every text its check', () => {
  const inSources = [...idsInSources()].sort((a, b) => (a < b ? -1 : 1));
  expect(inSources.length).toBeGreaterThan(50);
  expect(
    inSources.filter((id) => !EXPLANATIONS.has(id)),
    'without a text in src/explain',
  ).toEqual([]);
  expect(
    [...EXPLANATIONS.keys()].filter((id) => !inSources.includes(id)),
    'without a check',
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
