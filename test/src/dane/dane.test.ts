import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDane } from '../../../src/dane/lookup.ts';
import { isSuperseded, tlsaText, whyUnusable } from '../../../src/dane/tlsa.ts';
import { tlsaData, verifyDane } from '../../../src/dane/verify.ts';
import { createStub } from '../../../src/dns/stub.ts';
import { parseResolver } from '../../../src/dns/system.ts';
import type { TlsaRecord } from '../../../src/dns/types.ts';
import { createAuthority, type IssuedCertificate } from '../../../src/lab/certificates.ts';
import { type DnsLab, type LabZone, startDnsServer } from '../../../src/lab/dns-server.ts';
import { type MailLab, startMailServer } from '../../../src/lab/mail-server.ts';
import { needs } from '../../helpers/debian.ts';
import { labProbe, NOW_MS, type ProbeChanges } from '../../helpers/lab.ts';

const DAY_MS = 86_400_000;
const HOST = '127.1.9.1';

/** Certificates of one laboratory: an authority, what it issued, and a stranger. */
type Certificates = Record<'leaf' | 'expired' | 'other-name' | 'domain-name', IssuedCertificate> & {
  readonly root: X509Certificate;
  readonly rootPem: string;
  readonly stranger: X509Certificate;
};

let certificates: Certificates;
const servers = new Map<string, MailLab>();
let dnsServer: DnsLab;

async function makeCertificates(): Promise<Certificates> {
  const authority = await createAuthority('DANE test authority', NOW_MS);
  const stranger = await createAuthority('Another authority', NOW_MS);
  const dates = { notBeforeMs: NOW_MS - 90 * DAY_MS, notAfterMs: NOW_MS - DAY_MS };
  return {
    root: new X509Certificate(authority.certificatePem),
    rootPem: authority.certificatePem,
    stranger: new X509Certificate(stranger.certificatePem),
    leaf: await authority.issue({ names: ['mx.dane.test'] }),
    expired: await authority.issue({ names: ['mx.dane.test'], ...dates }),
    'other-name': await authority.issue({ names: ['mx.elsewhere.test'] }),
    'domain-name': await authority.issue({ names: ['dane.test'] }),
  };
}

beforeAll(async () => {
  certificates = await makeCertificates();
  const { leaf, expired, 'other-name': otherName, 'domain-name': domainName, rootPem } = certificates;
  const whole = { leaf, expired, 'other-name': otherName, 'domain-name': domainName };
  const sent = [
    ...Object.entries(whole).map(
      ([name, each]) => [name, { ...each, chainPem: `${each.chainPem}${rootPem}` }] as const,
    ),
    ['leaf-alone', leaf] as const,
  ];
  for (const [name, certificate] of sent) {
    const options = {
      hostname: 'mx.dane.test',
      habit: 'good',
      certificates: [certificate],
      host: HOST,
    } as const;
    servers.set(name, await startMailServer(options));
  }
  servers.set('none', await startMailServer({ hostname: 'mx.dane.test', habit: 'none', host: HOST }));
  servers.set('alert', await startMailServer({ hostname: 'mx.dane.test', habit: 'close', host: HOST }));
  dnsServer = await startDnsServer({ zone: {} });
});
afterAll(async () => {
  await Promise.all([dnsServer.close(), ...[...servers.values()].map((server) => server.close())]);
});

function record(certUsage: number, selector: number, match: number, of: X509Certificate): TlsaRecord {
  return { certUsage, selector, match, data: tlsaData(of, { selector, match }) };
}

function leafOf(name: 'leaf' | 'expired'): X509Certificate {
  return new X509Certificate(certificates[name].chainPem);
}

