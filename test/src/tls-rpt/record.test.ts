import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import { findTlsRpt, parseTlsRpt, tlsRptCheck } from '../../../src/tls-rpt/record.ts';

describe('a TLS reporting record', () => {
  test.for([
    ['v=TLSRPTv1;rua=mailto:reports@example.com', ['mailto:reports@example.com']],
    ['v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt', ['https://reporting.example.com/v1/tlsrpt']],
    [
      'v=TLSRPTv1; rua=mailto:a@example.com,https://b.example/x; ',
      ['mailto:a@example.com', 'https://b.example/x'],
    ],
    ['v=TLSRPTv1; other=thing; rua = mailto:a@example.com', ['mailto:a@example.com']],
  ] as const)('%s', ([record, rua]) => {
    expect(parseTlsRpt(record)).toEqual({ kind: 'found', record, rua });
  });

  test.for([
    ['v=TLSRPTv2; rua=mailto:a@example.com', /does not begin/],
    ['v=TLSRPTv1', /no rua/],
    ['v=TLSRPTv1; rua=mailto:a@b; rua=mailto:c@d', /more than one rua/],
    ['v=TLSRPTv1; rua=http://example.com/', /neither mailto: nor https:/],
    ['v=TLSRPTv1; rua=', /neither/],
    ['v=TLSRPTv1; rua=mailto:a@example.com!10m', /neither/],
    [`v=TLSRPTv1; rua=${Array(30).fill('mailto:a@b').join(',')}`, /more than 20/],
    [`v=TLSRPTv1; rua=mailto:${'a'.repeat(5000)}@b`, /longer than/],
  ] as const)('%s is refused', ([record, reason]) => {
    expect(parseTlsRpt(record)).toMatchObject({ kind: 'invalid', reason: expect.stringMatching(reason) });
  });

  test('of any text at all is read without an exception, and never more than is bounded', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const found = parseTlsRpt(`v=TLSRPTv1; ${text}`);
        if (found.kind === 'found') expect(found.rua.length).toBeLessThanOrEqual(20);
      }),
    );
  });
});

test.for([
  [
    'one record among others',
    { TXT: [['v=TLSRPTv1; ', 'rua=mailto:a@b.test'], ['something else']] },
    'found',
    'ok',
  ],
  ['no record', { TXT: [['something else']] }, 'none', 'ok'],
  ['nothing at that name', {}, 'none', 'ok'],
  [
    'two records',
    { TXT: [['v=TLSRPTv1; rua=mailto:a@b.test'], ['v=TLSRPTv1; rua=mailto:c@d.test']] },
    'invalid',
    'warn',
  ],
  ['a DNS failure', { TXT: 'SERVFAIL' }, 'unknown', 'ok'],
] as const)('%s', async ([, records, kind, status]) => {
  const found = await findTlsRpt('example.test', recordedResolver({ '_smtp._tls.example.test': records }));
  expect(found.kind).toBe(kind);
  expect(tlsRptCheck('example.test', found).status).toBe(status);
});
