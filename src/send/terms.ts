import { hasUsable } from '../dane/lookup.ts';
import { verifyDane } from '../dane/verify.ts';
import type { Resolver } from '../dns/types.ts';
import { covers } from '../mta-sts/policy.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import type { Exchangers } from '../mx/exchangers.ts';
import type { FoundHost } from '../mx/hosts.ts';
import { whyUnauthenticated } from '../smtp/certificate.ts';
import type { TlsFacts } from '../smtp/tls.ts';

/**
 * How strict to be about encryption, by Postfix's names for what a sender does:
 *
 * - `opportunistic` ("may") encrypts when it can and delivers in any case
 * - `encrypt` defers rather than send plaintext; the certificate is not looked at
 * - `verify` wants a valid certificate for the exchanger's name, `secure` one for the recipient's domain or a
 *   host below it, which a forged MX record cannot have
 * - `dane` does what TLSA records demand where there are any, `dane-only` defers where there are none (RFC 7672)
 * - `mta-sts` does what the domain's policy demands, if it is in mode enforce (RFC 8461)
 * - `auto` is DANE where the host has it, else MTA-STS, else opportunistic
 */
export const POLICIES = [
  'opportunistic',
  'encrypt',
  'verify',
  'secure',
  'dane',
  'dane-only',
  'mta-sts',
  'auto',
] as const;
export type Policy = (typeof POLICIES)[number];

/** What is demanded at one host in the end. */
export const LEVELS = ['opportunistic', 'encrypt', 'verify', 'secure', 'dane', 'mta-sts'] as const;
export type Level = (typeof LEVELS)[number];

/** What one exchanger must show before it gets the message. */
export type Terms = {
  readonly level: Level;
  /** Why this level and no other, as a clause. */
  readonly reason: string;
  /** Name for SNI. */
  readonly sni: string;
  /** Why the server is not who it should be; undefined when it is, or nobody asks. */
  readonly whyNot: (tls: TlsFacts) => string | undefined;
};

/** Either terms, or why this exchanger must not be used at all. */
export type TermsOrNot = Terms | { readonly unusable: string };

/** What terms are made of, for the recipients of one domain. */
export type TermsWorld = {
  readonly dns: Resolver;
  readonly policy: Policy;
  readonly domain: string;
  readonly exchangers: Exchangers;
  /** Asked for at most once a domain, and only where the policy wants it. */
  readonly mtaSts: () => Promise<MtaSts>;
  /** When certificates are judged, milliseconds since the epoch. */
  readonly nowMs: number;
  /** RFC 8689: the server has to be authenticated, whatever the policy says. */
  readonly requireTls: boolean;
  /** The message says `TLS-Required: No`: what the recipient's domain demands gives way (RFC 8689 §3). */
  readonly tlsOptional: boolean;
};

/** Policies that the recipient's domain fills, and not the caller. */
const OF_THE_DOMAIN: ReadonlySet<Policy> = new Set(['dane', 'mta-sts', 'auto']);

function anybody(): undefined {
  return undefined;
}

function fixed(level: 'opportunistic' | 'encrypt', reason: string, { host }: FoundHost): Terms {
  return { level, reason, sni: host, whyNot: anybody };
}

function named(
  level: 'verify' | 'secure' | 'mta-sts',
  reason: string,
  { host }: FoundHost,
  domain: string,
): Terms {
  const policy = level === 'secure' ? 'secure' : 'verify';
  return {
    level,
    reason,
    sni: host,
    whyNot: ({ certificate }) => whyUnauthenticated(certificate, policy, { host, nextHop: domain }),
  };
}

