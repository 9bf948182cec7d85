import { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tlsaData } from '../../src/dane/verify.ts';
import { createAuthority } from '../../src/lab/certificates.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import { isInstalled, needs } from '../helpers/debian.ts';
import { root } from '../helpers/run.ts';
import { createNamespace, type Namespace, whyNoNamespace } from './namespace.ts';
import { startPostfixIn } from './postfix.ts';
import { startSignedZones, type Zones } from './signed-zones.ts';

/**
 * Our verdict on DANE beside that of Postfix's own client, posttls-finger, through the same validating resolver, on
 * the same servers: Postfix where Postfix can behave so, servers of the laboratory where it cannot.
 *
 * The two differ in how much they say, never in what a sender would do:
 * - "Untrusted" is its one word for records that do not match, for records that are no use, and for no DANE at all
 *   with a certificate that nobody vouches for. We say mismatch (critical), unusable (a warning: TLS is still
 *   demanded) and nothing about DANE.
 * - "Trusted" is its word for a host that matches when the MX records that name it are not signed. We say that the
 *   host is authenticated, and that the choice of it is not (`dane.mx`).
 * - It is silent where STARTTLS is not offered, and exits with 0 whatever it met. We say that mail does not arrive.
 * - It connects to an MX that is an address with a warning; so do we, and call it critical because others refuse it.
 */

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const AUTHORITATIVE = '127.0.53.1';
const RESOLVER = '127.0.53.2';

/** Which address does what. */
const SERVERS = {
  good: '127.0.25.1',
  otherName: '127.0.25.2',
  expired: '127.0.25.3',
  noTls: '127.0.25.4',
  greets450: '127.0.25.5',
  noCertificate: '127.0.25.6',
  leafAlone: '127.0.25.7',
  garbage: '127.0.25.20',
  closes: '127.0.25.21',
  greets421: '127.0.25.22',
} as const;

const DIGEST = '00'.repeat(32);

/** Data of the records, known when the certificates are made. */
type Digests = Readonly<Record<string, string>>;

type Case = {
  readonly about: string;
  /** Label under lab.test; the exchanger is mx.<label>.lab.test. */
  readonly label: string;
  readonly server?: keyof typeof SERVERS;
  /** TLSA records of the exchanger, their data by name. */
  readonly tlsa?: readonly string[];
  /** Lines of the zone instead of those of an ordinary domain. */
  readonly zone?: readonly string[];
  /** Domain asked, where it is not the label under lab.test. */
  readonly domain?: string;
  /** What posttls-finger says. */
  readonly finger: RegExp;
  /** What we say: verdict on the address, check that decides, its status. */
  readonly ours: {
    readonly dane: 'authenticated' | 'mismatch' | 'unusable' | null;
    readonly reason?: RegExp;
    readonly check: string;
    readonly status: MxProbeResult['status'];
  };
};

const VERIFIED = /Verified TLS connection established/;
const authenticated = { dane: 'authenticated', check: 'dane.tlsa.match', status: 'ok' } as const;
const mismatch = { dane: 'mismatch', check: 'dane.tlsa.match', status: 'crit' } as const;
const NO_MATCH = /no matching DANE TLSA records[\s\S]*Untrusted TLS connection/;