/** What stands in the zone, by the usage, selector and matching type, and whose data it is. */
const RECORDS: Readonly<Record<string, () => TlsaRecord>> = {
  '3 1 1': () => record(3, 1, 1, leafOf('leaf')),
  '3 1 2': () => record(3, 1, 2, leafOf('leaf')),
  '3 0 1': () => record(3, 0, 1, leafOf('leaf')),
  '3 0 0': () => record(3, 0, 0, leafOf('leaf')),
  '3 1 0': () => record(3, 1, 0, leafOf('leaf')),
  '3 1 1 of another': () => record(3, 1, 1, certificates.stranger),
  '3 1 2 of another': () => record(3, 1, 2, certificates.stranger),
  '3 1 1 of the expired': () => record(3, 1, 1, leafOf('expired')),
  '3 1 1 of the authority': () => record(3, 1, 1, certificates.root),
  '2 0 1': () => record(2, 0, 1, certificates.root),
  '2 1 1': () => record(2, 1, 1, certificates.root),
  '2 1 2': () => record(2, 1, 2, certificates.root),
  '2 0 0': () => record(2, 0, 0, certificates.root),
  '2 1 0': () => record(2, 1, 0, certificates.root),
  '2 0 1 of another': () => record(2, 0, 1, certificates.stranger),
  '2 1 1 of the leaf': () => record(2, 1, 1, leafOf('leaf')),
  '1 1 1': () => record(1, 1, 1, leafOf('leaf')),
  '0 0 1': () => record(0, 0, 1, certificates.root),
  'a short digest': () => ({ certUsage: 3, selector: 1, match: 1, data: 'abcd' }),
};

function recordsOf(names: readonly string[]): TlsaRecord[] {
  return names.map((name) => {
    const make = RECORDS[name];
    if (!make) throw new Error(`no record ${name}`);
    return make();
  });
}

type Case = readonly [records: readonly string[], server: string, result: string, reason: RegExp | null];

const CASES: readonly Case[] = [
  [['3 1 1'], 'leaf', 'authenticated', null],
  [['3 1 2'], 'leaf', 'authenticated', null],
  [['3 0 1'], 'leaf', 'authenticated', null],
  [['3 0 0'], 'leaf', 'authenticated', null],
  [['3 1 0'], 'leaf', 'authenticated', null],
  [['3 1 1 of another'], 'leaf', 'mismatch', /no TLSA record matches/],
  // RFC 7672 §3.1.1: neither name nor dates count for usage 3.
  [['3 1 1 of the expired'], 'expired', 'authenticated', null],
  [['3 1 1 of the authority'], 'leaf', 'mismatch', /no TLSA record matches/],
  // Two records for a rollover: one of them is enough.
  [['3 1 1 of another', '3 1 1'], 'leaf', 'authenticated', null],
  [['2 0 1'], 'leaf', 'authenticated', null],
  [['2 1 1'], 'leaf', 'authenticated', null],
  [['2 1 2'], 'leaf', 'authenticated', null],
  [['2 0 0'], 'leaf', 'authenticated', null],
  // RFC 7671 §5.2: the authority has to be sent, or given in full.
  [['2 0 1'], 'leaf-alone', 'mismatch', /no TLSA record matches/],
  [['2 0 0'], 'leaf-alone', 'authenticated', null],
  [['2 1 0'], 'leaf-alone', 'authenticated', null],
  [['2 0 1'], 'other-name', 'mismatch', /is for none of mx\.dane\.test, dane\.test/],
  // RFC 7672 §3.2.2: the next-hop domain is as good as the host.
  [['2 0 1'], 'domain-name', 'authenticated', null],
  [['2 0 1'], 'expired', 'mismatch', /expired on/],
  [['2 0 1 of another'], 'leaf', 'mismatch', /no TLSA record matches/],
  [['2 1 1 of the leaf'], 'leaf', 'mismatch', /no TLSA record matches/],
  // Digest agility: the SHA-256 that would match is passed over (RFC 7672 §5).
  [['3 1 1', '3 1 2 of another'], 'leaf', 'mismatch', /no TLSA record matches/],
  [['1 1 1'], 'leaf', 'unusable', /no TLSA record is usable/],
  [['0 0 1'], 'leaf', 'unusable', /no TLSA record is usable/],
  [['a short digest'], 'leaf', 'unusable', /no TLSA record is usable/],
  [['1 1 1', '3 1 1'], 'leaf', 'authenticated', null],
  [['a short digest', '3 1 1 of another'], 'leaf', 'mismatch', /no TLSA record matches/],
];

