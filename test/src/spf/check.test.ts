import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { checkSpf, type SpfQuestion } from '../../../src/spf/check.ts';

const zone = {
  'example.org': {
    TXT: [['v=spf1 a:www.example.org ', 'include:_spf.example.net -all']],
  },
  'www.example.org': { A: ['192.0.2.80'] },
  '_spf.example.net': { TXT: [['v=spf1 ip4:198.51.100.0/24 ?all']] },
  'mail.example.org': { TXT: [['v=spf1 ip4:192.0.2.25 -all']] },
  'said.example.org': { TXT: [['v=spf1 -all exp=why.example.org']] },
  'why.example.org': { TXT: [['%{i} is not ours, ask %{o}']] },
  'long.example.org': { TXT: [['v=spf1 -all exp=essay.example.org']] },
  'essay.example.org': { TXT: [['%{s} '.repeat(5000)]] },
  'local.example.org': { TXT: [['v=spf1 exists:%{l}._u.example.org -all']] },
  'ten.example.org': { TXT: [[`v=spf1 ${names(10, 'www.example.org')} -all`]] },
  'eleven.example.org': { TXT: [[`v=spf1 ${names(11, 'www.example.org')} -all`]] },
  'void.example.org': { TXT: [['v=spf1 a:x.gone.test a:y.gone.test -all']] },
  'void3.example.org': { TXT: [['v=spf1 a:x.gone.test a:y.gone.test a:z.gone.test -all']] },
  'loop.example.org': { TXT: [['v=spf1 include:loop.example.org -all']] },
  'slow.example.org': { TXT: [['v=spf1 a:dead.example.org -all']] },
  'dead.example.org': { '*': 'TIMEOUT' },
  'cafe.xn--bcher-kva.example': { TXT: [['v=spf1 ip4:192.0.2.1 -all']] },
};

/** `a` terms that are all different questions to count, if not to ask. */
function names(count: number, name: string): string {
  return Array.from({ length: count }, () => `a:${name}`).join(' ');
}

const ask = (question: Partial<SpfQuestion>) =>
  checkSpf({
    ...{ ip: '203.0.113.9', helo: null, mailFrom: '', mta: null, nowMs: 0, dns: recordedResolver(zone) },
    ...question,
  });

test('the tree tells term by term how the result came about', async () => {
  const { result, lookups, voidLookups, tree } = await ask({
    mailFrom: 'joe@example.org',
    ip: '198.51.100.7',
  });
  expect({ result, lookups, voidLookups }).toEqual({ result: 'pass', lookups: 2, voidLookups: 0 });
  expect(tree?.record).toBe('v=spf1 a:www.example.org include:_spf.example.net -all');
  expect(tree?.terms).toMatchObject([
    { term: 'a:www.example.org', outcome: 'no-match', lookups: 1, found: ['192.0.2.80'] },
    {
      term: 'include:_spf.example.net',
      outcome: 'match',
      lookups: 1,
      below: {
        result: 'pass',
        terms: [{ term: 'ip4:198.51.100.0/24', outcome: 'match' }, { outcome: 'not-reached' }],
      },
    },
    { term: '-all', outcome: 'not-reached', lookups: 0 },
  ]);
});

test('the empty path asks about the HELO name, and postmaster is its mailbox', async () => {
  expect(await ask({ helo: 'mail.example.org', ip: '192.0.2.25' })).toMatchObject({
    result: 'pass',
    identity: 'helo',
    domain: 'mail.example.org',
  });
  expect(await ask({ helo: null })).toMatchObject({ result: 'none', tree: null });
});

test.for([
  ['ten.example.org', 'fail', 10],
  ['eleven.example.org', 'permerror', 11],
  ['void.example.org', 'fail', 2],
  ['void3.example.org', 'permerror', 3],
  ['loop.example.org', 'permerror', 11],
  ['slow.example.org', 'temperror', 1],
] as const)('%s ends in %s after %i lookups', async ([domain, result, lookups]) => {
  const check = await ask({ mailFrom: `joe@${domain}` });
  expect(check).toMatchObject({ result, lookups });
  expect(check.reason === null).toBe(result === 'fail');
});

test('an IPv4 address in the clothes of an IPv6 one is an IPv4 address', async () => {
  expect(await ask({ mailFrom: 'joe@mail.example.org', ip: '::ffff:192.0.2.25' })).toMatchObject({
    result: 'pass',
    ip: '192.0.2.25',
  });
});

