import type { Check } from '../../report.ts';
import type { ApachePlan } from './apache.ts';
import type { CaddyPlan } from './caddy.ts';
import type { Checker } from './checker.ts';
import type { HaproxyPlan } from './haproxy.ts';
import type { NftablesPlan } from './nftables.ts';
import type { NginxPlan } from './nginx.ts';
import type { TraefikPlan } from './traefik.ts';

/** How a server knows whom to refuse: it counts by itself, also in Lua, follows from its log, or asks before each request. */
export type Mode = 'native' | 'log' | 'auth' | 'lua';

/** Everything that a configuration can be made of. */
export type CompilePlan = HaproxyPlan & NginxPlan & CaddyPlan & ApachePlan & TraefikPlan & NftablesPlan;

/** One way in which a server enforces the policies. */
export type Way = {
  /** Files by their names, the configuration first. */
  readonly compile: (plan: CompilePlan) => ReadonlyMap<string, string>;
  /** Judges what was written. */
  readonly check: Checker;
  /** Where the service finds the client in X-Forwarded-For, and has to know the proxies: it alone, or the server, too. */
  readonly proxies?: 'service' | 'both';
  /** What the server cannot do of what the service can. */
  readonly shortcomings: Required<Pick<Check, 'message' | 'evidence' | 'fix'>>;
};

/** A server that can enforce the policies. */
export type Target = {
  /** Where it writes its log, unless told otherwise; what is no web server has none. */
  readonly log?: string;
  /** The decision server that it asks, unless told otherwise; without it the Unix socket of the units. */
  readonly decision?: string;
  /** By mode; the first is used when none is named. */
  readonly ways: Partial<Readonly<Record<Mode, Way>>>;
};
