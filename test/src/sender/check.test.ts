import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { MtaSts } from '../../../src/mta-sts/types.ts';
import { checkDomain } from '../../../src/sender/check.ts';
import { guessSelectors } from '../../../src/sender/selectors.ts';

const NO_POLICY = { tlsaPort: 25, mtaSts: async (): Promise<MtaSts> => ({ kind: 'none' }) };

const NOW_MS = Date.parse('2026-11-25T12:00:00Z');

function rsa(modulusLength: number): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

const STRONG = `v=DKIM1; k=rsa; p=${rsa(2048)}`;
const MEDIUM = `v=DKIM1; p=${rsa(1024)}`;
const WEAK = `v=DKIM1; p=${rsa(768)}`;
const ED25519 = `v=DKIM1; k=ed25519; p=${Buffer.alloc(32, 7).toString('base64')}`;

const txt = (...records: string[]) => ({ TXT: records.map((record) => [record]) });
const MX = [{ priority: 10, exchange: 'mx.example.org' }];

/** A domain with which everything is in order. */
const good = {
  'example.org': { ...txt('v=spf1 mx -all'), MX },
  'mx.example.org': { A: ['192.0.2.25'] },
  '_dmarc.example.org': txt('v=DMARC1; p=reject; rua=mailto:d@example.org'),
  'mail._domainkey.example.org': txt(STRONG),
  '_smtp._tls.example.org': txt('v=TLSRPTv1; rua=mailto:t@example.org'),
};

const check = (zone: Readonly<Record<string, unknown>>, selectors: readonly string[] = []) =>
  checkDomain('example.org', {
    dns: recordedResolver(zone),
    nowMs: NOW_MS,
    selectors,
    vouchers: ['vouch.test'],
    madeUp: 'x1234',
    ...NO_POLICY,
  });

const findings = async (zone: Readonly<Record<string, unknown>>, selectors?: readonly string[]) =>
  (await check({ ...good, ...zone }, selectors)).checks
    .filter(({ status }) => status !== 'ok')
    .map(({ id, status }) => `${id} ${status}`);

test.for<[zone: Readonly<Record<string, unknown>>, status: string, parts: readonly string[]]>([
  [{ 'example.org': { ...good['example.org'], MX: 'SERVFAIL' } }, 'unknown', ['spf', 'mtaSts', 'dane']],
  [{ '_smtp._tls.example.org': { TXT: 'TIMEOUT' } }, 'ok', ['tlsRpt']],
  [{ 'default._bimi.example.org': { TXT: 'TIMEOUT' } }, 'ok', ['bimi']],
])('what the DNS did not answer is unknown, never "nothing": %j', async ([zone, status, parts]) => {
  const result = await check({ ...good, ...zone });
  expect(result.status).toBe(status);
  const names = ['spf', 'dkim', 'dmarc', 'bimi', 'mtaSts', 'dane', 'tlsRpt'] as const;
  expect(names.filter((name) => result[name].status === 'unknown')).toEqual(parts);
});

test('a domain with everything in order has no finding', async () => {
  const result = await check(good);
  expect(result).toMatchObject({ status: 'ok', sendsMail: true });
  expect(result.dkim.selectors).toMatchObject([{ selector: 'mail', given: false, type: 'rsa', bits: 2048 }]);
  expect(result.dmarc).toMatchObject({ p: 'reject', policyDomain: 'example.org', orgDomain: 'example.org' });
});

