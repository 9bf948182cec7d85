import type { Answer, Dnssec, Resolver, TlsaRecord } from '../dns/types.ts';
import { whyUnusable } from './tlsa.ts';

/**
 * What the DNS says about DANE for one exchanger (RFC 7672 §2.2).
 *
 * - `not-secure`: the addresses are not validated, so TLSA is not even asked for: name servers of unsigned zones
 *   often fail on it (§2.2.2). `untrusted` among the states means that it cannot be told from here.
 * - `none`: securely denied, DANE does not apply to this host
 * - `records`: at `base`, at least one of them usable or not
 * - `failed`: an error is no absence (§2.1.3): who follows DANE does not deliver to this host
 */
export type DaneLookup =
  | { readonly kind: 'not-secure'; readonly dnssec: Dnssec; readonly reason: string }
  | { readonly kind: 'none'; readonly base: string; readonly name: string }
  | {
      readonly kind: 'records';
      /** The name that certificates are for and SNI says (TLSA base domain, §2.2.3). */
      readonly base: string;
      readonly name: string;
      readonly records: readonly TlsaRecord[];
      /** Whether the choice of the host is validated, too; else DANE authenticates the host alone. */
      readonly mxSecure: boolean;
    }
  | {
      readonly kind: 'failed';
      readonly base: string;
      readonly name: string;
      readonly bogus: boolean;
      readonly reason: string;
      readonly evidence: string;
    };

/** Most records of one name that are looked at. */
const MAX_RECORDS = 64;

export type DaneHost = {
  readonly host: string;
  /** The address answers of the host; what was found in them must be secure. */
  readonly answers: readonly Answer<string>[];
  /** State of the answer that named the host: that of the MX records, or of the address for an implicit MX. */
  readonly mxDnssec: Dnssec;
};

/** The weakest state of the answers that hold addresses. */
function addressState(answers: readonly Answer<string>[]): Dnssec {
  const found = answers.filter(({ kind }) => kind === 'found');
  return (found.length > 0 ? found : answers).find(({ dnssec }) => dnssec !== 'secure')?.dnssec ?? 'secure';
}

const REASONS: Readonly<Record<Dnssec, string>> = {
  secure: 'its addresses are validated',
  insecure: 'its addresses are not signed with DNSSEC',
  bogus: 'DNSSEC validation of its addresses fails',
  indeterminate: 'its addresses are not known',
  untrusted: 'the resolver’s word on DNSSEC cannot be believed from here',
};

/**
 * Names under which TLSA may be, in the order in which they are tried (RFC 7672 §2.2.3); none when nothing there
 * is signed.
 */
async function baseNames(
  host: string,
  answers: readonly Answer<string>[],
  dnssec: Dnssec,
  dns: Resolver,
): Promise<string[]> {
  const aliased = answers.find(({ cnames }) => cnames.length > 0);
  if (!aliased) return dnssec === 'secure' ? [host] : [];
  if (dnssec === 'secure') return aliased.owner === undefined ? [host] : [aliased.owner, host];
  // The alias leads out of what is signed: the original name counts if the alias itself is signed.
  const alias = await dns.resolve(host, 'CNAME');
  return alias.kind === 'found' && alias.dnssec === 'secure' ? [host] : [];
}

async function lookUpAt(
  base: string,
  port: number,
  mxSecure: boolean,
  dns: Resolver,
): Promise<Exclude<DaneLookup, { kind: 'not-secure' }>> {
  const name = `_${port}._tcp.${base}`;
  const answer = await dns.resolve(name, 'TLSA');
  if (answer.kind === 'failed') {
    const bogus = answer.dnssec === 'bogus';
    return {
      kind: 'failed',
      base,
      name,
      bogus,
      reason: answer.message,
      evidence: `${answer.rcode} from ${answer.server}`,
    };
  }
  // Records that are not validated, at an alias into an unsigned zone, are as good as none.
  if (answer.kind !== 'found' || answer.dnssec !== 'secure') return { kind: 'none', base, name };
  return { kind: 'records', base, name, records: answer.records.slice(0, MAX_RECORDS), mxSecure };
}

/**
 * Look up the TLSA records of an exchanger, if its addresses are validated.
 *
 * @param port  of the SMTP service, for the name `_25._tcp`
 */
export async function findDane(
  { host, answers, mxDnssec }: DaneHost,
  port: number,
  dns: Resolver,
): Promise<DaneLookup> {
  const dnssec = addressState(answers);
  let last: DaneLookup = { kind: 'not-secure', dnssec, reason: REASONS[dnssec] };
  for (const base of await baseNames(host, answers, dnssec, dns)) {
    last = await lookUpAt(base, port, mxDnssec === 'secure', dns);
    if (last.kind !== 'none') return last;
  }
  return last;
}

/** Whether there is a record that a sender can use. */
export function hasUsable(dane: DaneLookup): boolean {
  return dane.kind === 'records' && dane.records.some((record) => whyUnusable(record) === undefined);
}
