import type { Check } from '../report.ts';
import type { MxAddressResult, MxHostResult, MxProbeResult } from '../schema/mx-probe.ts';

/** What became of one address, in the words that matter to who forwards the result. */
type Outcome = 'encrypted' | 'plain' | 'broken' | 'untold';

function outcomeOf({ starttls, tls }: MxAddressResult): Outcome {
  if (tls) return 'encrypted';
  if (starttls === 'not-offered') return 'plain';
  return starttls === 'offered' ? 'broken' : 'untold';
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : /s$/.test(noun) ? 'es' : 's'}`;
}

/** TLS versions seen, newest first, such as `TLS 1.3 and TLS 1.2`. */
function versions(addresses: readonly MxAddressResult[]): string {
  const seen = new Set(
    addresses.flatMap(({ tls }) => (tls?.version ? [tls.version.replace('TLSv', 'TLS ')] : [])),
  );
  return new Intl.ListFormat('en').format([...seen].sort().reverse());
}

function authenticated(addresses: readonly MxAddressResult[]): string {
  const encrypted = addresses.filter(({ tls }) => tls);
  if (encrypted.every(({ dane }) => dane?.result === 'authenticated')) return 'authenticated by DANE';
  const good = encrypted.filter(({ certificate }) => certificate?.trusted && certificate.coversHost);
  if (good.length === encrypted.length) return 'with a valid certificate';
  return good.length === 0
    ? 'not authenticated, as the certificate is not valid'
    : 'not every certificate is valid';
}

/** How the part of the servers that do not encrypt is told. */
function rest(groups: ReadonlyMap<Outcome, readonly MxAddressResult[]>): string[] {
  const plain = groups.get('plain')?.length ?? 0;
  const broken = groups.get('broken')?.length ?? 0;
  const untold = groups.get('untold')?.length ?? 0;
  return [
    ...(plain > 0 ? [`${count(plain, 'address')} without STARTTLS`] : []),
    ...(broken > 0 ? [`${count(broken, 'address')} where the negotiation fails`] : []),
    ...(untold > 0 ? [`${count(untold, 'address')} that could not be asked`] : []),
  ];
}

function firstFault(addresses: readonly MxAddressResult[]): string {
  const [first] = addresses;
  return first?.fault ? `${first.ip}: ${first.fault.message}` : (first?.checks[0]?.message ?? 'no address');
}

function verdict(domain: string, all: readonly MxAddressResult[]): string {
  // What this machine has no route to says nothing about the domain, unless there is nothing else.
  const tried = all.filter(({ fault }) => fault?.kind !== 'no-route');
  const addresses = tried.length > 0 ? tried : all;
  const groups = new Map<Outcome, MxAddressResult[]>();
  for (const address of addresses) {
    const outcome = outcomeOf(address);
    groups.set(outcome, [...(groups.get(outcome) ?? []), address]);
  }
  const encrypted = groups.get('encrypted') ?? [];
  const asked = addresses.length - (groups.get('untold')?.length ?? 0);
  if (asked === 0) {
    return `It could not be told whether mail to ${domain} would be encrypted: no server answered (${firstFault(addresses)}).`;
  }
  if (encrypted.length === addresses.length) {
    const where =
      addresses.length === 1 ? 'its server offers' : `all ${count(addresses.length, 'address')} offer`;
    return `Mail to ${domain} is encrypted: ${where} STARTTLS, ${versions(encrypted)}, ${authenticated(encrypted)}.`;
  }
  const others = rest(groups);
  if (encrypted.length > 0) {
    const good = `${encrypted.length} of ${count(addresses.length, 'address')}`;
    return `Mail to ${domain} is encrypted at ${good} (${versions(encrypted)}); besides: ${others.join(', ')}.`;
  }
  const broken = groups.get('broken');
  if (broken) {
    return `Mail to ${domain} cannot be encrypted: STARTTLS is offered, but ${broken[0]?.fault?.message}; an opportunistic sender falls back to plaintext.`;
  }
  return `Mail to ${domain} is not encrypted: no server that answered offers STARTTLS.`;
}

/** Where mail programs submit: they have to find TLS with a valid certificate. */
function submission(domain: string, all: readonly MxAddressResult[]): string {
  const addresses = all.filter(({ fault }) => fault?.kind !== 'no-route');
  const good = addresses.filter(({ tls, status }) => tls && (status === 'ok' || status === 'warn'));
  const ports = new Intl.ListFormat('en').format([...new Set(good.map(({ port }) => String(port)))]);
  if (addresses.length > 0 && good.length === addresses.length) {
    return `Mail programs can submit at ${domain} safely: TLS with a valid certificate on ${ports.includes('and') ? 'ports' : 'port'} ${ports}.`;
  }
  const bad = addresses.filter(({ status }) => status === 'crit');
  const silent = addresses.length - good.length - bad.length;
  const parts = [
    ...(good.length > 0 ? [`TLS with a valid certificate on ${ports}`] : []),
    ...(bad.length > 0 ? [`not safe on ${[...new Set(bad.map(({ port }) => port))].join(', ')}`] : []),
    ...(silent > 0 ? [`${count(silent, 'port')} could not be asked`] : []),
  ];
  return `Submission at ${domain}: ${parts.join('; ')}.`;
}

/** What strict senders do, where they do not deliver although others would. */
function strictSenders(hosts: readonly MxHostResult[], checks: readonly Check[]): string {
  const all = [
    ...checks,
    ...hosts.flatMap(({ addresses }) => addresses.flatMap((address) => address.checks)),
  ];
  const broken = (prefix: string) => all.some(({ id, status }) => status === 'crit' && id.startsWith(prefix));
  const named = [...(broken('dane.') ? ['DANE'] : []), ...(broken('mta-sts.') ? ['MTA-STS'] : [])];
  if (named.length === 0) return '';
  return ` Senders that follow ${named.join(' or ')} do not deliver everywhere: what the domain promises is not kept.`;
}

/** What the DNS alone tells. */
function promises(domain: string, hosts: readonly MxHostResult[], checks: readonly Check[]): string {
  const dane = hosts.filter((host) => host.dane.kind === 'records').length;
  const daneWords =
    dane === 0
      ? 'no DANE'
      : dane === hosts.length
        ? 'DANE for every exchanger'
        : `DANE for ${dane} of ${hosts.length} exchangers`;
  const policy = checks.find(({ id }) => id === 'mta-sts.policy');
  const mode = /mode (enforce|testing|none)/.exec(policy?.evidence ?? '')?.[1];
  return `The servers of ${domain} were not asked; its DNS promises ${daneWords} and ${mode ? `MTA-STS in mode ${mode}` : 'no MTA-STS policy'}.`;
}

/** The result in one sentence that can be forwarded. */
export function summarize(
  domain: string,
  kind: MxProbeResult['exchangers']['kind'],
  hosts: readonly MxHostResult[],
  checks: readonly Check[],
  dnsOnly: boolean,
): string {
  if (kind === 'null-mx') return `${domain} accepts no mail (null MX).`;
  if (kind === 'no-domain') return `There is no domain ${domain}.`;
  if (kind === 'unknown')
    return `It could not be told where mail for ${domain} goes: the DNS did not answer.`;
  const addresses = hosts.flatMap((host) => host.addresses);
  if (addresses.length > 0 && dnsOnly) return promises(domain, hosts, checks);
  if (kind === 'submission' && addresses.length > 0) return submission(domain, addresses);
  if (addresses.length > 0) return `${verdict(domain, addresses)}${strictSenders(hosts, checks)}`;
  const reason = checks.find(({ id }) => id.startsWith('dns.'))?.message ?? 'no exchanger has an address.';
  return `Mail to ${domain} cannot be delivered, as far as can be told: ${reason}`;
}
