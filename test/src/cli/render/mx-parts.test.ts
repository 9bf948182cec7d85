import { expect, test } from 'vitest';
import { mxFindings, mxParts } from '../../../../src/cli/render/mx-parts.ts';
import type { MxAddressResult, MxProbeResult } from '../../../../src/schema/mx-probe.ts';

function address(ip: string, port: number, more: Partial<MxAddressResult> = {}) {
  const checks = [{ id: 'smtp.connect', status: 'unknown', message: 'Refused.' }];
  return { ip, port, phase: 'connect', tls: null, certificate: null, elapsedMs: 3, checks, ...more };
}

/** A result with no more than what formats of findings and figures look at. */
function result(host: string, addresses: readonly object[]): MxProbeResult {
  return { checks: [], hosts: [{ host, addresses }] } as unknown as MxProbeResult;
}

test.for([
  ['host and address', 'mx.test', [address('192.0.2.1', 25)], ['mx.test [192.0.2.1]']],
  ['an address that is its own name once', '192.0.2.1', [address('192.0.2.1', 25)], ['192.0.2.1']],
  [
    'the port, too, where several were asked at one address',
    'mx.test',
    [address('192.0.2.1', 25), address('192.0.2.1', 587), address('192.0.2.2', 25)],
    ['mx.test [192.0.2.1]:25', 'mx.test [192.0.2.1]:587', 'mx.test [192.0.2.2]'],
  ],
] as const)('a finding is placed by %s', ([, host, addresses, places]) => {
  expect(mxFindings(result(host, addresses)).map(({ where }) => where)).toEqual(places);
});

test('days are counted down to whole ones, below zero when it has expired', () => {
  const certificate = { notAfter: '2026-11-24T12:00:00Z' } as MxAddressResult['certificate'];
  const days = (asOf: string) =>
    mxParts(Date.parse(asOf))
      .figures?.(result('mx.test', [address('192.0.2.1', 25, { certificate })]))
      .find(({ name }) => name === 'certificate_expiry')?.value;
  expect(days('2026-11-22T13:00:00Z')).toBe(1);
  expect(days('2026-11-24T13:00:00Z')).toBe(-1);
});

test('the time of a conversation that never began is no figure', () => {
  const names = mxParts(0)
    .figures?.(result('mx.test', [address('192.0.2.1', 25)]))
    .map(({ name }) => name);
  expect(names).toEqual(['encrypted']);
});
