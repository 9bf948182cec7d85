import { createStub, type Stub } from '../../src/dns/stub.ts';
import { parseResolver } from '../../src/dns/system.ts';
import { createAuthority, type IssuedCertificate, selfSigned } from '../../src/lab/certificates.ts';
import { type DnsLab, type LabZone, startDnsServer } from '../../src/lab/dns-server.ts';
import type { Habit } from '../../src/lab/habits.ts';
import { findSharedPort, type MailLab, startMailServer } from '../../src/lab/mail-server.ts';
import type { MtaSts } from '../../src/mta-sts/types.ts';
import { converse, type Variant } from '../../src/mx/conversation.ts';
import { type ProbeOptions, probeTarget } from '../../src/mx/probe.ts';
import { parseTarget } from '../../src/mx/target.ts';
import { dialTcp } from '../../src/net/dial.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import { clientContext, contextFor, contextForKey } from '../../src/smtp/tls.ts';

/** When the laboratory lives: certificates are made around it. */
export const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

export type LabDomain = {
  readonly habit: Habit;
  readonly certificate?: 'good' | 'self-signed' | 'expired' | 'wrong-name' | 'rsa';
};

/** A laboratory of one domain a habit, all on one port of different loopback addresses. */
export type Lab = {
  readonly dns: Stub;
  readonly resolver: string;
  readonly zone: LabZone;
  readonly dnsServer: DnsLab;
  readonly port: number;
  readonly caPem: string;
  server(domain: string): MailLab;
  close(): Promise<void>;
};

/** Each call takes another /24 of the loopback network, so that test files do not meet. */
function addressOf(net: number, index: number): string {
  return `127.1.${net}.${index + 1}`;
}

export async function startLab(
  net: number,
  domains: Readonly<Record<string, LabDomain>>,
  more: LabZone = {},
): Promise<Lab> {
  const entries = Object.entries(domains);
  const port = await findSharedPort([...entries, null].map((_, index) => addressOf(net, index)));
  const authority = await createAuthority('Test authority', NOW_MS);
  const certificateFor = (domain: string, kind: LabDomain['certificate']): Promise<IssuedCertificate> => {
    const names = [kind === 'wrong-name' ? 'mx.somewhere-else.test' : `mx.${domain}`];
    if (kind === 'self-signed') return selfSigned({ names }, NOW_MS);
    const dates =
      kind === 'expired' ? { notBeforeMs: NOW_MS - 90 * DAY_MS, notAfterMs: NOW_MS - DAY_MS } : {};
    return authority.issue({ names, ...dates, keyType: kind === 'rsa' ? 'rsa' : 'ec' });
  };
  const servers = new Map<string, MailLab>();
  for (const [index, [domain, { habit, certificate }]] of entries.entries()) {
    const certificates = [await certificateFor(domain, certificate)];
    const options = { hostname: `mx.${domain}`, habit, certificates, host: addressOf(net, index), port };
    servers.set(domain, await startMailServer(options));
  }
  const zone: LabZone = {
    ...Object.fromEntries(
      entries.flatMap(([domain], index) => [
        [domain, { MX: [{ preference: 10, exchange: `mx.${domain}` }] }],
        [`mx.${domain}`, { A: [addressOf(net, index)] }],
      ]),
    ),
    'gone.test': { MX: [{ preference: 10, exchange: 'mx.gone.test' }] },
    'mx.gone.test': { A: [addressOf(net, entries.length)] },
    ...more,
  };
  const dnsServer = await startDnsServer({ zone });
  const resolver = `127.0.0.1:${dnsServer.port}`;
  const dns = createStub({ servers: [parseResolver(resolver)], timeoutMs: 1500, cacheSize: 0 });
  return {
    dns,
    resolver,
    zone,
    dnsServer,
    port,
    caPem: authority.certificatePem,
    server: (domain) => {
      const server = servers.get(domain);
      if (!server) throw new Error(`no server for ${domain}`);
      return server;
    },
    close: async () => {
      dns.close();
      await Promise.all([dnsServer.close(), ...[...servers.values()].map((server) => server.close())]);
    },
  };
}

/** What of a laboratory reaches its servers. */
export type Reach = Pick<Lab, 'dns' | 'port' | 'caPem'>;

/** What probes and deliveries take, pointed at a laboratory; patient enough for a busy machine. */
export function labWorld(lab: Reach) {
  return {
    dns: lab.dns,
    dial: dialTcp,
    context: clientContext(lab.caPem),
    laxContext: () => clientContext(lab.caPem, { anonymous: true }),
    timeouts: { connectMs: 2000, bannerMs: 1500, commandMs: 1500, tlsMs: 1500, totalMs: 9000 },
    ehlo: 'client.example',
    now: () => Date.now(),
    port: lab.port,
    allowPrivate: true,
    offline: true,
    asOfMs: NOW_MS,
    tlsaPort: 25,
    mtaSts: async (_domain: string): Promise<MtaSts> => ({ kind: 'none' }),
    random: () => 0,
  };
}

export type ProbeChanges = Partial<ReturnType<typeof labWorld> & Omit<ProbeOptions, 'dns' | 'talk'>> & {
  readonly signal?: AbortSignal;
};

/** Probe a domain of a laboratory with the code of `mx probe`. */
export function labProbe(lab: Reach, text: string, changes: ProbeChanges = {}): Promise<MxProbeResult> {
  const world = { ...labWorld(lab), ...changes };
  const contextOf = (variant?: Variant) =>
    variant?.kind === 'version'
      ? contextFor(variant.version)
      : variant?.kind === 'key'
        ? contextForKey(variant.key, lab.caPem)
        : variant?.kind === 'anonymous'
          ? world.laxContext()
          : world.context;
  const options: ProbeOptions = {
    services: [{ port: world.port, implicitTls: false }],
    ...world,
    talk: (place, variant) => converse(place, { ...world, context: contextOf(variant) ?? world.context }),
  };
  return probeTarget(parseTarget(text), options);
}
