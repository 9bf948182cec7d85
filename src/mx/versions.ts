import type { Check } from '../report.ts';
import { contextFor, TLS_VERSIONS, type TlsVersion } from '../smtp/tls.ts';
import type { Conversation, Place } from './conversation.ts';
import type { Switchboard } from './switchboard.ts';

/**
 * Whether a server speaks a version.
 *
 * - `cannot-ask`: our own TLS library does not speak it, which says nothing about the server
 * - `unknown`: the conversation did not get as far as the handshake this time
 */
export type VersionAnswer = 'offered' | 'refused' | 'cannot-ask' | 'unknown';
export type VersionSweep = Readonly<Record<TlsVersion, VersionAnswer>>;

/** Handshakes that a server ends because it does not want the version look like one of these. */
const REFUSALS: ReadonlySet<string> = new Set(['alert', 'handshake', 'closed', 'reset', 'not-tls']);

function answerOf({ tls, fault }: Conversation): VersionAnswer {
  if (tls) return 'offered';
  return fault?.phase === 'tls' && REFUSALS.has(fault.kind) ? 'refused' : 'unknown';
}

/** Ask one server for each version by itself: one more connection each, one after the other. */
export async function sweepVersions(place: Place, talk: Switchboard['talk']): Promise<VersionSweep> {
  const answers = new Map<TlsVersion, VersionAnswer>();
  for (const version of TLS_VERSIONS) {
    const askable = contextFor(version) !== null;
    answers.set(version, askable ? answerOf(await talk(place, { kind: 'version', version })) : 'cannot-ask');
  }
  return Object.fromEntries(answers) as VersionSweep;
}

/** Old versions beside new ones are a warning: they can be forced on careless clients. */
export function versionsCheck(sweep: VersionSweep): Check {
  const offered = TLS_VERSIONS.filter((version) => sweep[version] === 'offered');
  const old = offered.filter((version) => version === 'TLSv1.0' || version === 'TLSv1.1');
  const modern = offered.length > old.length;
  const evidence = TLS_VERSIONS.map((version) => `${version} ${sweep[version]}`).join(', ');
  if (old.length > 0 && modern) {
    return {
      id: 'tls.versions',
      status: 'warn',
      message: `${old.join(' and ')} ${old.length === 1 ? 'is' : 'are'} offered, too; they have been retired.`,
      evidence,
      fix: 'Switch them off (Postfix: smtpd_tls_protocols = >=TLSv1.2), unless you need them for old senders.',
      ref: 'RFC 8996',
    };
  }
  return {
    id: 'tls.versions',
    status: 'ok',
    info: true,
    message:
      offered.length === 0 ? 'No version could be negotiated by itself.' : `Offered: ${offered.join(', ')}.`,
    evidence,
  };
}
