import type { MxAddressResult, MxHostResult, SenderOutcome } from '../schema/mx-probe.ts';
import { whyUnauthenticated } from '../smtp/certificate.ts';

type Sender = SenderOutcome['sender'];
type Verdict = Pick<SenderOutcome, 'outcome' | 'reason'>;

const SENDERS: readonly Sender[] = ['opportunistic', 'encrypt', 'verify', 'secure'];

/** What a sender does at one address. None of the strict ones gives up at once: they defer and try again. */
function atAddress(sender: Sender, host: string, domain: string, address: MxAddressResult): Verdict {
  const { starttls, tls, fault } = address;
  if (starttls === 'unknown') return { outcome: 'unknown', reason: fault?.message ?? 'it was not asked' };
  if (sender === 'opportunistic') {
    if (tls) return { outcome: 'encrypted', reason: 'STARTTLS works; the certificate is not looked at' };
    const why =
      starttls === 'offered'
        ? `the negotiation fails: ${fault?.message ?? 'no TLS'}`
        : 'STARTTLS is not offered';
    return { outcome: 'plaintext', reason: why };
  }
  if (!tls)
    return {
      outcome: 'deferred',
      reason: starttls === 'offered' ? 'the negotiation fails' : 'STARTTLS is not offered',
    };
  if (sender === 'encrypt')
    return { outcome: 'encrypted', reason: 'STARTTLS works; the certificate is not looked at' };
  const reason = whyUnauthenticated(address.certificate, sender, { host, nextHop: domain });
  return reason === undefined
    ? { outcome: 'encrypted', reason: 'STARTTLS works and the certificate is valid' }
    : { outcome: 'deferred', reason };
}

const ORDER: readonly SenderOutcome['outcome'][] = ['plaintext', 'deferred', 'unknown', 'encrypted'];

/** A sender may meet any address of a host: the least fortunate one is told. */
function atHost(
  sender: Sender,
  domain: string,
  { host, addresses }: MxHostResult,
): SenderOutcome | undefined {
  const tried = addresses.filter(({ fault }) => fault?.kind !== 'no-route');
  const verdicts = tried.map((address) => atAddress(sender, host, domain, address));
  const [worst] = verdicts.toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  return worst && { host, sender, ...worst };
}

/** What senders of each strictness would do at each exchanger, by the names Postfix gives them, and why. */
export function senderOutcomes(domain: string, hosts: readonly MxHostResult[]): SenderOutcome[] {
  return hosts.flatMap((host) => SENDERS.flatMap((sender) => atHost(sender, domain, host) ?? []));
}
