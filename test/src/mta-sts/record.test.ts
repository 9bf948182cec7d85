import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStsRecord } from '../../../src/mta-sts/record.ts';

describe('the record', () => {
  test.for([
    [[['v=STSv1; id=20160831085700Z;']], '20160831085700Z'],
    [[['v=STSv1;id=1']], '1'],
    [[['v=STSv1; ', 'id=2026', '1125']], '20261125'],
    [[['v=spf1 -all'], ['v=STSv1; id=a1 ; ext=value; other.name-1=x']], 'a1'],
    [[['v=STSv1;\tid=abc\t;']], 'abc'],
    [[[`v=STSv1; id=${'a'.repeat(32)}`]], 'a'.repeat(32)],
    [[['v=STSv1; id=7'], ['v=STSv2; id=8'], ['V=STSv1; id=9']], '7'],
  ] as const)('%j has its id', ([txt, id]) => {
    expect(parseStsRecord(txt)).toMatchObject({ kind: 'record', id });
  });

  test.for([
    [[['v=STSv1; id=1'], ['v=STSv1; id=1']], /there are 2 records, so none counts/],
    [[['v=STSv1;']], /no id/],
    [[['v=STSv1; ID=1']], /no id/],
    [[['v=STSv1; id=']], /not 1 to 32/],
    [[['v=STSv1; id=2026-11-25']], /not 1 to 32/],
    [[[`v=STSv1; id=${'a'.repeat(33)}`]], /not 1 to 32/],
    [[['v=STSv1; id=1; id=2']], /more than one id/],
    [[['v=STSv1; id=1; stray']], /field 3 of the record is not name=value/],
    [[['v=STSv1; id=1;; b=c']], /field 3/],
    [[['v=STSv1; id=1; a=b c']], /field 3/],
    [[['v=STSv1 ; id=1']], /does not begin with v=STSv1;/],
    [[['v=STSv1']], /does not begin/],
    [[['V=STSV1; id=1']], /does not begin/],
    [[['"v=STSv1; id=1"']], /does not begin/],
    [[[`v=STSv1; id=1; a=${'b'.repeat(5000)}`]], /longer than/],
  ] as const)('%j does not count', ([txt, reason]) => {
    const found = parseStsRecord(txt);
    expect(found).toMatchObject({ kind: 'invalid-record', reason: expect.stringMatching(reason) });
  });

  test.for([[[]], [[['v=spf1 -all']]], [[[]]], [[['']]], [[['google-site-verification=v=STSv1;']]]] as const)(
    '%j is none',
    ([txt]) => {
      expect(parseStsRecord(txt)).toEqual({ kind: 'none' });
    },
  );

  test('of any text is read without an exception, and what is kept is bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string())), (txt) => {
        const found = parseStsRecord(txt.map((strings) => ['v=STSv1;', ...strings]));
        if (found.kind === 'record') expect(found.id).toMatch(/^[A-Za-z0-9]{1,32}$/);
        if (found.kind === 'invalid-record') expect(found.records.length).toBeLessThanOrEqual(10);
      }),
    );
  });
});
