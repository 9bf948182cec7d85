import { covers } from '../mta-sts/policy.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import type { MxAddressResult, MxHostResult, SenderOutcome } from '../schema/mx-probe.ts';
import { whyUnauthenticated } from '../smtp/certificate.ts';

type Sender = SenderOutcome['sender'];
type Verdict = Pick<SenderOutcome, 'outcome' | 'reason'>;

const SENDERS = [
  'opportunistic',
  'encrypt',
  'dane',
  'dane-only',
  'verify',
  'secure',
  'mta-sts',
] as const satisfies readonly Sender[];

/** What decides at one address. */
type Situation = {
  readonly host: MxHostResult;
  readonly domain: string;
  readonly mtaSts: MtaSts | null;
  readonly address: MxAddressResult;
};

function encrypted(reason: string): Verdict {
  return { outcome: 'encrypted', reason };
}

function deferred(reason: string): Verdict {
  return { outcome: 'deferred', reason };
}

/** Why there is no TLS at an address that was asked. */
function lack({ starttls, fault }: MxAddressResult): string {
  return starttls === 'offered'
    ? `the negotiation fails: ${fault?.message ?? 'no TLS'}`
    : 'STARTTLS is not offered';
}

function opportunistic({ address }: Situation): Verdict {
  if (address.tls) return encrypted('STARTTLS works; the certificate is not looked at');
  return { outcome: 'plaintext', reason: lack(address) };
}

function strict({ address, host, domain }: Situation, policy: 'encrypt' | 'verify' | 'secure'): Verdict {
  if (!address.tls) return deferred(lack(address));
  if (policy === 'encrypt') return encrypted('STARTTLS works; the certificate is not looked at');
  const reason = whyUnauthenticated(address.certificate, policy, { host: host.host, nextHop: domain });
  return reason === undefined ? encrypted('STARTTLS works and the certificate is valid') : deferred(reason);
}

function dane(situation: Situation, only: boolean): Verdict {
  const { host, address } = situation;
  const { kind, dnssec } = host.dane;
  if (kind === 'failed') return deferred('the look-up of its TLSA records fails, which is no absence');
  if (kind !== 'records') {
    if (dnssec === 'untrusted') return { outcome: 'unknown', reason: `DANE: ${host.dane.reason}` };
    if (only) return deferred('it has no TLSA records that count');
    return opportunistic(situation);
  }
  if (!address.tls) return deferred(`TLSA records ask for TLS, and ${lack(address)}`);
  switch (address.dane?.result) {
    case 'authenticated':
      return encrypted('STARTTLS works and a TLSA record matches');
    case 'unusable':
      return only
        ? deferred('none of its TLSA records is usable')
        : encrypted('no TLSA record is usable: TLS is required, nothing is verified');
    default:
      return deferred(`DANE fails: ${address.dane?.reason ?? 'no certificate was seen'}`);
  }
}

function sts(situation: Situation): Verdict {
  const { mtaSts, host, address } = situation;
  if (mtaSts?.kind === 'unknown')
    return { outcome: 'unknown', reason: `the policy is not known: ${mtaSts.reason}` };
  if (mtaSts?.kind !== 'found' || mtaSts.policy.mode !== 'enforce') {
    const { outcome, reason } = opportunistic(situation);
    return { outcome, reason: `no policy in mode enforce; ${reason}` };
  }
  if (!covers(mtaSts.policy, host.host)) return deferred('the policy does not name this host');
  if (!address.tls) return deferred(lack(address));
  const reason = whyUnauthenticated(address.certificate, 'verify', { host: host.host, nextHop: host.host });
  return reason === undefined
    ? encrypted('the certificate is valid, as the policy demands')
    : deferred(reason);
}

/** What a sender does at one address. None of the strict ones gives up at once: they defer and try again. */
function atAddress(sender: Sender, situation: Situation): Verdict {
  const { starttls, fault, refusedForGood } = situation.address;
  if (refusedForGood) return { outcome: 'refused', reason: fault?.message ?? 'the server refuses' };
  if (starttls === 'unknown') return { outcome: 'unknown', reason: fault?.message ?? 'it was not asked' };
  switch (sender) {
    case 'opportunistic':
      return opportunistic(situation);
    case 'dane':
    case 'dane-only':
      return dane(situation, sender === 'dane-only');
    case 'mta-sts':
      return sts(situation);
    default:
      return strict(situation, sender);
  }
}

const ORDER: readonly SenderOutcome['outcome'][] = [
  'plaintext',
  'refused',
  'deferred',
  'unknown',
  'encrypted',
];

/** A sender may meet any address of a host: the least fortunate one is told. */
function atHost(
  sender: Sender,
  domain: string,
  host: MxHostResult,
  mtaSts: MtaSts | null,
): SenderOutcome | undefined {
  const tried = host.addresses.filter(({ fault }) => fault?.kind !== 'no-route');
  const verdicts = tried.map((address) => atAddress(sender, { host, domain, mtaSts, address }));
  const [worst] = verdicts.toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  return worst && { host: host.host, sender, ...worst };
}

/** What senders of each strictness would do at each exchanger, by the names Postfix gives them, and why. */
export function senderOutcomes(
  domain: string,
  hosts: readonly MxHostResult[],
  mtaSts: MtaSts | null,
): SenderOutcome[] {
  return hosts.flatMap((host) => SENDERS.flatMap((sender) => atHost(sender, domain, host, mtaSts) ?? []));
}