test.for<[what: string, zone: Readonly<Record<string, unknown>>, expected: string[]]>([
  ['no DMARC record', { '_dmarc.example.org': {} }, ['dmarc.record warn']],
  [
    'two DMARC records',
    { '_dmarc.example.org': txt('v=DMARC1; p=none', 'v=DMARC1; p=reject') },
    ['dmarc.void crit'],
  ],
  ['a DMARC policy that is none', { '_dmarc.example.org': txt('v=DMARC1; p=maybe') }, ['dmarc.policy crit']],
  [
    'DMARC that watches',
    { '_dmarc.example.org': txt('v=DMARC1; p=none; rua=mailto:d@example.org') },
    ['dmarc.policy warn'],
  ],
  [
    'weaker subdomains',
    { '_dmarc.example.org': txt('v=DMARC1; p=reject; sp=none') },
    ['dmarc.subdomains warn'],
  ],
  ['DMARC in test', { '_dmarc.example.org': txt('v=DMARC1; p=reject; t=y') }, ['dmarc.testing warn']],
  ['DNS that fails for DMARC', { '_dmarc.example.org': { TXT: 'SERVFAIL' } }, ['dmarc.record unknown']],
  [
    'reports to a stranger',
    { '_dmarc.example.org': txt('v=DMARC1; p=reject; rua=mailto:d@reports.example') },
    ['dmarc.reports.unwilling warn'],
  ],
  [
    'reports to who agreed',
    {
      '_dmarc.example.org': txt('v=DMARC1; p=reject; rua=mailto:d@reports.example'),
      'example.org._report._dmarc.reports.example': txt('v=DMARC1;'),
    },
    [],
  ],
  ['a short key', { 's1._domainkey.example.org': txt(MEDIUM) }, ['dkim.weak-key warn']],
  ['a key that verifiers refuse', { 's1._domainkey.example.org': txt(WEAK) }, ['dkim.weak-key crit']],
  ['an Ed25519 key', { 's1._domainkey.example.org': txt(ED25519) }, []],
  ['a key in test', { 's1._domainkey.example.org': txt(`${STRONG}; t=y`) }, ['dkim.testing-key warn']],
  ['a key that is none', { 's1._domainkey.example.org': txt('v=DKIM1; p=!') }, ['dkim.key crit']],
  ['a withdrawn key', { 's1._domainkey.example.org': txt('v=DKIM1; p=') }, []],
  [
    'a bad BIMI record',
    { 'default._bimi.example.org': txt('v=BIMI1; l=http://example.org/l.svg') },
    ['bimi.record warn'],
  ],
  ['an open SPF record', { 'example.org': { ...txt('v=spf1 +all'), MX } }, ['spf.all.pass crit']],
  [
    'a bad TLS-RPT record',
    { '_smtp._tls.example.org': txt('v=TLSRPTv1; rua=ftp:x') },
    ['tlsrpt.record warn'],
  ],
])('%s', async ([, zone, expected]) => {
  expect(await findings(zone)).toEqual(expected);
});

test('a selector that was given has to be there', async () => {
  expect(await findings({}, ['mail'])).toEqual([]);
  expect(await findings({}, ['other'])).toEqual(['dkim.key crit']);
  expect(await findings({ 'old._domainkey.example.org': txt('v=DKIM1; p=') }, ['old'])).toEqual([
    'dkim.revoked crit',
  ]);
  expect(await findings({ 'mail._domainkey.example.org': { TXT: 'TIMEOUT' } }, ['mail'])).toEqual([
    'dkim.key unknown',
  ]);
});

test('keys that nobody can guess are no finding, and neither are those that seem to be everywhere', async () => {
  const hidden = await check({ ...good, 'mail._domainkey.example.org': {} });
  expect(hidden.status).toBe('ok');
  expect(hidden.checks).toContainEqual(expect.objectContaining({ id: 'dkim.selectors', info: true }));
  const everywhere = await check({ ...good, 'x1234._domainkey.example.org': txt('v=spf1 -all') });
  expect(everywhere.dkim).toEqual({ status: 'ok', wildcard: true, selectors: [] });
});

test('the keys of a month are found for a year', () => {
  expect(guessSelectors(NOW_MS)).toEqual(expect.arrayContaining(['s202611', 's202601', 's202511']));
});

test('a domain that sends nothing needs a strict policy and no keys', async () => {
  const result = await check({
    'example.org': { ...txt('v=spf1 -all'), MX: [{ priority: 0, exchange: '' }] },
  });
  expect(result.sendsMail).toBe(false);
  expect(result.checks.filter(({ id, info }) => info !== true && !id.startsWith('spf.'))).toMatchObject([
    { id: 'dmarc.record', fix: expect.stringContaining('"v=DMARC1; p=reject"') },
  ]);
});