/** By the TLSA records of a host; undefined where DANE does not apply to it. */
function daneTerms(found: FoundHost, { domain, nowMs, policy }: TermsWorld): TermsOrNot | undefined {
  const { dane, host } = found;
  // RFC 7672 §2.1.3: an error is no absence. Who goes on without DANE then can be made to.
  if (dane.kind === 'failed')
    return { unusable: `the look-up of the TLSA records of ${host} fails: ${dane.reason}` };
  if (dane.kind !== 'records') return undefined;
  const { records, base } = dane;
  const none = !hasUsable(dane);
  if (none && policy === 'dane-only') return { unusable: `none of the TLSA records of ${host} is usable` };
  if (none)
    return {
      ...fixed('encrypt', 'TLSA records are published, none is usable: TLS is required', found),
      sni: base,
    };
  return {
    level: 'dane',
    reason: `${dane.name} has TLSA records`,
    sni: base,
    whyNot: (tls) => {
      const { result, reason } = verifyDane(records, { chain: tls.chain, names: [base, domain], nowMs });
      return result === 'authenticated' ? undefined : `DANE fails: ${reason}`;
    },
  };
}

/** By the MTA-STS policy of the domain; undefined where it binds nobody. */
async function stsTerms(found: FoundHost, world: TermsWorld): Promise<TermsOrNot | undefined> {
  const sts = await world.mtaSts();
  if (sts.kind === 'unknown' && world.policy === 'mta-sts') {
    return { unusable: `the MTA-STS policy of ${world.domain} is not known: ${sts.reason}` };
  }
  if (sts.kind !== 'found' || sts.policy.mode !== 'enforce') return undefined;
  if (!covers(sts.policy, found.host))
    return { unusable: `the MTA-STS policy of ${world.domain} does not name ${found.host}` };
  return named('mta-sts', `the MTA-STS policy of ${world.domain} is in mode enforce`, found, world.domain);
}

async function byPolicy(found: FoundHost, world: TermsWorld): Promise<TermsOrNot> {
  const { policy, domain, tlsOptional } = world;
  if (tlsOptional && OF_THE_DOMAIN.has(policy)) {
    return fixed('opportunistic', 'the message says "TLS-Required: No"', found);
  }
  const asked = `--policy ${policy}`;
  switch (policy) {
    case 'opportunistic':
    case 'encrypt':
      return fixed(policy, asked, found);
    case 'verify':
    case 'secure':
      return named(policy, asked, found, domain);
    case 'dane-only':
      return (
        daneTerms(found, world) ?? {
          unusable: `${found.host} has no TLSA records that count (${noDane(found)})`,
        }
      );
    case 'dane':
      return daneTerms(found, world) ?? fixed('opportunistic', `no DANE: ${noDane(found)}`, found);
    case 'mta-sts':
      return (
        (await stsTerms(found, world)) ?? fixed('opportunistic', 'no MTA-STS policy in mode enforce', found)
      );
    case 'auto':
      return (
        daneTerms(found, world) ??
        (await stsTerms(found, world)) ??
        fixed('opportunistic', `neither DANE (${noDane(found)}) nor MTA-STS in mode enforce`, found)
      );
  }
}

function noDane({ dane }: FoundHost): string {
  return dane.kind === 'not-secure' ? dane.reason : 'there are no TLSA records';
}

/**
 * What one exchanger must show, by the policy and by what DNS and MTA-STS say about it.
 *
 * With REQUIRETLS a level that authenticates nobody is raised: to a valid certificate for the exchanger's name, if
 * validated MX records name it (RFC 8689 §4.2.1); else the host cannot be used.
 */
export async function termsFor(found: FoundHost, world: TermsWorld): Promise<TermsOrNot> {
  const terms = await byPolicy(found, world);
  if (!world.requireTls || 'unusable' in terms) return terms;
  if (terms.level !== 'opportunistic' && terms.level !== 'encrypt') return terms;
  if (world.exchangers.dnssec !== 'secure') {
    return {
      unusable: `REQUIRETLS wants an authenticated server, and nothing vouches for ${found.host} (no DANE, no MTA-STS, MX records not validated)`,
    };
  }
  return named('verify', 'REQUIRETLS, and validated MX records name the host', found, world.domain);
}
