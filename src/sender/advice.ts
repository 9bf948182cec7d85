import type { Resolver } from '../dns/types.ts';
import type { Reason } from '../trust/facts.ts';
import { askVoucher, type Vouching } from './vouching.ts';

/** Whose opinion of a domain is asked for. */
export type Advisers = {
  /** Services that vouch by name (RFC 5518). */
  readonly vouchers: readonly string[];
  /** DNS lists of good domains: `<domain>.<zone>` has an address. */
  readonly allowLists: readonly string[];
};

/** What an allow list answers with; 127.255.255.0/24 says that the question was refused. */
const LISTED = /^127\.(?!255\.255\.)\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const MAX_QUOTED = 4;

/**
 * Ask others what they think of an author's domain. The answers are unsigned, so they explain and never decide: none of
 * these reasons is a row of the decision table, and a domain that only they praise is at most authenticated (RG-10).
 *
 * @param domain  A-labels, lower case; null when there is no author to ask about
 */
export async function askAdvice(
  domain: string | null,
  { vouchers, allowLists }: Advisers,
  dns: Resolver,
): Promise<readonly Reason[]> {
  if (domain === null) return [];
  return await Promise.all([
    ...vouchers.map(async (voucher) => vouched(domain, await askVoucher(domain, voucher, dns))),
    ...allowLists.map((zone) => listed(domain, zone, dns)),
  ]);
}

function vouched(domain: string, { voucher, types, unknown }: Vouching): Reason {
  const evidence = { dns: `${domain}._vouch.${voucher}` };
  if (unknown)
    return info(
      `vbr.unknown:${voucher}`,
      `Whether ${voucher} vouches for ${domain} could not be told.`,
      evidence,
    );
  if (types.length === 0)
    return info(`vbr.none:${voucher}`, `${voucher} does not vouch for ${domain}.`, evidence);
  const text = `${voucher} vouches for ${domain} in the DNS (${types.join(', ')}); that is advice and makes nothing trusted.`;
  return info(`vbr.vouched:${voucher}`, text, evidence);
}

async function listed(domain: string, zone: string, dns: Resolver): Promise<Reason> {
  const name = `${domain}.${zone}`;
  const answer = await dns.resolve(name, 'A');
  const said = answer.kind === 'found' ? answer.records : [];
  const codes = said.filter((address) => LISTED.test(address)).slice(0, MAX_QUOTED);
  if (codes.length > 0) {
    const text = `The allow list ${zone} has ${domain} (${codes.join(', ')}); that is advice and makes nothing trusted.`;
    return info(`allow-list.listed:${zone}`, text, { dns: name });
  }
  // An address that is no answer of a list: the zone refuses us, or belongs to somebody else by now.
  if (answer.kind === 'failed' || said.length > 0)
    return info(
      `allow-list.unknown:${zone}`,
      `The allow list ${zone} gave no usable answer about ${domain}.`,
      {
        dns: name,
      },
    );
  return info(`allow-list.none:${zone}`, `The allow list ${zone} does not have ${domain}.`, { dns: name });
}

function info(code: string, text: string, evidence: Reason['evidence']): Reason {
  return { code, severity: 'info', text, evidence };
}