test('a domain in its own script is asked for in A-labels', async () => {
  expect(await ask({ mailFrom: 'joe@cafe.Bücher.example', ip: '192.0.2.1' })).toMatchObject({
    result: 'pass',
    domain: 'cafe.xn--bcher-kva.example',
  });
});

test('the domain’s own words come with a fail, and only so many of them', async () => {
  const { explanation } = await ask({ mailFrom: 'joe@said.example.org' });
  expect(explanation).toBe('203.0.113.9 is not ours, ask said.example.org');
  const long = await ask({ mailFrom: `${'j'.repeat(900)}@long.example.org` });
  expect(long.explanation).toHaveLength(1000);
});

test('an address that is no address, or no client, is told and nothing is asked', async () => {
  const dns: Resolver = { resolve: () => Promise.reject(new Error('asked')) };
  expect(await ask({ dns, ip: '192.0.2', mailFrom: 'joe@example.org' })).toMatchObject({
    result: 'temperror',
  });
  expect(await ask({ dns, mailFrom: `${'j'.repeat(5000)}@example.org` })).toMatchObject({ result: 'none' });
  expect(await ask({ dns, mailFrom: 'joe@localhost' })).toMatchObject({ result: 'none' });
});

test('a blank in the local part makes a name that does not exist, not a temporary error', async () => {
  const refusing = recordedResolver(zone);
  const dns: Resolver = {
    resolve: async (name, type) => {
      const answer = await refusing.resolve(name, type);
      // As the stub resolver answers for what it cannot put into a question.
      return name.includes(' ')
        ? { ...answer, kind: 'failed', rcode: 'MALFORMED', message: 'no name' }
        : answer;
    },
  };
  expect(await ask({ dns, mailFrom: '"j o"@local.example.org' })).toMatchObject({ result: 'fail' });
});

test('a resolver that never answers ends in temperror', async ({ onTestFinished }) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const check = ask({ mailFrom: 'joe@example.org', dns: { resolve: () => new Promise(() => undefined) } });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await check).toMatchObject({ result: 'temperror' });
});

test('of a record without end the tree shows the beginning and what decided', async () => {
  const record = `v=spf1 ${'ip4:192.0.2.1 '.repeat(3000)}-all`;
  const dns = recordedResolver({ 'example.org': { TXT: [[record]] } });
  const { tree } = await ask({ dns, mailFrom: 'joe@example.org' });
  expect(tree).toMatchObject({ result: 'fail', omitted: 2500 });
  expect(tree?.terms).toHaveLength(501);
  expect(tree?.terms.at(-1)).toMatchObject({ term: '-all', outcome: 'match' });
});

test.for([
  ['+all', 'match', 'pass'],
  ['-all', 'no-match', 'neutral'],
  ['~all', 'no-match', 'neutral'],
  ['?all', 'no-match', 'neutral'],
  ['foo', 'permerror', 'permerror'],
  ['a:dead.example.org', 'temperror', 'temperror'],
] as const)('an included record that ends in "%s" is a %s', async ([term, outcome, result]) => {
  const dns = recordedResolver({
    ...{ 'example.org': { TXT: [['v=spf1 include:other.example']] }, 'dead.example.org': { '*': 'TIMEOUT' } },
    'other.example': { TXT: [[`v=spf1 ${term}`]] },
  });
  const check = await ask({ dns, mailFrom: 'joe@example.org' });
  expect(check.result).toBe(result);
  expect(check.tree?.terms).toMatchObject([{ outcome, below: { domain: 'other.example' } }]);
});

test('whatever a record, an address and a HELO name hold, there is a result', async () => {
  const bytes = fc.string({ unit: 'binary', maxLength: 60 });
  const record = fc.oneof(
    bytes,
    bytes.map((text) => `v=spf1 ${text}`),
    bytes.map((text) => `v=spf1 a:${text}.test -all`),
  );
  await fc.assert(
    fc.asyncProperty(record, bytes, bytes, bytes, async (text, local, helo, ip) => {
      const dns = recordedResolver({ 'example.org': { TXT: [[text]] } });
      const check = await ask({ dns, mailFrom: `${local}@example.org`, helo });
      expect(['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror']).toContain(
        check.result,
      );
      expect(check.tree?.result ?? check.result).toBe(check.result);
      expect((await ask({ dns, mailFrom: local, helo, ip })).result).toBeTypeOf('string');
    }),
  );
});