test('a policy of the domain above counts, and is told to come from there', async () => {
  const { 'mail._domainkey.example.org': _, ...zone } = good;
  const { dmarc, checks } = await checkDomain('mx.example.org', {
    dns: recordedResolver(zone),
    ...{ nowMs: NOW_MS, selectors: [], vouchers: [], madeUp: 'x1234', ...NO_POLICY },
  });
  expect(dmarc).toMatchObject({ policyDomain: 'example.org', p: 'reject' });
  expect(checks).toContainEqual(
    expect.objectContaining({ message: 'mx.example.org asks for p=reject (from example.org).' }),
  );
});

test('who vouches for a domain is information, and so is who does not', async () => {
  const vouched = await check({ ...good, 'example.org._vouch.vouch.test': txt('Transaction list \u001b') });
  expect(vouched).toMatchObject({ status: 'ok', vbr: { vouchings: [{ types: ['transaction', 'list'] }] } });
  expect(await check(good)).toMatchObject({
    status: 'ok',
    vbr: { vouchings: [{ types: [], unknown: false }] },
  });
});

test('a record that older receivers do not look for is told', async () => {
  const zone = {
    'a.b.example.org': { ...txt('v=spf1 mx -all'), MX },
    '_dmarc.b.example.org': txt('v=DMARC1; p=reject; rua=mailto:d@example.org'),
    'mx.example.org': { A: ['192.0.2.25'] },
  };
  const { checks } = await checkDomain('a.b.example.org', {
    dns: recordedResolver(zone),
    ...{ nowMs: NOW_MS, selectors: [], vouchers: [], madeUp: 'x1234', ...NO_POLICY },
  });
  expect(checks.filter(({ status }) => status !== 'ok')).toMatchObject([
    { id: 'dmarc.legacy', fix: expect.stringContaining('_dmarc.a.b.example.org. IN TXT') },
  ]);
});

test('no domain, and no DNS, are two things', async () => {
  expect(await check({})).toMatchObject({ status: 'crit', checks: [{ id: 'domain.exists' }] });
  const silent = await checkDomain('example.org', {
    dns: recordedResolver({
      'example.org': { '*': 'TIMEOUT' },
      '_dmarc.example.org': { '*': 'TIMEOUT' },
      'x1234._domainkey.example.org': { '*': 'TIMEOUT' },
    }),
    ...{ nowMs: NOW_MS, selectors: [], vouchers: [], madeUp: 'x1234', ...NO_POLICY },
  });
  expect(silent.status).toBe('unknown');
  expect(silent.summary).toMatch(/could not be told/);
});

test('TLSA records and an MTA-STS policy of the exchangers are looked at, too', async () => {
  const tlsa = { certUsage: 3, selector: 1, match: 1, data: 'ab'.repeat(32) };
  const zone = {
    ...good,
    'example.org': { ...good['example.org'], secure: true },
    '_25._tcp.mx.example.org': { TLSA: [tlsa] },
  };
  const policy = { mode: 'enforce', maxAgeSeconds: 604_800, mx: ['mx.example.net'] } as const;
  const found = {
    kind: 'found',
    id: '1',
    policy,
    source: 'fetched',
    text: '',
    oddities: [],
    host: 'mta-sts.example.org',
  } as const;
  const mtaSts = async () => ({ ...found, ips: [], servedBy: null, versions: null, certificate: null });
  const world = { nowMs: NOW_MS, selectors: [], vouchers: [], madeUp: 'x1234', ...NO_POLICY, mtaSts };
  const result = await checkDomain('example.org', { dns: recordedResolver(zone), ...world });
  expect(result.dane).toMatchObject({ status: 'ok', hosts: [{ host: 'mx.example.org', kind: 'records' }] });
  expect(result.mtaSts).toMatchObject({ status: 'crit', kind: 'found', mode: 'enforce' });
  expect(result.checks.find(({ status }) => status === 'crit')?.id).toBe('mta-sts.mx');
  const bogus = { ...zone, '_25._tcp.mx.example.org': { TLSA: 'BOGUS' } };
  expect((await checkDomain('example.org', { dns: recordedResolver(bogus), ...world })).dane.status).toBe(
    'crit',
  );
});
