import { describe, expect, test } from 'vitest';
import { applyRequirements, parseRequirements } from '../../../src/mx/require.ts';
import type { MxAddressResult, MxProbeResult } from '../../../src/schema/mx-probe.ts';

const NOW_MS = Date.UTC(2026, 10, 24);

const good: MxAddressResult = {
  ip: '192.0.2.1',
  port: 25,
  status: 'ok',
  phase: 'ehlo-tls',
  fault: null,
  refusedForGood: false,
  starttls: 'offered',
  offers: null,
  certificatesByKey: null,
  dane: null,
  resultType: null,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', group: 'X25519MLKEM768', postQuantum: true },
  certificate: {
    subject: 'CN=mx.example.org',
    issuer: 'CN=CA',
    names: ['mx.example.org'],
    notBefore: '2026-11-01T00:00:00Z',
    notAfter: '2026-12-24T00:00:00Z',
    key: 'EC prime256v1',
    signature: 'ecdsa-with-SHA256',
    sha256: 'a'.repeat(64),
    spkiSha256: 'b'.repeat(64),
    trusted: true,
    distrust: null,
    selfSigned: false,
    coversHost: true,
  },
  versions: null,
  intrusive: null,
  iprev: null,
  banner: 'mx',
  extensions: [],
  extensionsInTls: [],
  elapsedMs: 1,
  checks: [],
};
const weak: MxAddressResult = {
  ...good,
  tls: { version: 'TLSv1.2', cipher: 'X', group: 'X25519', postQuantum: false },
};
const none: MxAddressResult = { ...good, starttls: 'not-offered', tls: null, certificate: null };
const silent: MxAddressResult = {
  ...none,
  starttls: 'unknown',
  fault: { phase: 'banner', kind: 'timeout', message: 'x' },
};
const noIpv6: MxAddressResult = { ...silent, fault: { phase: 'connect', kind: 'no-route', message: 'x' } };
const untrusted: MxAddressResult = {
  ...good,
  certificate: good.certificate && { ...good.certificate, trusted: false },
};

const matched: MxAddressResult = { ...good, dane: { result: 'authenticated', reason: null, records: [] } };
const mismatch: MxAddressResult = { ...good, dane: { result: 'mismatch', reason: 'x', records: [] } };
const kept: MxAddressResult = { ...good, checks: [{ id: 'mta-sts.cert', status: 'ok', message: 'x' }] };

const dane = { name: null, dnssec: 'secure', mxSecure: null, reason: null, records: [] } as const;
const sts = { id: '1', maxAgeSeconds: 1, mx: [], source: 'fetched', resultType: null, reason: null } as const;

function result(...addresses: MxAddressResult[]): MxProbeResult {
  return {
    target: 'example.org',
    status: 'warn',
    summary: 'Summary.',
    checks: [],
    domain: 'example.org',
    exchangers: { kind: 'listed', hosts: ['mx.example.org'], dnssec: 'insecure' },
    mtaSts: { kind: 'found', mode: 'enforce', ...sts },
    tlsRpt: null,
    senders: [],
    hosts: [
      {
        host: 'mx.example.org',
        preference: 1,
        cnames: [],
        status: 'warn',
        addresses,
        dnssec: 'secure',
        dane: { kind: 'records', ...dane },
      },
    ],
  };
}

describe('what is required', () => {
  test.for([
    ['starttls', [good, weak], 'ok'],
    ['starttls', [good, none], 'crit'],
    ['starttls', [good, silent], 'unknown'],
    ['starttls', [none, silent], 'crit'],
    ['starttls', [good, noIpv6], 'ok'],
    ['starttls', [], 'unknown'],
    ['tls1.2', [good, weak], 'ok'],
    ['tls1.3', [good, weak], 'crit'],
    ['cert', [good], 'ok'],
    ['dane', [matched], 'ok'],
    ['dane', [matched, good], 'crit'],
    ['dane', [mismatch], 'crit'],
    ['dane', [silent], 'unknown'],
    ['mta-sts', [kept], 'ok'],
    ['mta-sts', [kept, good], 'crit'],
    ['cert', [good, untrusted], 'crit'],
    ['pq', [good], 'ok'],
    ['pq', [weak], 'crit'],
    ['expiry=21d', [good], 'ok'],
    ['expiry=31', [good], 'crit'],
    ['starttls, tls1.2,cert', [good, weak], 'ok'],
    ['starttls,tls1.3', [good, weak], 'crit'],
  ] as const)('%s', ([text, addresses, status]) => {
    const judged = applyRequirements(result(...addresses), parseRequirements(text), NOW_MS);
    expect(judged.status).toBe(status);
    expect(judged.checks.map(({ id }) => id)).toContain(`require.${text.split(/[=,]/)[0]}`);
  });

  test('decides alone: findings that nobody asked about do not fail', () => {
    expect(applyRequirements(result(good), parseRequirements('starttls'), NOW_MS).status).toBe('ok');
    expect(applyRequirements(result(good), [], NOW_MS).status).toBe('warn');
  });

  test('names the addresses that lack it', () => {
    const judged = applyRequirements(
      result(good, { ...none, ip: '192.0.2.9' }),
      parseRequirements('starttls'),
      NOW_MS,
    );
    expect(judged.checks[0]).toMatchObject({ evidence: 'mx.example.org [192.0.2.9]' });
    expect(judged.summary).toContain('Required and not met: STARTTLS that works.');
  });
});

test.for(['', 'ssl', 'starttls,', 'expiry', 'expiry=soon', 'tls1.1'])('%j cannot be required', (text) => {
  expect(() => parseRequirements(text)).toThrow(expect.objectContaining({ exit: 64 }));
});

describe('what the DNS did not tell leaves a demand open', () => {
  const whole = result(matched);
  test.for([
    ['dane', 'failed', 'secure'],
    ['dane', 'not-secure', 'untrusted'],
  ] as const)('%s, look-up %s, state %s', ([demand, kind, dnssec]) => {
    const hosts = whole.hosts.map((host) => ({ ...host, dane: { ...dane, kind, dnssec } }));
    const judged = applyRequirements({ ...whole, hosts }, parseRequirements(demand), NOW_MS);
    expect(judged.status).toBe('unknown');
  });

  test('an MTA-STS policy that could not be looked up', () => {
    const mtaSts = { ...sts, kind: 'unknown', mode: null } as const;
    expect(applyRequirements({ ...whole, mtaSts }, parseRequirements('mta-sts'), NOW_MS).status).toBe(
      'unknown',
    );
  });

  test('a policy in mode testing does not do', () => {
    const mtaSts = { ...sts, kind: 'found', mode: 'testing' } as const;
    expect(applyRequirements({ ...result(kept), mtaSts }, parseRequirements('mta-sts'), NOW_MS).status).toBe(
      'crit',
    );
  });
});
