import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Interfaces } from '@oclif/core';
import type { Resolver } from '../dns/types.ts';
import { openPolicyCache } from '../mta-sts/cache.ts';
import { createPolicyFetcher } from '../mta-sts/fetch.ts';
import { findMtaSts } from '../mta-sts/find.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import type { dnsFlags, laboratoryFlags, policyFlags } from './flags.ts';
import { readPem } from './open-dns.ts';

type DnsFlags = Interfaces.InferredFlags<typeof dnsFlags>;
type PolicyFlags = Interfaces.InferredFlags<typeof policyFlags>;
type LaboratoryFlags = Interfaces.InferredFlags<typeof laboratoryFlags>;

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
  flags: DnsFlags & PolicyFlags & Pick<LaboratoryFlags, 'allow-private' | 'ca'>,
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
