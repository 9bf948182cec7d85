import { describe, expect, test } from 'vitest';
import { postfixPolicy } from '../../../src/cli/render/policy.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { MtaSts } from '../../../src/mta-sts/types.ts';
import { effectivePolicy } from '../../../src/policy/effective.ts';
import { mxPolicy } from '../../../src/schema/mx-policy.ts';

const tlsa = (certUsage: number) => [{ certUsage, selector: 1, match: 1, data: 'ab'.repeat(32) }];
const mx = (...names: string[]) => names.map((exchange, index) => ({ priority: index * 10, exchange }));

/** Zones of one domain x.test with the exchangers a and b below it. */
const ZONES = {
  plain: { 'x.test': { MX: mx('a.x.test') }, 'a.x.test': { A: ['192.0.2.1'] } },
  dane: {
    'x.test': { MX: mx('a.x.test'), secure: true },
    'a.x.test': { A: ['192.0.2.1'] },
    '_25._tcp.a.x.test': { TLSA: tlsa(3) },
  },
  'dane at every host': {
    'x.test': { MX: mx('a.x.test', 'b.x.test'), secure: true },
    'a.x.test': { A: ['192.0.2.1'] },
    'b.x.test': { A: ['192.0.2.2'] },
    '_25._tcp.a.x.test': { TLSA: tlsa(3) },
    '_25._tcp.b.x.test': { TLSA: tlsa(2) },
  },
  'dane at one host of two': {
    'x.test': { MX: mx('a.x.test', 'b.x.test'), secure: true },
    'a.x.test': { A: ['192.0.2.1'] },
    'b.x.test': { A: ['192.0.2.2'] },
    '_25._tcp.a.x.test': { TLSA: tlsa(3) },
  },
  'unusable records': {
    'x.test': { MX: mx('a.x.test'), secure: true },
    'a.x.test': { A: ['192.0.2.1'] },
    '_25._tcp.a.x.test': { TLSA: tlsa(1) },
  },
  'unsigned MX, signed host': {
    'x.test': { MX: mx('a.y.test') },
    'y.test': { secure: true },
    'a.y.test': { A: ['192.0.2.1'] },
    '_25._tcp.a.y.test': { TLSA: tlsa(3) },
  },
  'a look-up that fails': {
    'x.test': { MX: mx('a.x.test', 'b.x.test'), secure: true },
    'a.x.test': { A: ['192.0.2.1'] },
    'b.x.test': { A: ['192.0.2.2'] },
    '_25._tcp.a.x.test': { TLSA: tlsa(3) },
    '_25._tcp.b.x.test': { TLSA: 'SERVFAIL' },
  },
  'bogus addresses': {
    'x.test': { MX: mx('a.x.test'), secure: true },
    'a.x.test': { A: 'BOGUS', AAAA: 'BOGUS' },
  },
  'null MX': { 'x.test': { MX: [{ priority: 0, exchange: '' }] } },
  'no domain': {},
  'a DNS that does not answer': { 'x.test': { MX: 'TIMEOUT' } },
} as const;

const found = (mode: 'enforce' | 'testing' | 'none', ...names: string[]): MtaSts => ({
  kind: 'found',
  id: '1',
  policy: { mode, maxAgeSeconds: 86_400, mx: names },
  source: 'fetched',
  text: '',
  oddities: [],
  host: 'mta-sts.x.test',
  ips: [],
  servedBy: null,
  versions: null,
  certificate: null,
});
const NONE: MtaSts = { kind: 'none' };
const OPEN: MtaSts = { kind: 'unknown', reason: 'the DNS did not answer' };
const FAILED: MtaSts = {
  kind: 'failed',
  id: '1',
  host: 'mta-sts.x.test',
  result: 'sts-policy-fetch-error',
  reason: 'status 404',
};

function policyOf(zone: keyof typeof ZONES, sts: MtaSts) {
  return effectivePolicy('x.test', 'x.test', {
    dns: recordedResolver(ZONES[zone]),
    tlsaPort: 25,
    mtaSts: async () => sts,
  });
}

describe('the line of a policy map', () => {
  test.for([
    ['plain', NONE, 'ok', 'x.test may'],
    ['plain', FAILED, 'ok', 'x.test may'],
    ['plain', found('testing', 'a.x.test'), 'ok', 'x.test may'],
    ['plain', found('none'), 'ok', 'x.test may'],
    ['plain', found('enforce', 'a.x.test'), 'ok', 'x.test secure match=a.x.test servername=hostname'],
    [
      'plain',
      found('enforce', '*.x.test', 'mx.y.test'),
      'ok',
      'x.test secure match=.x.test:mx.y.test servername=hostname',
    ],
    ['dane', NONE, 'ok', 'x.test dane-only'],
    // RFC 8461 §2: MTA-STS never overrides DANE.
    ['dane', found('enforce', 'a.x.test'), 'ok', 'x.test dane-only'],
    ['dane', OPEN, 'ok', 'x.test dane-only'],
    ['dane at every host', NONE, 'ok', 'x.test dane-only'],
    ['dane at one host of two', NONE, 'ok', 'x.test dane'],
    ['dane at one host of two', found('enforce', '*.x.test'), 'warn', null],
    ['unusable records', NONE, 'ok', 'x.test dane'],
    ['unsigned MX, signed host', NONE, 'ok', 'x.test dane'],
    ['a look-up that fails', NONE, 'unknown', null],
    ['a look-up that fails', found('enforce', '*.x.test'), 'unknown', null],
    ['bogus addresses', NONE, 'unknown', null],
    ['plain', OPEN, 'unknown', null],
    ['null MX', NONE, 'ok', null],
    ['no domain', NONE, 'crit', null],
    ['a DNS that does not answer', NONE, 'unknown', null],
  ] as const)('%s, %j: %s, %s', async ([zone, sts, status, postfix]) => {
    const result = await policyOf(zone, sts);
    expect([result.status, result.postfix]).toEqual([status, postfix]);
    mxPolicy.parse(result);
    expect(postfixPolicy(result)).toMatch(
      postfix === null ? /^# .*\n# x\.test is left out\.\n$/ : /^# .*\nx\.test .*\n$/,
    );
  });

  test('a resolver whose word on DNSSEC cannot be believed writes none', async () => {
    const inner = recordedResolver(ZONES.dane);
    const dns = {
      resolve: async (...question: Parameters<typeof inner.resolve>) => ({
        ...(await inner.resolve(...question)),
        dnssec: 'untrusted' as const,
      }),
    } as typeof inner;
    const result = await effectivePolicy('x.test', 'x.test', { dns, tlsaPort: 25, mtaSts: async () => NONE });
    expect([result.status, result.postfix]).toEqual(['unknown', null]);
    expect(result.summary).toContain('cannot be told from here');
  });
});
