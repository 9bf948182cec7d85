import { randomBytes } from 'node:crypto';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import type { Resolver } from '../dns/types.ts';
import type { Ledger, LedgerEntry } from '../mediator/ledger.ts';
import { challengeCheck, overlapCheck, vettingChecks } from '../mediator/vetting.ts';
import type { Check } from '../report.ts';
import { checkDomain } from '../sender/check.ts';
import type { OpenSignup } from '../trust/open-signup.ts';
import { dnsFlags, duration, withEnvironment } from './flags.ts';
import { openDns } from './open-dns.ts';

/** Flags of everything that vets. */
export const vettingFlags = {
  ...withEnvironment({
    selector: Flags.string({
      summary: 'DKIM selector that the company signs with; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
    }),
    'second-resolver': Flags.string({
      summary:
        'Look for the challenge through this resolver as well: HOST[:PORT], tls://HOST or https://HOST/path.',
      helpValue: 'SERVER',
      helpGroup: 'DNS',
    }),
    'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
  }),
  ...dnsFlags,
};

/** What vetting asks. */
export type VettingWorld = {
  readonly resolvers: readonly [Resolver, ...Resolver[]];
  readonly selectors: readonly string[];
  readonly openSignup: OpenSignup;
  readonly nowMs: number;
};

/** The resolvers that the flags name, and what has to be done afterwards. */
export async function vettingResolvers(
  flags: Interfaces.InferredFlags<typeof vettingFlags>,
  signal: AbortSignal,
): Promise<{ readonly resolvers: VettingWorld['resolvers']; finish(): void }> {
  const first = await openDns(flags, signal);
  const other = flags['second-resolver'];
  if (other === undefined) return { resolvers: [first.dns], finish: first.finish };
  const second = await openDns({ ...flags, resolver: other, 'dns-record': undefined }, signal);
  const finish = () => {
    first.finish();
    second.finish();
  };
  return { resolvers: [first.dns, second.dns], finish };
}

/** Everything that speaks for or against an entry today. */
export async function vetEntry(
  { proposal }: LedgerEntry,
  ledger: Ledger,
  world: VettingWorld,
): Promise<readonly Check[]> {
  const checks: Check[] = [overlapCheck(ledger, proposal)];
  for (const { domain } of proposal.domains) checks.push(...(await vetDomain(domain, ledger, world)));
  return checks;
}

async function vetDomain(
  domain: string,
  { challenges }: Ledger,
  world: VettingWorld,
): Promise<readonly Check[]> {
  const { resolvers, selectors, openSignup, nowMs } = world;
  const [seen, challenge] = await Promise.all([
    checkDomain(domain, {
      dns: resolvers[0],
      nowMs,
      selectors,
      vouchers: [],
      madeUp: `x${randomBytes(8).toString('hex')}`,
      tlsaPort: 25,
      // Whether mail to the company is encrypted says nothing about mail from it.
      mtaSts: async () => ({ kind: 'none' }),
    }),
    challengeCheck(domain, challenges.get(domain)?.value ?? null, resolvers),
  ]);
  return [...vettingChecks(seen, openSignup), challenge];
}
