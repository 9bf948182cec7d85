import { expect, test } from 'vitest';
import { offlineResolver, recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { vettingChecks } from '../../../src/mediator/vetting.ts';
import type { MtaSts } from '../../../src/mta-sts/types.ts';
import { checkDomain } from '../../../src/sender/check.ts';

const MX = [{ priority: 10, exchange: 'mx.example.org' }];

async function existence(dns: Resolver) {
  const seen = await checkDomain('example.org', {
    dns,
    nowMs: Date.parse('2026-11-25T12:00:00Z'),
    selectors: [],
    vouchers: [],
    madeUp: 'x1234',
    tlsaPort: 25,
    mtaSts: async (): Promise<MtaSts> => ({ kind: 'none' }),
  });
  return vettingChecks(seen, { find: () => null }).find(({ id }) => id === 'vetting.domain')?.status;
}

test.for([
  [
    'a domain with an exchanger is there',
    { 'example.org': { MX }, 'mx.example.org': { A: ['192.0.2.25'] } },
    'ok',
  ],
  ['a domain that takes no mail is there', { 'example.org': { TXT: [['v=spf1 -all']] } }, 'ok'],
  [
    'of a domain whose DNS does not answer nothing is known',
    { 'example.org': { MX: 'SERVFAIL' } },
    'unknown',
  ],
] as const)('%s', async ([, zone, status]) => {
  expect(await existence(recordedResolver(zone))).toBe(status);
});

test('a domain that is not there is told, and offline nothing is', async () => {
  expect(await existence(recordedResolver({}))).toBe('crit');
  expect(await existence(offlineResolver())).toBe('unknown');
});
