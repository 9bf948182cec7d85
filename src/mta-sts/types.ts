import type { Resolver } from '../dns/types.ts';
import type { PolicyCache } from './cache.ts';
import type { PolicyFetcher } from './fetch.ts';

/** What senders do when an exchanger does not meet the policy: refuse, report only, or nothing (RFC 8461 §5). */
export type MtaStsMode = 'enforce' | 'testing' | 'none';

/** A policy as it is applied (RFC 8461 §3.2). */
export type MtaStsPolicy = {
  readonly mode: MtaStsMode;
  /** 0 to 31,557,600. */
  readonly maxAgeSeconds: number;
  /** Names or `*.` patterns, lower case, without the final dot. */
  readonly mx: readonly string[];
};

/** RFC 8460 §4.3.2.2: the result types that the fetch of a policy can have. */
export type PolicyFault = 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid';

/** Why something about a policy failed; `reason` is a clause, without capital and full stop. */
export type PolicyProblem = {
  readonly result: PolicyFault;
  readonly reason: string;
  /** What was seen: foreign text. */
  readonly evidence?: string;
};

/**
 * Whether the policy host speaks a version with a valid certificate; `unknown` when it could not be told. Versions below 1.2
 * are not asked for.
 */
export type PolicyHostVersions = Readonly<Record<'TLSv1.2' | 'TLSv1.3', 'offered' | 'refused' | 'unknown'>>;

/** The certificate with which a policy came; valid, or the policy would not have been taken. */
export type PolicyHostCertificate = {
  /** RFC 3339, UTC. */
  readonly notAfter: string;
  /** Whole days from the time at which expiry is judged. */
  readonly daysLeft: number;
};

/** A policy that applies. */
export type MtaStsFound = {
  readonly kind: 'found';
  /** As the record says now; null where a kept policy applies though there is no (readable) record. */
  readonly id: string | null;
  readonly policy: MtaStsPolicy;
  readonly source: 'fetched' | 'cache';
  /** The policy as it was served: foreign text, at most 64 KiB. */
  readonly text: string;
  /** What is not as it should be and does no harm, each as a sentence. */
  readonly oddities: readonly string[];
  /** Name of the policy host. */
  readonly host: string;
  /** Its addresses, those that may be connected to; empty when nothing was fetched. */
  readonly ips: readonly string[];
  /** The address that gave the policy; null when nothing was fetched. */
  readonly servedBy: string | null;
  /** Null when not asked for or nothing was fetched. */
  readonly versions: PolicyHostVersions | null;
  /** Null when nothing was fetched. */
  readonly certificate: PolicyHostCertificate | null;
  /** Why a kept policy could not be renewed, and applies all the same (RFC 8461 §5.1). */
  readonly refreshFault?: PolicyProblem;
};

/** What a domain says about TLS to its exchangers (RFC 8461). */
export type MtaSts =
  | MtaStsFound
  /** No record, and no policy kept from before. */
  | { readonly kind: 'none' }
  /** Senders treat it as none. `records` are foreign text. */
  | { readonly kind: 'invalid-record'; readonly reason: string; readonly records: readonly string[] }
  /** There is a record and no policy can be had: senders without a kept one act as if there were none. */
  | ({ readonly kind: 'failed'; readonly id: string; readonly host: string } & PolicyProblem)
  /** The DNS failed, or the policy host cannot be asked from here; nothing is kept from before. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** What the search for a policy needs from outside. */
export type MtaStsWorld = {
  readonly dns: Resolver;
  /** Left out: a new one of `createPolicyFetcher(ca)`; share one in a run of many domains. */
  readonly fetch?: PolicyFetcher;
  /** 443, or another one in a laboratory. */
  readonly httpsPort: number;
  /** Connect to addresses that are not public, too. */
  readonly allowPrivate: boolean;
  /** Connect nowhere but to loopback. */
  readonly offline: boolean;
  /** Certificates in PEM, trusted beside those of Node. */
  readonly ca?: string;
  /** Milliseconds since the epoch: the age of kept policies. */
  readonly now: () => number;
  /** When the expiry of certificates is judged; left out: now. */
  readonly asOfMs?: number;
  /** Null: nothing is kept and nothing kept is used. */
  readonly cache: PolicyCache | null;
  /** Fetch even if a kept policy has the id of the record: what a probe wants to see. */
  readonly refresh?: boolean;
  /** For the whole fetch, all addresses together. RFC 8461 §3.3 suggests a minute. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Ask the policy host for each TLS version by itself, too: more connections, in a worker. */
  readonly checkVersions?: boolean;
};