/** A domain whose zone and whose exchanger's are signed, as the cases need it. */
function zoneOf(records: readonly TlsaRecord[], more: LabZone = {}): LabZone {
  return {
    'dane.test': { MX: [{ preference: 10, exchange: 'mx.dane.test' }], secure: true },
    'mx.dane.test': { A: [HOST] },
    ...(records.length > 0 && { '_25._tcp.mx.dane.test': { TLSA: records } }),
    ...more,
  };
}

async function probe(zone: LabZone, server: string, changes: ProbeChanges = {}, domain = 'dane.test') {
  dnsServer.setZone(zone);
  const { port = 0 } = servers.get(server) ?? {};
  const dns = createStub({
    servers: [parseResolver(`127.0.0.1:${dnsServer.port}`)],
    timeoutMs: 1500,
    cacheSize: 0,
  });
  try {
    return await labProbe({ dns, port, caPem: certificates.rootPem }, domain, changes);
  } finally {
    dns.close();
  }
}

/** Another implementation on the same kind of connection. */
function openssl(args: readonly string[]): Promise<{ status: number | null; stderr: string }> {
  const common = ['-starttls', 'smtp', '-name', 'client.example', '-brief', '-verify_return_error'];
  const child = spawn('openssl', ['s_client', ...common, '-dane_ee_no_namechecks', ...args]);
  const deadline = setTimeout(() => child.kill(), 10_000);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => undefined).end('QUIT\r\n');
  return new Promise((resolve) =>
    child.on('close', (status) => {
      clearTimeout(deadline);
      resolve({ status, stderr });
    }),
  );
}

describe('what a server presents against what the DNS says', () => {
  test.for(CASES)('%j, %s: %s', async ([names, server, result, reason]) => {
    const probed = await probe(zoneOf(recordsOf(names)), server);
    const address = probed.hosts[0]?.addresses[0];
    expect(address?.dane?.result).toBe(result);
    if (reason) expect(address?.dane?.reason).toMatch(reason);
    expect(probed.status).toBe({ authenticated: 'ok', unusable: 'warn', mismatch: 'crit' }[result]);
  });

  // OpenSSL's own implementation on the same connection. It takes usages 0 and 1 as well, which SMTP does not.
  const comparable = CASES.filter(
    ([names, , result]) => result !== 'unusable' && !names.some((name) => /^[01a]/.test(name)),
  );
  test.for(comparable)('openssl s_client agrees: %j, %s: %s', async ([names, server, result], context) => {
    needs(context, 'openssl', 'openssl');
    const { port } = servers.get(server) ?? {};
    const data = recordsOf(names).flatMap((each) => ['-dane_tlsa_rrdata', tlsaText(each)]);
    // It takes one name only; that of the next-hop domain is the second that will do.
    const name = server === 'domain-name' ? 'dane.test' : 'mx.dane.test';
    const { status, stderr } = await openssl([
      '-connect',
      `${HOST}:${port}`,
      '-dane_tlsa_domain',
      name,
      ...data,
    ]);
    expect(status === 0 ? 'authenticated' : 'mismatch', stderr).toBe(result);
  });
});

