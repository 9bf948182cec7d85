import { canonicalJson, type Json } from '../registry/canonical.ts';
import { instant } from '../registry/documents.ts';
import { keptLogoName } from '../registry/logos.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';

/** What a list says of itself. */
export type ListHead = { readonly version: number; readonly issuedMs: number; readonly expiresMs: number };

/**
 * The list of trusted domains that follows from a ledger (`trusted-domains/1`, RFC 8785). Nothing else goes into it, so
 * that everybody who has the journal can make the same bytes.
 */
export function listDocument(
  { mediator, entries }: Ledger,
  { version, issuedMs, expiresMs }: ListHead,
): Buffer {
  const listed = [...entries.values()]
    .filter(({ approved }) => approved !== null)
    .sort((a, b) => (a.proposal.id < b.proposal.id ? -1 : 1));
  const text = canonicalJson({
    format: 'trusted-domains/1',
    mediator: { id: mediator?.id ?? '', name: mediator?.name ?? '' },
    version,
    issued: instant(issuedMs),
    expires: instant(expiresMs),
    entries: listed.map(entryJson),
  });
  return Buffer.from(text);
}

function entryJson(entry: LedgerEntry): Json {
  const { proposal, approved, logo } = entry;
  const { id, name, legalName, country, registration, website, domains, aliases, mailTypes } = proposal;
  return {
    id,
    organization: {
      name,
      legalName: legalName ?? undefined,
      country: country ?? undefined,
      registration: registration ?? undefined,
      website: website ?? undefined,
    },
    domains: domains.map(({ domain, includeSubdomains }) => ({ domain, includeSubdomains })),
    aliases,
    mailTypes,
    logo: logo && { mediaType: logo.mediaType, sha256: logo.sha256, file: keptLogoName(logo) },
    vetting: {
      level: approved?.level,
      checkedAt: instant(approved?.atMs ?? 0),
      checkedBy: [approved?.by ?? '', approved?.second ?? ''],
      evidence: (approved?.evidence ?? []).map(({ kind, text }) => ({ kind, text })),
      singleCompany: approved?.singleCompany,
      openSignup: false,
      nextReview: instant(entry.validUntilMs ?? 0),
    },
    status: entry.status,
    validFrom: instant(entry.validFromMs ?? 0),
    validUntil: instant(entry.validUntilMs ?? 0),
    revokedAt: entry.revokedAtMs === null ? undefined : instant(entry.revokedAtMs),
    reason: entry.reason ?? undefined,
  };
}
