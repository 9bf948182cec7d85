import type { TlsaRecord } from '../dns/types.ts';

/** Bytes of a digest by matching type (RFC 6698 §2.1.3); type 0 holds the whole thing. */
const DIGEST_LENGTH: Readonly<Record<number, number>> = { 1: 32, 2: 64 };

/** Names of the registry (RFC 7218), for people. */
const USAGES = ['PKIX-TA', 'PKIX-EE', 'DANE-TA', 'DANE-EE'] as const;

/** A record as it stands in a zone file. */
export function tlsaText({ certUsage, selector, match, data }: TlsaRecord): string {
  return `${certUsage} ${selector} ${match} ${data}`;
}

/** The first three fields with the name of the usage, such as `3 1 1 (DANE-EE)`. */
export function tlsaName({ certUsage, selector, match }: TlsaRecord): string {
  const usage = USAGES[certUsage];
  return `${certUsage} ${selector} ${match}${usage ? ` (${usage})` : ''}`;
}

/**
 * Why a record cannot be used for SMTP, as a clause; undefined when it can (RFC 7672 §3.1).
 *
 * Usages 0 and 1 name a public authority, of which SMTP servers share no list (§3.1.3).
 */
export function whyUnusable({ certUsage, selector, match, data }: TlsaRecord): string | undefined {
  if (certUsage === 0 || certUsage === 1) return `usage ${certUsage} is not for SMTP`;
  if (certUsage !== 2 && certUsage !== 3) return `usage ${certUsage} is not known`;
  if (selector !== 0 && selector !== 1) return `selector ${selector} is not known`;
  if (match !== 0 && match !== 1 && match !== 2) return `matching type ${match} is not known`;
  const wanted = DIGEST_LENGTH[match];
  const lengthBytes = data.length / 2;
  if (wanted !== undefined && lengthBytes !== wanted)
    return `its digest has ${lengthBytes} bytes, not ${wanted}`;
  return lengthBytes === 0 ? 'it holds no data' : undefined;
}

/**
 * Whether a usable record is passed over because a stronger digest is published for the same usage and selector
 * (digest algorithm agility, RFC 7672 §5). Whole certificates and keys (type 0) always count.
 */
export function isSuperseded(record: TlsaRecord, all: readonly TlsaRecord[]): boolean {
  return (
    record.match === 1 &&
    all.some(
      (other) =>
        other.match === 2 &&
        other.certUsage === record.certUsage &&
        other.selector === record.selector &&
        whyUnusable(other) === undefined,
    )
  );
}