describe('when DANE applies', () => {
  const matching = () => recordsOf(['3 1 1']);
  const wrong = () => recordsOf(['3 1 1 of another']);

  test('TLSA without TLS is critical, and senders that follow DANE do not deliver', async () => {
    for (const server of ['none', 'alert']) {
      const { status, hosts, senders } = await probe(zoneOf(matching()), server);
      expect(status).toBe('crit');
      expect(hosts[0]?.addresses[0]?.checks.map(({ id }) => id)).toContain('dane.starttls');
      expect(senders.find(({ sender }) => sender === 'dane')?.outcome).toBe('deferred');
      expect(senders.find(({ sender }) => sender === 'opportunistic')?.outcome).toBe('plaintext');
    }
  });

  test.for([
    ['matching', matching, 'encrypted', 'encrypted'],
    ['wrong', wrong, 'deferred', 'deferred'],
    ['unusable', () => recordsOf(['1 1 1']), 'encrypted', 'deferred'],
    ['none', () => [], 'encrypted', 'deferred'],
  ] as const)('senders with %s records', async ([, records, dane, only]) => {
    const { senders } = await probe(zoneOf(records()), 'leaf');
    const outcome = (name: string) => senders.find(({ sender }) => sender === name)?.outcome;
    expect([outcome('dane'), outcome('dane-only')]).toEqual([dane, only]);
  });

  test('an unsigned zone is not asked for TLSA at all', async () => {
    const zone = { ...zoneOf(wrong()), 'dane.test': { MX: [{ preference: 10, exchange: 'mx.dane.test' }] } };
    const before = dnsServer.queries.length;
    const { status, hosts } = await probe(zone, 'leaf');
    expect([status, hosts[0]?.dane.kind]).toEqual(['ok', 'not-secure']);
    expect(dnsServer.queries.slice(before).some(({ type }) => type === 'TLSA')).toBe(false);
  });

  test('an unsigned domain with a signed exchanger authenticates the host alone, and that is said', async () => {
    const zone = zoneOf(matching(), {
      'dane.test': { MX: [{ preference: 10, exchange: 'mx.dane.test' }], secure: false },
      'mx.dane.test': { A: [HOST], secure: true },
      '_25._tcp.mx.dane.test': { TLSA: matching(), secure: true },
    });
    const { hosts, checks } = await probe(zone, 'leaf');
    expect(hosts[0]?.dane).toMatchObject({ kind: 'records', mxSecure: false });
    expect(checks.map(({ id }) => id)).toContain('dane.mx');
  });

  test.for([
    ['SERVFAIL', 'unknown', 'dane.tlsa.lookup'],
    ['silent', 'unknown', 'dane.tlsa.lookup'],
    ['bogus', 'crit', 'dns.bogus'],
  ] as const)('a look-up that ends with %s is no absence', async ([habit, status, check]) => {
    const zone = zoneOf(matching(), { '_25._tcp.mx.dane.test': { habit, TLSA: matching() } });
    const result = await probe(zone, 'leaf');
    expect(result.status).toBe(status);
    expect(result.checks.map(({ id }) => id)).toContain(check);
    expect(result.senders.find(({ sender }) => sender === 'dane')?.outcome).toBe('deferred');
  });

  test('TLSA at the end of a signed alias counts first, then at its beginning (RFC 7672 §2.2.3)', async () => {
    const alias = { 'mx.dane.test': { CNAME: ['real.dane.test'] }, 'real.dane.test': { A: [HOST] } };
    const atEnd = await probe(
      zoneOf(wrong(), { ...alias, '_25._tcp.real.dane.test': { TLSA: matching() } }),
      'leaf',
    );
    expect(atEnd.hosts[0]?.dane.name).toBe('_25._tcp.real.dane.test');
    expect(atEnd.hosts[0]?.addresses[0]?.dane?.result).toBe('authenticated');
    const atBeginning = await probe(zoneOf(matching(), alias), 'leaf');
    expect(atBeginning.hosts[0]?.dane.name).toBe('_25._tcp.mx.dane.test');
    expect(atBeginning.hosts[0]?.addresses[0]?.dane?.result).toBe('authenticated');
  });

  test('a signed alias into an unsigned zone is asked for at its own name', async () => {
    const zone = zoneOf(matching(), {
      'mx.dane.test': { CNAME: ['mx.unsigned.test'] },
      'mx.unsigned.test': { A: [HOST] },
    });
    const { hosts } = await probe(zone, 'leaf');
    expect(hosts[0]?.dane).toMatchObject({ kind: 'records', name: '_25._tcp.mx.dane.test' });
  });

  test('a resolver that cannot be believed leaves it open, and neither found nor absent', async () => {
    dnsServer.setZone(zoneOf(matching()));
    const stub = createStub({ servers: [parseResolver(`127.0.0.1:${dnsServer.port}`)], cacheSize: 0 });
    const dns = {
      resolve: async (...question: Parameters<typeof stub.resolve>) => ({
        ...(await stub.resolve(...question)),
        dnssec: 'untrusted' as const,
      }),
    } as typeof stub;
    const { port = 0 } = servers.get('leaf') ?? {};
    const { hosts, senders } = await labProbe({ dns, port, caPem: certificates.rootPem }, 'dane.test');
    stub.close();
    expect(hosts[0]?.dane).toMatchObject({ kind: 'not-secure', dnssec: 'untrusted' });
    expect(senders.find(({ sender }) => sender === 'dane')?.outcome).toBe('unknown');
  });

  test('the name of the records has the port, or the one that is given', async () => {
    const zone = zoneOf([], { '_2525._tcp.mx.dane.test': { TLSA: matching() } });
    const { hosts } = await probe(zone, 'leaf', { tlsaPort: 2525 });
    expect(hosts[0]?.addresses[0]?.dane?.result).toBe('authenticated');
  });
});

