import type { TlsaRecord } from '../dns/types.ts';
import { type DnsLab, type LabZone, startDnsServer } from '../lab/dns-server.ts';
import type { Habit } from '../lab/habits.ts';
import { findSharedPort, type MailLab, startMailServer } from '../lab/mail-server.ts';
import { type PolicyHostLab, startPolicyHost } from '../lab/policy-host.ts';

/** One domain of the demonstration: a mail server of one habit, and what it is about. */
type Domain = {
  readonly domain: string;
  readonly habit: Habit;
  readonly certificate: 'good' | 'self-signed' | 'expired';
  readonly about: string;
  /** Its zone is signed, and names the key of the server, or another one. */
  readonly dane?: 'right' | 'wrong';
  /** Its MTA-STS policy is in mode enforce. */
  readonly mtaSts?: true;
};

/** Invented domains under .test (RFC 6761), each on a loopback address of its own, as they share a port. */
export const DOMAINS: readonly Domain[] = [
  { domain: 'good.test', habit: 'good', certificate: 'good', about: 'everything as it should be' },
  {
    domain: 'selfsigned.test',
    habit: 'good',
    certificate: 'self-signed',
    about: 'a certificate nobody vouches for',
  },
  { domain: 'expired.test', habit: 'good', certificate: 'expired', about: 'a certificate that has expired' },
  { domain: 'bare.test', habit: 'none', certificate: 'good', about: 'no STARTTLS' },
  { domain: 'closes.test', habit: 'close', certificate: 'good', about: 'closes after STARTTLS' },
  { domain: 'injects.test', habit: 'inject', certificate: 'good', about: 'plaintext slipped in before TLS' },
  {
    domain: 'dane.test',
    habit: 'good',
    certificate: 'self-signed',
    about: 'the DNS names its key (DANE)',
    dane: 'right',
  },
  {
    domain: 'olddane.test',
    habit: 'good',
    certificate: 'good',
    about: 'the DNS names an old key (DANE)',
    dane: 'wrong',
  },
  {
    domain: 'strict.test',
    habit: 'good',
    certificate: 'self-signed',
    about: 'promises a valid certificate (MTA-STS)',
    mtaSts: true,
  },
];

/** A domain whose server is not there. */
export const UNREACHABLE = 'unreachable.test';

/** The running laboratory. */
export type TransportLab = {
  /** Of its DNS server, as `--resolver` takes it. */
  readonly resolver: string;
  /** Of its mail servers. */
  readonly port: number;
  /** Of its host for MTA-STS policies. */
  readonly httpsPort: number;
  /** Certificate of its authority, PEM. */
  readonly caPem: string;
  readonly servers: ReadonlyMap<string, MailLab>;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;

function addressOf(index: number): string {
  return `127.0.25.${index + 1}`;
}

/** The records of one domain; `keys` are those of the servers. */
function recordsOf(
  { domain, dane, mtaSts }: Pick<Domain, 'domain' | 'dane' | 'mtaSts'>,
  index: number,
  port: number,
  keys: ReadonlyMap<string, string>,
): LabZone {
  const data = dane === 'wrong' ? keys.get('good.test') : keys.get(domain);
  const tlsa: TlsaRecord = { certUsage: 3, selector: 1, match: 1, data: data ?? '' };
  return {
    [domain]: { MX: [{ preference: 10, exchange: `mx.${domain}` }], ...(dane && { secure: true }) },
    [`mx.${domain}`]: { A: [addressOf(index)] },
    ...(dane && { [`_${port}._tcp.mx.${domain}`]: { TLSA: [tlsa] } }),
    ...(mtaSts && {
      [`_mta-sts.${domain}`]: { TXT: [['v=STSv1; id=20261125']] },
      [`mta-sts.${domain}`]: { A: ['127.0.0.1'] },
    }),
  };
}

function zone(port: number, keys: ReadonlyMap<string, string>): LabZone {
  const all = [...DOMAINS, { domain: UNREACHABLE }];
  return Object.assign({}, ...all.map((domain, index) => recordsOf(domain, index, port, keys)));
}

type Running = {
  readonly caPem: string;
  readonly servers: ReadonlyMap<string, MailLab>;
  readonly keys: ReadonlyMap<string, string>;
  readonly policyHost: PolicyHostLab;
};

async function startServers(port: number, nowMs: number): Promise<Running> {
  const { createAuthority, selfSigned } = await import('../lab/certificates.ts');
  const authority = await createAuthority('Postern demo authority', nowMs);
  const servers = new Map<string, MailLab>();
  const keys = new Map<string, string>();
  for (const [index, { domain, habit, certificate }] of DOMAINS.entries()) {
    const names = [`mx.${domain}`];
    const leaf =
      certificate === 'self-signed'
        ? await selfSigned({ names }, nowMs)
        : await authority.issue({
            names,
            ...(certificate === 'expired' && {
              notBeforeMs: nowMs - 90 * DAY_MS,
              notAfterMs: nowMs - 12 * DAY_MS,
            }),
          });
    const options = { hostname: `mx.${domain}`, habit, certificates: [leaf], host: addressOf(index), port };
    servers.set(domain, await startMailServer(options));
    keys.set(domain, leaf.spkiSha256);
  }
  const strict = DOMAINS.find(({ mtaSts }) => mtaSts)?.domain ?? '';
  const policyHost = await startPolicyHost({
    name: `mta-sts.${strict}`,
    authority,
    nowMs,
    policy: `version: STSv1\nmode: enforce\nmx: mx.${strict}\nmax_age: 604800\n`,
  });
  return { caPem: authority.certificatePem, servers, keys, policyHost };
}

/** Start the DNS server and the mail servers, all on loopback. */
export async function startTransportLab(nowMs: number): Promise<TransportLab> {
  const port = await findSharedPort([...DOMAINS, UNREACHABLE].map((_, index) => addressOf(index)));
  const { caPem, servers, keys, policyHost } = await startServers(port, nowMs);
  const dns: DnsLab = await startDnsServer({ zone: zone(port, keys) });
  return {
    resolver: `${dns.host}:${dns.port}`,
    port,
    httpsPort: policyHost.port,
    caPem,
    servers,
    close: async () => {
      await Promise.all([
        dns.close(),
        policyHost.close(),
        ...[...servers.values()].map((server) => server.close()),
      ]);
    },
  };
}