const CASES: readonly Case[] = [
  // Usage 3: the key or certificate itself.
  ...['3 1 1 spki', '3 1 2 spki512', '3 0 1 cert', '3 0 0 certFull', '3 1 0 spkiFull'].map(
    (record, index) => ({
      about: `${record.slice(0, 5)} of the server`,
      label: `ee${index}`,
      server: 'good' as const,
      tlsa: [record],
      finger: VERIFIED,
      ours: authenticated,
    }),
  ),
  {
    about: '3 1 1 of another key',
    label: 'wrong',
    server: 'good',
    tlsa: ['3 1 1 nothing'],
    finger: NO_MATCH,
    ours: { ...mismatch, reason: /no TLSA record matches/ },
  },
  {
    about: '3 1 1 of a certificate for another name',
    label: 'eename',
    server: 'otherName',
    tlsa: ['3 1 1 otherNameSpki'],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: '3 1 1 of an expired certificate',
    label: 'eeexpired',
    server: 'expired',
    tlsa: ['3 1 1 expiredSpki'],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'two records for a rollover, one of which matches',
    label: 'rollover',
    server: 'good',
    tlsa: ['3 1 1 nothing', '3 1 1 spki'],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'a stronger digest that does not match beside a weaker one that does',
    label: 'agility',
    server: 'good',
    tlsa: ['3 1 1 spki', '3 1 2 nothing512'],
    finger: NO_MATCH,
    ours: { ...mismatch, reason: /no TLSA record matches/ },
  },
  // Usage 2: an authority.
  ...['2 0 1 ca', '2 1 1 caSpki', '2 0 0 caFull', '2 1 0 caSpkiFull'].map((record, index) => ({
    about: `${record.slice(0, 5)} of the authority`,
    label: `ta${index}`,
    server: 'good' as const,
    tlsa: [record],
    finger: VERIFIED,
    ours: authenticated,
  })),
  {
    about: '2 0 1, and the certificate is for another name',
    label: 'taname',
    server: 'otherName',
    tlsa: ['2 0 1 ca'],
    finger: /hostname mismatch[\s\S]*Untrusted TLS connection/i,
    ours: { ...mismatch, reason: /is for none of mx\.taname\.lab\.test, taname\.lab\.test/ },
  },
  {
    about: '2 0 1, and the certificate has expired',
    label: 'taexpired',
    server: 'expired',
    tlsa: ['2 0 1 ca'],
    finger: /certificate has expired[\s\S]*Untrusted TLS connection/,
    ours: { ...mismatch, reason: /expired on/ },
  },
  {
    about: '2 0 1, and the authority is not sent',
    label: 'taunsent',
    server: 'leafAlone',
    tlsa: ['2 0 1 ca'],
    finger: /Untrusted TLS connection/,
    ours: { ...mismatch, reason: /no TLSA record matches/ },
  },
  {
    about: '2 0 0, and the authority is not sent: the record holds it',
    label: 'tafull',
    server: 'leafAlone',
    tlsa: ['2 0 0 caFull'],
    finger: VERIFIED,
    ours: authenticated,
  },
  // What is no use for SMTP.
  {
    about: 'only 1 1 1',
    label: 'usage1',
    server: 'good',
    tlsa: ['1 1 1 spki'],
    finger: /unsupported TLSA certificate usage[\s\S]*Untrusted TLS connection/,
    ours: { dane: 'unusable', check: 'dane.tlsa.usable', status: 'warn' },
  },
  {
    about: 'only a digest that is too short',
    label: 'short',
    server: 'good',
    tlsa: ['3 1 1 short'],
    finger: /Untrusted TLS connection/,
    ours: { dane: 'unusable', check: 'dane.tlsa.usable', status: 'warn' },
  },
  {
    about: '1 1 1 beside 3 1 1',
    label: 'mixed',
    server: 'good',
    tlsa: ['1 1 1 spki', '3 1 1 spki'],
    finger: VERIFIED,
    ours: authenticated,
  },
  // Where the DNS does not say it all.
  {
    about: 'MX records that are not signed, of a host that is',
    label: 'insecuremx',
    domain: 'insecure.test',
    server: 'good',
    tlsa: ['3 1 1 spki'],
    finger: /MX RRset insecure: log verified as trusted[\s\S]*Trusted TLS connection/,
    ours: { dane: 'authenticated', check: 'dane.mx', status: 'ok' },
  },
  {
    about: 'a domain that is not signed at all',
    label: 'insecure',
    domain: 'plain.insecure.test',
    server: 'good',
    finger: /Untrusted TLS connection/,
    ours: { dane: null, check: 'dane.tlsa.records', status: 'ok' },
  },
  {
    about: 'a signed host without TLSA records',
    label: 'notlsa',
    server: 'good',
    finger: /Untrusted TLS connection/,
    ours: { dane: null, check: 'dane.tlsa.records', status: 'ok' },
  },
  {
    about: 'signatures that do not validate',
    label: 'bogus',
    domain: 'bogus.test',
    finger: /Host not found, try again/,
    ours: { dane: null, check: 'dns.bogus', status: 'crit' },
  },
  {
    about: 'TLSA records that do not validate',
    label: 'bogustlsa',
    server: 'good',
    zone: [
      'bogustlsa MX 10 mx.bogustlsa',
      'mx.bogustlsa A good',
      '_25._tcp.mx.bogustlsa CNAME mx.bogus.test.',
    ],
    finger: /TLSA lookup error/,
    ours: { dane: null, check: 'dns.bogus', status: 'crit' },
  },
  {
    about: 'a null MX',
    label: 'null',
    zone: ['null MX 0 .'],
    finger: /does not accept mail/,
    ours: { dane: null, check: 'dns.mx.null', status: 'ok' },
  },
  {
    about: 'no MX: the domain itself',
    label: 'implicit',
    zone: ['implicit A good', '_25._tcp.implicit TLSA 3 1 1 spki'],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'an MX that is an alias, TLSA at its target',
    label: 'alias',
    zone: [
      'alias MX 10 mx.alias',
      'mx.alias CNAME real.alias',
      'real.alias A good',
      '_25._tcp.real.alias TLSA 3 1 1 spki',
    ],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'an MX that is an alias, TLSA at the alias',
    label: 'alias2',
    zone: [
      'alias2 MX 10 mx.alias2',
      'mx.alias2 CNAME real.alias2',
      'real.alias2 A good',
      '_25._tcp.mx.alias2 TLSA 3 1 1 spki',
    ],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'an MX that is an alias, TLSA that does not match at its target, and one that does at the alias',
    label: 'alias3',
    zone: [
      'alias3 MX 10 mx.alias3',
      'mx.alias3 CNAME real.alias3',
      'real.alias3 A good',
      '_25._tcp.real.alias3 TLSA 3 1 1 nothing',
      '_25._tcp.mx.alias3 TLSA 3 1 1 spki',
    ],
    finger: NO_MATCH,
    ours: mismatch,
  },
  {
    about: 'an MX that is an alias into an unsigned zone, TLSA at the alias',
    label: 'alias4',
    zone: [
      'alias4 MX 10 mx.alias4',
      'mx.alias4 CNAME mx.plain.insecure.test.',
      '_25._tcp.mx.alias4 TLSA 3 1 1 spki',
    ],
    finger: VERIFIED,
    ours: authenticated,
  },
  {
    about: 'an MX that is an address',
    label: 'literal',
    zone: [`literal MX 10 ${SERVERS.good}.`],
    finger: /numeric domain name[\s\S]*Untrusted TLS connection/,
    ours: { dane: null, check: 'dns.mx.literal', status: 'crit' },
  },
  // Where the server does not play.
  {
    about: 'records, and STARTTLS is not offered',
    label: 'notls',
    server: 'noTls',
    tlsa: ['3 1 1 spki'],
    // It says nothing about TLS at all, whatever it is asked to log.
    finger: /^(?![\s\S]*TLS connection established)/,
    ours: { dane: null, check: 'dane.starttls', status: 'crit' },
  },
  {
    about: 'records, and STARTTLS is answered with 454: no certificate',
    label: 'nocert',
    server: 'noCertificate',
    tlsa: ['3 1 1 spki'],
    finger: /454 4\.7\.0 TLS not available/,
    ours: { dane: null, check: 'dane.starttls', status: 'crit' },
  },
  {
    about: 'records, and bytes that are not TLS after STARTTLS',
    label: 'garbage',
    server: 'garbage',
    tlsa: ['3 1 1 spki'],
    finger: /wrong version number|SSL_connect error/,
    ours: { dane: null, check: 'dane.starttls', status: 'crit' },
  },
  {
    about: 'records, and the connection is closed after STARTTLS',
    label: 'closes',
    server: 'closes',
    tlsa: ['3 1 1 spki'],
    finger: /lost connection/,
    ours: { dane: null, check: 'dane.starttls', status: 'crit' },
  },
  {
    about: 'a greeting of 450',
    label: 'greets450',
    server: 'greets450',
    tlsa: ['3 1 1 spki'],
    finger: /450 4\.7\.1/,
    ours: { dane: null, check: 'smtp.banner', status: 'unknown' },
  },
  {
    about: 'a greeting of 421',
    label: 'greets421',
    server: 'greets421',
    tlsa: ['3 1 1 spki'],
    finger: /421 4\.3\.2/,
    ours: { dane: null, check: 'smtp.banner', status: 'unknown' },
  },
];

