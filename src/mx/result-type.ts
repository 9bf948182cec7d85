import { covers } from '../mta-sts/policy.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import type { MxAddressResult, ResultType } from '../schema/mx-probe.ts';
import { type CertificateFacts, coversHost } from '../smtp/certificate.ts';
import type { Conversation } from './conversation.ts';
import type { FoundHost } from './hosts.ts';

/** What decides how a report would call the outcome at one address. */
export type Outcome = {
  readonly talk: Conversation;
  readonly dane: MxAddressResult['dane'];
  readonly host: FoundHost;
  readonly mtaSts: MtaSts | null;
  readonly nowMs: number;
};

function certificateResult(
  certificate: CertificateFacts | null,
  host: string,
  nowMs: number,
): ResultType | null {
  if (!certificate) return 'certificate-not-trusted';
  if (Date.parse(certificate.notAfter) < nowMs) return 'certificate-expired';
  if (!certificate.trusted) return 'certificate-not-trusted';
  return coversHost(certificate, host) ? null : 'certificate-host-mismatch';
}

/**
 * How the TLS report of a sender that follows the domain's policy would call the outcome (RFC 8460 §4.3); null where
 * it would have nothing to report, or could not tell. DANE stands before MTA-STS (RFC 8461 §2).
 */
export function resultType({ talk, dane, host, mtaSts, nowMs }: Outcome): ResultType | null {
  if (host.dane.kind === 'failed') return host.dane.bogus ? 'dnssec-invalid' : null;
  if (talk.starttls === 'unknown' || talk.starttls === 'implicit') return null;
  const enforced =
    mtaSts?.kind === 'found' && mtaSts.policy.mode !== 'none' && covers(mtaSts.policy, host.host);
  if (talk.starttls === 'not-offered') return 'starttls-not-supported';
  if (!talk.tls) return 'validation-failure';
  if (dane?.result === 'mismatch') return 'validation-failure';
  if (dane?.result === 'unusable') return 'tlsa-invalid';
  if (dane || !enforced) return null;
  return certificateResult(talk.tls.certificate, host.host, nowMs);
}
