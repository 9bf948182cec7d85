import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { Interfaces } from '@oclif/core';
import { parseDomain } from '../dns/names.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { openPolicyCache } from '../mta-sts/cache.ts';
import { createPolicyFetcher } from '../mta-sts/fetch.ts';
import { findMtaSts } from '../mta-sts/find.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { dialTcp } from '../net/dial.ts';
import type { SmtpTimeouts } from '../smtp/connection.ts';
import { clientContext } from '../smtp/tls.ts';
import type { dnsFlags, policyFlags, smtpFlags } from './flags.ts';
import { readPem } from './open-dns.ts';

export { openDns } from './open-dns.ts';

type DnsFlags = Interfaces.InferredFlags<typeof dnsFlags>;
type PolicyFlags = Interfaces.InferredFlags<typeof policyFlags>;
type SmtpFlags = Interfaces.InferredFlags<typeof smtpFlags>;

/** The name for EHLO: as given, else this host's if it is a full one, else null for an address literal. */
function ehloName(given: string | undefined): string | null {
  const name = given ?? hostname();
  if (given !== undefined && /^\[[\w:.]+\]$/.test(given)) return given;
  const parsed = parseDomain(name);
  if (parsed.kind === 'name' && (given !== undefined || parsed.ascii.includes('.'))) return parsed.ascii;
  if (given === undefined) return null;
  throw new AppError(`--ehlo: '${given}' is no host name.`, {
    code: 'E_EHLO',
    exit: ExitCode.usage,
    hint: 'Give the full name of this host, such as mail.example.org.',
  });
}

function timeouts(flags: SmtpFlags): SmtpTimeouts {
  return {
    connectMs: flags['timeout-connect'],
    bannerMs: flags['timeout-banner'],
    commandMs: flags['timeout-command'],
    tlsMs: flags['timeout-tls'],
    totalMs: flags['timeout-total'],
  };
}

/** What the flags say about speaking SMTP. */
export function smtpWorld(flags: SmtpFlags & DnsFlags) {
  const ca = flags.ca === undefined ? undefined : readPem(flags.ca);
  let lax: SecureContext | undefined;
  return {
    dial: dialTcp,
    context: clientContext(ca),
    laxContext: () => {
      lax ??= clientContext(ca, { anonymous: true });
      return lax;
    },
    timeouts: timeouts(flags),
    ehlo: ehloName(flags.ehlo),
    now: () => Date.now(),
    port: flags.port,
    allowPrivate: flags['allow-private'],
    offline: flags.offline,
  };
}

/** Where what can be had again is kept; null when there is no home to keep it in. */
function cacheFolder(env: NodeJS.ProcessEnv): string | null {
  const base =
    env['XDG_CACHE_HOME'] || (env['HOME'] || homedir() ? join(env['HOME'] || homedir(), '.cache') : '');
  return base === '' ? null : join(base, 'postern');
}

/** How MTA-STS policies are looked for in one run. */
export type StsFinding = {
  readonly asOfMs: number;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  /** Fetch a policy even if it is kept: to see what is there now. */
  readonly refresh?: boolean;
  /** Look at the TLS versions of the policy host, too. */
  readonly checkVersions?: boolean;
};

/** Finds the MTA-STS policy of a domain as the flags say; each domain is asked once in a run. */
export function mtaStsFinder(
  flags: DnsFlags & PolicyFlags & Pick<SmtpFlags, 'allow-private' | 'ca'>,
  dns: Resolver,
  { warn, ...finding }: StsFinding,
): (domain: string) => Promise<MtaSts> {
  const ca = flags.ca === undefined ? undefined : readPem(flags.ca);
  const folder = flags.cache ? cacheFolder(process.env) : null;
  const world = {
    ...finding,
    dns,
    ...(ca !== undefined && { ca }),
    fetch: createPolicyFetcher(ca),
    httpsPort: flags['https-port'],
    allowPrivate: flags['allow-private'],
    offline: flags.offline,
    now: () => Date.now(),
    cache: folder === null ? null : openPolicyCache(join(folder, 'mta-sts'), { warn }),
    timeoutMs: flags['timeout-https'],
  };
  return (domain) => findMtaSts(domain, world);
}