/** The zones, names of addresses and digests replaced by what they stand for. */
function zonesFor(digests: Digests): Zones {
  const filled = (line: string) =>
    line
      .replace(/ A (\w+)$/, (_, name: keyof typeof SERVERS) => ` A ${SERVERS[name]}`)
      .replace(/( TLSA \d \d \d) (\w+)$/, (_, head, name) => `${head} ${digests[name]}`);
  const lines = CASES.flatMap(({ label, server, tlsa = [], zone, domain }) => {
    if (zone) return zone;
    if (server === undefined || domain?.startsWith('plain.')) return [];
    return [
      `${label} MX 10 mx.${label}`,
      `mx.${label} A ${server}`,
      ...tlsa.map((record) => `_25._tcp.mx.${label} TLSA ${record}`),
    ];
  });
  return {
    'lab.test': lines.map(filled),
    'insecure.test': ['@ MX 10 mx.insecuremx.lab.test.', 'plain MX 10 mx.plain', 'mx.plain A good'].map(
      filled,
    ),
    'bogus.test': ['@ MX 10 mx', 'mx A good'].map(filled),
  };
}

let namespace: Namespace | undefined;
let stopPostfix: (() => Promise<void>) | undefined;
let caFile: string;

async function startEverything(): Promise<void> {
  const authority = await createAuthority('DANE peer authority', NOW_MS);
  const ca = new X509Certificate(authority.certificatePem);
  const good = await authority.issue({ names: CASES.map(({ label }) => `mx.${label}.lab.test`) });
  const otherName = await authority.issue({ names: ['mx.elsewhere.test'] });
  const dates = { notBeforeMs: NOW_MS - 90 * DAY_MS, notAfterMs: NOW_MS - DAY_MS };
  const expired = await authority.issue({
    names: ['mx.eeexpired.lab.test', 'mx.taexpired.lab.test'],
    ...dates,
  });
  const leaf = new X509Certificate(good.chainPem);
  const data = (of: X509Certificate, selector: number, match: number) => tlsaData(of, { selector, match });
  const digests: Digests = {
    nothing: DIGEST,
    nothing512: DIGEST + DIGEST,
    short: 'abcd',
    spki: data(leaf, 1, 1),
    spki512: data(leaf, 1, 2),
    cert: data(leaf, 0, 1),
    certFull: data(leaf, 0, 0),
    spkiFull: data(leaf, 1, 0),
    otherNameSpki: otherName.spkiSha256,
    expiredSpki: expired.spkiSha256,
    ca: data(ca, 0, 1),
    caSpki: data(ca, 1, 1),
    caFull: data(ca, 0, 0),
    caSpkiFull: data(ca, 1, 0),
  };
  const whole = <C extends { chainPem: string }>(certificate: C) => ({
    ...certificate,
    chainPem: `${certificate.chainPem}${authority.certificatePem}`,
  });
  const folder = mkdtempSync(join(tmpdir(), 'postern-dane-'));
  caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.certificatePem);
  const resolvConf = `nameserver ${RESOLVER}\noptions edns0 trust-ad\n`;
  namespace = createNamespace([AUTHORITATIVE, RESOLVER, ...Object.values(SERVERS)], resolvConf);
  const at = (name: keyof typeof SERVERS) => ({ host: SERVERS[name], port: 25 });
  const habits = [
    `garbage@${SERVERS.garbage}`,
    `close-after-220@${SERVERS.closes}`,
    `greet-421@${SERVERS.greets421}`,
  ];
  const script = fileURLToPath(new URL('lab-servers.ts', import.meta.url));
  const lab = namespace.start([process.execPath, script, '25', ...habits]);
  stopPostfix = await startPostfixIn(namespace, [
    { ...at('good'), certificate: whole(good) },
    { ...at('otherName'), certificate: whole(otherName) },
    { ...at('expired'), certificate: whole(expired) },
    { ...at('leafAlone'), certificate: good },
    { ...at('noTls'), settings: ['smtpd_tls_security_level=none'] },
    {
      ...at('greets450'),
      settings: [
        'smtpd_delay_reject=no',
        '{smtpd_client_restrictions=check_client_access static:{450 4.7.1 Later}}',
      ],
    },
    at('noCertificate'),
  ]);
  await startSignedZones(namespace, zonesFor(digests), {
    folder,
    authoritative: AUTHORITATIVE,
    resolver: RESOLVER,
  });
  await namespace.untilListening(SERVERS.greets421, 25, lab);
}

