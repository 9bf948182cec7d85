import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';

/** What somebody says who vouches for the mail of domains (RFC 5518). */
export type Vouching = {
  /** Who was asked. */
  readonly voucher: string;
  /** Kinds of mail that it vouches for, such as `all` or `transaction`; empty for none. */
  readonly types: readonly string[];
  readonly unknown: boolean;
};

const MAX_TYPES = 10;

/** Ask those who vouch. */
export async function askVoucher(domain: string, voucher: string, dns: Resolver): Promise<Vouching> {
  const answer = await dns.resolve(`${domain}._vouch.${voucher}`, 'TXT');
  const words = answer.kind === 'found' ? (answer.records[0] ?? []).join('').toLowerCase().split(/\s+/) : [];
  const types = words.filter((word) => /^[a-z0-9-]{1,40}$/.test(word)).slice(0, MAX_TYPES);
  return { voucher, types, unknown: answer.kind === 'failed' };
}

/** Information only: a receiver decides itself whose word counts. */
export function vouchingChecks(domain: string, vouchings: readonly Vouching[]): Check[] {
  return vouchings.map(({ voucher, types, unknown }) => ({
    id: 'vbr.vouching',
    status: 'ok',
    info: true,
    message: unknown
      ? `Whether ${voucher} vouches for ${domain} could not be told.`
      : types.length === 0
        ? `${voucher} does not vouch for ${domain}.`
        : `${voucher} vouches for ${domain}: ${types.join(', ')}.`,
    ref: 'RFC 5518',
  }));
}
