import { hasUsable } from '../dane/lookup.ts';
import type { Resolver } from '../dns/types.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { type Exchangers, findExchangers } from '../mx/exchangers.ts';
import { type FoundHost, findHost, literalHost } from '../mx/hosts.ts';
import { canonicalAddress } from '../net/address.ts';
import type { Check, Status } from '../report.ts';
import type { EffectivePolicy, MxPolicyResult, PolicyHost } from '../schema/mx-policy.ts';

export type PolicyOptions = {
  readonly dns: Resolver;
  /** Port in the names of TLSA records. */
  readonly tlsaPort: number;
  readonly mtaSts: (domain: string) => Promise<MtaSts>;
};

/** What binds a sender at one host, by the host alone. */
function hostPolicy(found: FoundHost): PolicyHost {
  const { host, preference, dane } = found;
  const base = { host, preference };
  switch (dane.kind) {
    case 'failed':
      return { ...base, dane: 'failed', reason: `the look-up of ${dane.name} fails: ${dane.reason}` };
    case 'records':
      return hasUsable(dane)
        ? { ...base, dane: dane.mxSecure ? 'usable' : 'mx-insecure', reason: `${dane.name} has TLSA records` }
        : { ...base, dane: 'unusable', reason: `no TLSA record at ${dane.name} is usable` };
    case 'none':
      return { ...base, dane: 'none', reason: `there is no TLSA record at ${dane.name}` };
    case 'not-secure':
      // Bogus addresses and a resolver that cannot be believed are no "unsigned".
      return dane.dnssec === 'insecure'
        ? { ...base, dane: 'none', reason: dane.reason }
        : { ...base, dane: 'unknown', reason: dane.reason };
  }
}

type Decision = {
  readonly status: Status;
  readonly effective: EffectivePolicy | null;
  readonly reason: string;
};

function refuse(status: Status, reason: string): Decision {
  return { status, effective: null, reason };
}

function decide(policy: EffectivePolicy['policy'], reason: string, match: readonly string[] = []): Decision {
  return { status: 'ok', effective: { policy, match: [...match] }, reason };
}

/** Postfix's form of an MTA-STS pattern: `*.example.org` is `.example.org` there. */
function matchPattern(pattern: string): string {
  return pattern.replace(/^\*/, '');
}

/** Where some hosts have DANE and the rest is bound by MTA-STS no single line of a policy map says both. */
function mixed(hosts: readonly PolicyHost[], enforced: boolean): Decision {
  const without = hosts.filter(({ dane }) => dane === 'none').map(({ host }) => host);
  if (without.length === 0)
    return decide(
      'dane',
      'every exchanger has TLSA records, not all of them usable or reached by signed MX records',
    );
  const names = without.join(', ');
  if (enforced) {
    return refuse(
      'warn',
      `some exchangers have DANE, and MTA-STS (mode enforce) binds the others (${names}): no policy of Postfix holds both for one domain`,
    );
  }
  return decide('dane', `some exchangers have TLSA records; mail to the others (${names}) is opportunistic`);
}

/** DANE where the hosts have it, else MTA-STS, else opportunistic (RFC 8461 §2: MTA-STS never overrides DANE). */
function decideAll(hosts: readonly PolicyHost[], sts: MtaSts): Decision {
  const failed = hosts.find(({ dane }) => dane === 'failed');
  if (failed) return refuse('unknown', `${failed.reason}, and an error is no absence`);
  const open = hosts.find(({ dane }) => dane === 'unknown');
  if (open)
    return refuse('unknown', `whether ${open.host} has DANE cannot be told from here: ${open.reason}`);
  const enforced = sts.kind === 'found' && sts.policy.mode === 'enforce';
  if (hosts.length > 0 && hosts.every(({ dane }) => dane === 'usable')) {
    return decide('dane-only', 'every exchanger has usable TLSA records, and signed MX records name it');
  }
  if (hosts.some(({ dane }) => dane !== 'none')) return mixed(hosts, enforced);
  if (sts.kind === 'unknown')
    return refuse('unknown', `whether there is an MTA-STS policy cannot be told: ${sts.reason}`);
  if (enforced)
    return decide('secure', 'the MTA-STS policy is in mode enforce', sts.policy.mx.map(matchPattern));
  return decide('may', `no DANE, and ${stsWords(sts)}`);
}

