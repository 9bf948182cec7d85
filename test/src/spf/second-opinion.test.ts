import fc from 'fast-check';
import { spf } from 'mailauth/lib/spf/index.js';
import { expect, test } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import { checkSpf } from '../../../src/spf/check.ts';
import { nodeStyle } from '../../helpers/node-style.ts';

const NAMES = ['a.test', 'b.test', 'c.a.test', 'mail.a.test', 'mail.a.test', 'gone.test', 'broken.test'];
const ADDRESSES = ['192.0.2.1', '192.0.2.130', '198.51.100.7', '2001:db8::1', '2001:db8:1::1'];

const name = fc.constantFrom(...NAMES);
const text = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((pieces) => pieces.join(''));
const any = (...choice: string[]) => fc.constantFrom(...choice);

/** What is right, or wrong in one place. */
function grammar(wrong: boolean) {
  const also = <T>(right: T[], mistakes: T[]) => fc.constantFrom(...right, ...(wrong ? mistakes : []));
  const macro = text(
    any('%{'),
    also([...'slodipvhSLDIP'], ['c', 't', 'x']),
    also(['', '', '1', '2', '12'], ['0']),
    any('', '', 'r', 'R'),
    any('', '', '-', '+', '/', '.-'),
    any('}'),
  );
  const spec = fc.oneof(
    { weight: 8, arbitrary: name },
    { weight: 1, arbitrary: text(macro, any('.'), name) },
    { weight: 1, arbitrary: macro },
    {
      weight: 1,
      arbitrary: also(
        ['a.test.', 'A.Test', 'a%%b.test', 'a%_b.test', 'a:b.test', '%{d}'],
        ['test', 'a..test', 'a.1', '%x.test', 'a.-b', ''],
      ),
    },
  );
  const cidr = also(['', '', '', '/24', '/0', '//64', '/25//32'], ['/33', '/024', '//129', '/']);
  const address4 = also(ADDRESSES.slice(0, 3), ['192.0.2', '01.2.3.4', '::1', '']);
  const address6 = also([...ADDRESSES.slice(3), '::ffff:192.0.2.1'], ['192.0.2.1', '2001:db8', '']);
  const mechanism = fc.oneof(
    also(['all', 'a', 'mx', 'ptr'], ['ptr/24', 'all:a.test', 'include', 'foo', 'a:', '']),
    text(any('include:', 'include:', 'exists:', 'ptr:'), spec),
    text(any('a:', 'mx:', 'A:', 'Mx:'), spec, cidr),
    text(any('a', 'mx'), cidr),
    text(any('ip4:'), address4, also(['', '/24', '/0'], ['/33', '//24', '/'])),
    text(any('ip6:'), address6, also(['', '/48', '/0'], ['/129', '//48', '/'])),
  );
  const qualified = text(any('', '-', '~', '?', '+'), mechanism);
  const modifier = also(['x=y', 'x=%{c}', 'exp=exp.test', 'a-b=c:d'], ['1=2', 'x=%', 'x:y=z', '=', 'a/b=c']);
  const terms = fc.array(fc.oneof({ weight: 8, arbitrary: qualified }, modifier), { maxLength: 7 });
  const end = fc.oneof(any('', '-all', '~all'), text(any('redirect='), spec));
  return fc.tuple(terms, end).map(([front, last]) => ['v=spf1', ...new Set(front), last].join(' '));
}

const record = fc.oneof({ weight: 6, arbitrary: grammar(false) }, grammar(true));

const texts = fc.oneof(
  { weight: 20, arbitrary: record.map((whole) => [[whole]]) },
  { weight: 1, arbitrary: fc.constant('TIMEOUT' as const) },
  { weight: 1, arbitrary: fc.tuple(record, record).map((pair) => pair.map((each) => [each])) },
  { weight: 1, arbitrary: fc.constant([]) },
);
const addresses = fc.oneof(fc.subarray(ADDRESSES.slice(0, 3)), fc.constant('SERVFAIL' as const));
const addresses6 = fc.subarray(ADDRESSES.slice(3));
const exchangers = fc.array(fc.record({ priority: fc.nat(20), exchange: name }), { maxLength: 12 });

const zone = fc.record({
  'a.test': fc.record({ TXT: texts, A: addresses, AAAA: addresses6, MX: exchangers }),
  'b.test': fc.record({ TXT: texts, A: addresses, MX: exchangers }),
  'c.a.test': fc.record({ TXT: texts, AAAA: addresses6 }),
  'mail.a.test': fc.record({ A: addresses, AAAA: addresses6 }),
  'broken.test': fc.constant({ '*': 'TIMEOUT' }),
  'exp.test': fc.record({ TXT: fc.constantFrom([['No: %{i} %{p} %{c} %_']], [['%']], [['a'], ['b']], []) }),
  '1.2.0.192.in-addr.arpa': fc.record({
    PTR: fc.oneof(fc.array(name, { maxLength: 12 }), fc.constant('TIMEOUT' as const)),
  }),
});

test('mailauth says the same of made-up records', async () => {
  await fc.assert(
    fc.asyncProperty(
      zone,
      fc.constantFrom(...ADDRESSES, '::ffff:192.0.2.1'),
      fc.constantFrom('joe@a.test', 'b.test', '', '"j o.e"@a.test', 'x+y@c.a.test', 'jö@a.test'),
      async (zoneMap, ip, mailFrom) => {
        const dns = recordedResolver(zoneMap);
        const ours = await checkSpf({ ip, helo: 'mail.a.test', mailFrom, mta: 'mx.test', dns, nowMs: 0 });
        const theirs = await spf({
          ...{ ip, helo: 'mail.a.test', sender: mailFrom, mta: 'mx.test', strict: true },
          resolver: nodeStyle(dns),
        });
        expect(ours.result).toBe(theirs.status.result);
        expect(ours.explanation?.toLowerCase()).toBe(theirs.explanation?.toLowerCase());
      },
    ),
    { numRuns: 500 },
  );
});
