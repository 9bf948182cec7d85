import { covers } from '../mta-sts/policy.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import type { Check } from '../report.ts';
import { whyUnauthenticated } from '../smtp/certificate.ts';
import type { Conversation } from './conversation.ts';

const REF = 'RFC 8461 §4.2';

/** The findings about one address under the domain's MTA-STS policy; none where it does not bind anybody. */
export function stsAddressChecks(found: MtaSts | null, host: string, talk: Conversation): Check[] {
  if (found?.kind !== 'found' || found.policy.mode === 'none') return [];
  if (talk.starttls === 'unknown' || !covers(found.policy, host)) return [];
  const enforced = found.policy.mode === 'enforce';
  const status = enforced ? 'crit' : 'warn';
  const consequence = enforced
    ? 'senders that follow it do not deliver here'
    : 'under enforce mail would stay away';
  if (!talk.tls) {
    return [
      {
        id: 'mta-sts.starttls',
        status,
        message: `MTA-STS asks for TLS, but there is none: ${consequence}.`,
        fix: 'Mend STARTTLS on the server, or set the policy’s mode to none.',
        ref: REF,
      },
    ];
  }
  const reason = whyUnauthenticated(talk.tls.certificate, 'verify', { host, nextHop: host });
  if (reason === undefined) {
    return [
      {
        id: 'mta-sts.cert',
        status: 'ok',
        message: 'MTA-STS: the certificate is valid for the policy.',
        ref: REF,
      },
    ];
  }
  return [
    {
      id: 'mta-sts.cert',
      status,
      message: `MTA-STS asks for a valid certificate, but ${reason}: ${consequence}.`,
      fix: `Give the server a certificate of a public authority for ${host}, with its whole chain.`,
      ref: REF,
    },
  ];
}
