import { expect, test } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import { lintSpf } from '../../../src/spf/lint.ts';
import { surveySpf } from '../../../src/spf/survey.ts';

const spf = (...records: string[]) => ({ TXT: records.map((record) => [record]) });

const lint = async (records: Readonly<Record<string, unknown>>) => {
  const survey = await surveySpf('example.org', recordedResolver(records));
  return lintSpf(survey).map(({ id, status }) => `${id} ${status}`);
};

test.for<[record: string, findings: string[]]>([
  ['v=spf1 ip4:192.0.2.0/24 -all', []],
  ['v=spf1 mx ~all', []],
  ['v=spf1 +all', ['spf.all.pass crit']],
  ['v=spf1 all', ['spf.all.pass crit']],
  ['v=spf1 mx ?all', ['spf.all.neutral warn']],
  ['v=spf1 mx', ['spf.all.neutral warn']],
  ['v=spf1 ip4:0.0.0.0/0 -all', ['spf.range.wide crit']],
  ['v=spf1 ip4:192.0.0.0/15 -all', ['spf.range.wide warn']],
  ['v=spf1 ip4:192.0.0.0/16 ip6:2001:db8::/32 -all', []],
  ['v=spf1 ip6:2000::/31 -all', ['spf.range.wide warn']],
  ['v=spf1 mx/8 -all', ['spf.range.wide warn']],
  ['v=spf1 -ip4:10.0.0.0/8 mx -all', []],
  ['v=spf1 ptr -all', ['spf.ptr warn']],
  ['v=spf1 mx -all a redirect=mx.example.org', ['spf.idle warn']],
  ['v=spf1 include:gone.example.org -all', ['spf.include.broken crit']],
  ['v=spf1 include:example.org -all', ['spf.loop crit']],
  ['v=spf1 a:gone.example.org -all', ['spf.void-lookups warn']],
  ['v=spf1 a:gone.example.org a:g2.example.org exists:g3.example.org -all', ['spf.void-lookups crit']],
  ['v=spf1 include:open.example.org -all', ['spf.all.pass crit']],
  ['v=spf1 include:neutral.example.org -all', []],
  ['v=spf1 redirect=neutral.example.org', ['spf.all.neutral warn']],
  ['v=spf1 include:dead.example.org -all', ['spf.record unknown']],
  ['v=spf1 ip4:192.0.2 -all', ['spf.syntax crit']],
  ['v=spf1 mx:many.example.org -all', ['spf.mx.many crit']],
  [`v=spf1 ${'exists:%{i}.example.org '.repeat(11)}-all`, ['spf.lookups crit']],
  [`v=spf1 ${'exists:%{p}.example.org '.repeat(6)}-all`, ['spf.lookups crit']],
])('%s', async ([record, findings]) => {
  const told = await lint({
    'example.org': { ...spf(record), MX: [{ priority: 1, exchange: 'mx.example.org' }] },
    'mx.example.org': { ...spf('v=spf1 a -all'), A: ['192.0.2.25'] },
    'open.example.org': spf('v=spf1 +all'),
    'neutral.example.org': spf('v=spf1 ?all'),
    'dead.example.org': { TXT: 'TIMEOUT' },
    'many.example.org': {
      MX: Array.from({ length: 11 }, (_, index) => ({ priority: index, exchange: 'mx.example.org' })),
    },
  });
  expect(told.filter((each) => !each.endsWith(' ok'))).toEqual(findings);
});

test('no record, two records and no answer are three things', async () => {
  expect(await lint({})).toEqual(['spf.record warn']);
  expect(await lint({ 'example.org': spf('v=spf1 -all', 'v=spf1 mx -all') })).toEqual([
    'spf.record.several crit',
  ]);
  expect(await lint({ 'example.org': { TXT: 'SERVFAIL' } })).toEqual(['spf.record unknown']);
});

test('a record that leads to many is read up to a bound', async () => {
  const records = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [
      index === 0 ? 'example.org' : `n${index}.example.org`,
      spf(`v=spf1 include:n${index + 1}.example.org -all`),
    ]),
  );
  const survey = await surveySpf('example.org', recordedResolver(records));
  expect(survey).toMatchObject({ cut: true });
  expect(survey.records).toHaveLength(50);
  expect(lintSpf(survey)).toContainEqual(expect.objectContaining({ id: 'spf.lookups', status: 'crit' }));
});
