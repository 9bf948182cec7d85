import { type DnsLab, type LabZone, startDnsServer } from '../lab/dns-server.ts';
import type { Habit } from '../lab/habits.ts';
import { findSharedPort, type MailLab, startMailServer } from '../lab/mail-server.ts';

/** One domain of the demonstration: a mail server of one habit, and what it is about. */
type Domain = {
  readonly domain: string;
  readonly habit: Habit;
  readonly certificate: 'good' | 'self-signed' | 'expired';
  readonly about: string;
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
];

/** A domain whose server is not there. */
export const UNREACHABLE = 'unreachable.test';

/** The running laboratory. */
export type TransportLab = {
  /** Of its DNS server, as `--resolver` takes it. */
  readonly resolver: string;
  /** Of its mail servers. */
  readonly port: number;
  /** Certificate of its authority, PEM. */
  readonly caPem: string;
  readonly servers: ReadonlyMap<string, MailLab>;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;

function addressOf(index: number): string {
  return `127.0.25.${index + 1}`;
}

function zone(): LabZone {
  const names = [...DOMAINS.map(({ domain }) => domain), UNREACHABLE];
  return Object.fromEntries(
    names.flatMap((domain, index) => [
      [domain, { MX: [{ preference: 10, exchange: `mx.${domain}` }] }],
      [`mx.${domain}`, { A: [addressOf(index)] }],
    ]),
  );
}

async function startMail(
  port: number,
  nowMs: number,
): Promise<{ caPem: string; servers: Map<string, MailLab> }> {
  const { createAuthority, selfSigned } = await import('../lab/certificates.ts');
  const authority = await createAuthority('Postern demo authority', nowMs);
  const servers = new Map<string, MailLab>();
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
  }
  return { caPem: authority.certificatePem, servers };
}

/** Start the DNS server and the mail servers, all on loopback. */
export async function startTransportLab(nowMs: number): Promise<TransportLab> {
  const port = await findSharedPort([...DOMAINS, UNREACHABLE].map((_, index) => addressOf(index)));
  const { caPem, servers } = await startMail(port, nowMs);
  const dns: DnsLab = await startDnsServer({ zone: zone() });
  return {
    resolver: `${dns.host}:${dns.port}`,
    port,
    caPem,
    servers,
    close: async () => {
      await Promise.all([dns.close(), ...[...servers.values()].map((server) => server.close())]);
    },
  };
}
