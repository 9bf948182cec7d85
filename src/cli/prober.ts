import type { SecureContext } from 'node:tls';
import type { Interfaces } from '@oclif/core';
import type { Resolver } from '../dns/types.ts';
import { type Conversation, converse, type Place, type Variant } from '../mx/conversation.ts';
import { type ProbeOptions, probeTarget } from '../mx/probe.ts';
import type { Switchboard } from '../mx/switchboard.ts';
import { parseTarget } from '../mx/target.ts';
import type { MxProbeResult } from '../schema/mx-probe.ts';
import type { ProbePlan } from '../schema/probe-job.ts';
import type { SpeakerWorld, TranscriptLine } from '../smtp/connection.ts';
import { contextFor, contextForKey } from '../smtp/tls.ts';
import type { dnsFlags, laboratoryFlags, policyFlags, smtpFlags } from './flags.ts';
import { readPem } from './open-dns.ts';
import { mtaStsFinder } from './policies.ts';
import { smtpWorld } from './world.ts';

/** RFC 8314 §7.3: submission with TLS from the first byte on. */
const SUBMISSIONS_PORT = 465;

/** Where mail programs submit (RFC 6409, RFC 8314 §3.3). */
const SUBMISSION = [
  { port: 587, implicitTls: false },
  { port: SUBMISSIONS_PORT, implicitTls: true },
] as const;

/** Ports that mail goes through: what a probe asks outside of a laboratory. */
export const MAIL_PORTS: readonly number[] = [25, ...SUBMISSION.map(({ port }) => port)];

/** Between two questions to a server whose answers look as if they changed, in milliseconds. */
const REPEAT_WAIT_MS = 500;

/** From where and as whom this machine probes. */
export type VantageFlags = Interfaces.InferredFlags<typeof dnsFlags> &
  Interfaces.InferredFlags<typeof laboratoryFlags> &
  Pick<Interfaces.InferredFlags<typeof policyFlags>, 'https-port' | 'cache'> &
  Pick<Interfaces.InferredFlags<typeof smtpFlags>, 'ehlo'>;

export type ProberWorld = {
  readonly flags: VantageFlags;
  readonly dns: Resolver;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly onLine?: (said: TranscriptLine) => void;
};

/** Probes as a plan says, from this machine. */
export type Prober = {
  /** Holds one conversation, until the signal ends it. */
  converse(place: Place, variant: Variant | undefined, signal?: AbortSignal): Promise<Conversation>;
  /** @throws AppError E_TARGET (exit 64) */
  probe(
    target: string,
    talk: Switchboard['talk'],
    more?: Pick<ProbeOptions, 'intrude'>,
  ): Promise<MxProbeResult>;
  /** For conversations of another kind, in which no certificate is looked at. */
  readonly lax: () => SpeakerWorld;
};

/** What is offered to the server in a round of its own. */
function contextOf(
  variant: Variant | undefined,
  { context, laxContext }: Pick<ReturnType<typeof smtpWorld>, 'context' | 'laxContext'>,
  ca: string | undefined,
): SecureContext {
  switch (variant?.kind) {
    case 'version':
      return contextFor(variant.version) ?? context;
    case 'anonymous':
      return laxContext();
    case 'key':
      return contextForKey(variant.key, ca === undefined ? undefined : readPem(ca));
    default:
      return context;
  }
}

/**
 * Get ready to probe as a plan says.
 *
 * @throws AppError E_EHLO, E_CA (exit 64)
 */
export function openProber(plan: ProbePlan, { flags, dns, signal, warn, onLine }: ProberWorld): Prober {
  const { timeoutsMs, asOfMs } = plan;
  const world = {
    ...smtpWorld({
      ...flags,
      port: plan.port,
      'timeout-connect': timeoutsMs.connect,
      'timeout-banner': timeoutsMs.banner,
      'timeout-command': timeoutsMs.command,
      'timeout-tls': timeoutsMs.tls,
      'timeout-total': timeoutsMs.total,
    }),
    signal,
    asOfMs,
    ...(onLine && { onLine }),
  };
  const options: Omit<ProbeOptions, 'talk'> = {
    ...world,
    dns,
    services: plan.submission
      ? SUBMISSION
      : [{ port: plan.port, implicitTls: plan.port === SUBMISSIONS_PORT }],
    submission: plan.submission,
    versions: plan.versions,
    bothCertificates: plan.bothCertificates,
    dnsOnly: plan.dnsOnly,
    repeat: plan.repeat,
    retries: plan.retries,
    retryWaitMs: plan.retryWaitMs,
    repeatWaitMs: REPEAT_WAIT_MS,
    tlsaPort: plan.tlsaPort,
    mtaSts: mtaStsFinder({ ...flags, 'timeout-https': timeoutsMs.https, 'tlsa-port': plan.tlsaPort }, dns, {
      asOfMs,
      signal,
      warn,
      refresh: true,
      checkVersions: plan.policyVersions,
    }),
  };
  return {
    converse: (place, variant, ends = signal) =>
      converse(place, { ...world, signal: ends, context: contextOf(variant, world, flags.ca) }),
    probe: (target, talk, more = {}) => probeTarget(parseTarget(target), { ...options, talk, ...more }),
    lax: () => ({ ...world, context: world.laxContext() }),
  };
}