function stsWords(sts: MtaSts): string {
  if (sts.kind === 'found') return `the MTA-STS policy is in mode ${sts.policy.mode}`;
  if (sts.kind === 'failed') return `the MTA-STS policy cannot be had (${sts.reason})`;
  return sts.kind === 'invalid-record' ? 'the MTA-STS record does not count' : 'no MTA-STS policy';
}

/** The line of a policy map for smtp_tls_policy_maps (postconf(5)); null where none may be written. */
function postfixLine(domain: string, effective: EffectivePolicy | null): string | null {
  if (!effective) return null;
  const { policy, match } = effective;
  if (policy !== 'secure') return `${domain} ${policy}`;
  return `${domain} secure match=${match.join(':')} servername=hostname`;
}

function describe(domain: string, { effective, reason }: Decision): string {
  const words = {
    'dane-only': `Mail to ${domain} can be held to DANE`,
    dane: `Mail to ${domain} goes by DANE where the exchanger has it`,
    secure: `Mail to ${domain} can be held to its MTA-STS policy`,
    may: `Mail to ${domain} is encrypted opportunistically`,
  };
  return effective
    ? `${words[effective.policy]}: ${reason}.`
    : `No policy can be written for ${domain}: ${reason}.`;
}

function withoutHosts(domain: string, { kind, checks }: Exchangers): Decision {
  if (kind === 'null-mx') return refuse('ok', `${domain} accepts no mail`);
  if (kind === 'no-domain') return refuse('crit', 'there is no such domain');
  const [check] = checks;
  return refuse(check?.status ?? 'unknown', (check?.message ?? 'the DNS did not answer').replace(/\.$/, ''));
}

/**
 * The TLS policy that a sender should have for a domain, by its DNS and its MTA-STS policy: no server is connected to.
 * Where a look-up failed no policy is made up, as an error is no absence (RFC 7672 §2.1.3).
 *
 * @param domain  A-labels
 */
export async function effectivePolicy(
  target: string,
  domain: string,
  { dns, tlsaPort, mtaSts }: PolicyOptions,
): Promise<MxPolicyResult> {
  const [exchangers, sts] = await Promise.all([findExchangers(domain, dns), mtaSts(domain)]);
  const found = await Promise.all(
    exchangers.hosts.map(({ exchange, preference }) =>
      canonicalAddress(exchange) === null
        ? findHost({ host: exchange, preference, mxDnssec: exchangers.dnssec }, tlsaPort, dns)
        : literalHost(exchange, preference),
    ),
  );
  const hosts = found.map(hostPolicy);
  const decision = hosts.length === 0 ? withoutHosts(domain, exchangers) : decideAll(hosts, sts);
  const { status, effective, reason } = decision;
  const check: Check = {
    id: 'policy.effective',
    status,
    message: describe(domain, decision),
    ref: 'RFC 8461 §2, RFC 7672 §2.2',
    ...(status === 'unknown' && {
      fix: 'Ask a validating resolver that can be believed (on this machine, or --resolver tls://…), and try again.',
    }),
  };
  return {
    target,
    status,
    summary: check.message,
    checks: [check, ...exchangers.checks.filter((each) => each.status !== 'ok')],
    domain,
    exchangers: { kind: exchangers.kind, dnssec: exchangers.dnssec },
    hosts,
    mtaSts: {
      kind: sts.kind,
      mode: sts.kind === 'found' ? sts.policy.mode : null,
      mx: sts.kind === 'found' ? [...sts.policy.mx] : [],
    },
    effective,
    reason,
    postfix: postfixLine(domain, effective),
  };
}