beforeAll(async () => {
  const programs = ['postfix', 'posttls-finger', 'unbound', 'knotd', 'kdig'];
  if (whyNoNamespace() === undefined && programs.every(isInstalled)) await startEverything();
});

afterAll(async () => {
  await stopPostfix?.();
  await namespace?.close();
});

beforeEach((context) => {
  needs(context, 'postfix', 'postfix');
  needs(context, 'posttls-finger', 'postfix');
  needs(context, 'unbound', 'unbound');
  needs(context, 'knotd', 'knot');
  needs(context, 'kdig', 'knot-dnsutils');
  const reason = whyNoNamespace();
  if (reason === undefined) return;
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error(reason);
  context.skip(reason);
});

describe('posttls-finger -l dane and we agree on', () => {
  test.for(CASES)('$about', async ({ label, domain = `${label}.lab.test`, finger, ours }) => {
    const lab = namespace ?? expect.unreachable();
    const said = await lab.run(['posttls-finger', '-c', '-l', 'dane', '-L', 'summary', domain]);
    const args = ['--resolver', RESOLVER, '--allow-private', '--ehlo', 'client.lab.test', '--json'];
    const ran = await lab.run([process.execPath, `${root}bin/run.js`, 'mx', 'probe', domain, ...args]);
    const probed = JSON.parse(ran.stdout) as MxProbeResult;
    const [address] = probed.hosts.flatMap(({ addresses }) => addresses);
    const checks = [
      ...probed.checks,
      ...probed.hosts.flatMap(({ addresses }) => addresses).flatMap((each) => each.checks),
    ];
    expect(`${said.stdout}${said.stderr}`).toMatch(finger);
    expect(address?.dane?.result ?? null).toBe(ours.dane);
    if (ours.reason) expect(address?.dane?.reason).toMatch(ours.reason);
    expect(checks.find(({ id }) => id === ours.check)).toMatchObject({ status: ours.status });
  });
});