describe('records by themselves', () => {
  const digest = 'ab'.repeat(32);
  test.for([
    [{ certUsage: 3, selector: 1, match: 1, data: digest }, undefined],
    [{ certUsage: 2, selector: 0, match: 2, data: 'ab'.repeat(64) }, undefined],
    [{ certUsage: 1, selector: 1, match: 1, data: digest }, 'usage 1 is not for SMTP'],
    [{ certUsage: 4, selector: 1, match: 1, data: digest }, 'usage 4 is not known'],
    [{ certUsage: 3, selector: 2, match: 1, data: digest }, 'selector 2 is not known'],
    [{ certUsage: 3, selector: 1, match: 3, data: digest }, 'matching type 3 is not known'],
    [{ certUsage: 3, selector: 1, match: 2, data: digest }, 'its digest has 32 bytes, not 64'],
    [{ certUsage: 3, selector: 1, match: 0, data: '' }, 'it holds no data'],
  ] as const)('%j: %s', ([tlsa, reason]) => {
    expect(whyUnusable(tlsa)).toBe(reason);
  });

  test('a malformed stronger digest supersedes nothing', () => {
    const weak = { certUsage: 3, selector: 1, match: 1, data: digest };
    expect(isSuperseded(weak, [weak, { ...weak, match: 2, data: 'ab' }])).toBe(false);
    expect(isSuperseded(weak, [weak, { ...weak, match: 2, data: 'ab'.repeat(64) }])).toBe(true);
    expect(isSuperseded(weak, [weak, { ...weak, certUsage: 2, match: 2, data: 'ab'.repeat(64) }])).toBe(
      false,
    );
  });

  test('bytes that are no certificate match nothing and throw nothing', () => {
    const tlsa = { certUsage: 2, selector: 0, match: 0, data: 'deadbeef' };
    const chain = [Buffer.from('no certificate')];
    expect(verifyDane([tlsa], { chain, names: ['mx.test'], nowMs: NOW_MS }).result).toBe('mismatch');
    expect(verifyDane([tlsa], { chain: [], names: [], nowMs: NOW_MS }).result).toBe('mismatch');
  });

  test('data in capital letters is the same data', () => {
    const leaf = leafOf('leaf');
    const data = createHash('sha256').update(leaf.raw).digest('hex').toUpperCase();
    const peer = { chain: [leaf.raw], names: ['mx.dane.test'], nowMs: NOW_MS };
    expect(verifyDane([{ certUsage: 3, selector: 0, match: 1, data }], peer).result).toBe('authenticated');
  });

  test('a host without any address is not asked for records', async () => {
    dnsServer.setZone({ 'x.test': { secure: true } });
    const dns = createStub({ servers: [parseResolver(`127.0.0.1:${dnsServer.port}`)], cacheSize: 0 });
    const answers = [await dns.resolve('gone.x.test', 'A')];
    const found = await findDane({ host: 'gone.x.test', answers, mxDnssec: 'secure' }, 25, dns);
    dns.close();
    expect(found.kind).toBe('none');
  });
});
