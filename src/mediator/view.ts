import { instant } from '../registry/documents.ts';
import type { Check } from '../report.ts';
import type { EntryView } from '../schema/mediator.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { vbrInfo } from './vbr-zone.ts';

/** An entry for people and scripts. */
export function entryView(entry: LedgerEntry, { mediator }: Ledger): EntryView {
  const { proposal, status, pending, approved, validUntilMs, reason } = entry;
  return {
    id: proposal.id,
    name: proposal.name,
    status,
    domains: proposal.domains,
    mailTypes: proposal.mailTypes,
    level: (approved ?? pending)?.level ?? null,
    checkedBy: approved === null ? [] : [approved.by, approved.second],
    vettedBy: pending?.by ?? null,
    problems: pending?.problems ?? [],
    validUntil: validUntilMs === null ? null : instant(validUntilMs),
    reason,
    vbrInfo:
      status === 'active'
        ? proposal.domains.map(({ domain }) => vbrInfo(domain, proposal.mailTypes, mediator?.id ?? ''))
        : [],
  };
}

const SOON_MS = 30 * 86_400_000;

/** Whether somebody has to look after an entry. */
export function entryCheck({ proposal, status, validUntilMs }: LedgerEntry, nowMs: number): Check {
  const id = 'mediator.entry';
  const fix = `postern mediator vet ${proposal.id}`;
  if (status !== 'active' || validUntilMs === null)
    return { id, status: 'ok', info: true, message: `${proposal.name} is ${status}.` };
  const day = instant(validUntilMs).slice(0, 10);
  if (validUntilMs < nowMs)
    return { id, status: 'crit', message: `${proposal.name} has not been vouched for since ${day}.`, fix };
  if (validUntilMs - nowMs < SOON_MS)
    return { id, status: 'warn', message: `${proposal.name} has to be vetted again by ${day}.`, fix };
  return { id, status: 'ok', message: `${proposal.name} is vouched for until ${day}.` };
}

/** What has happened to a list since it was signed, by ids of entries. */
export function compareEntries(
  signed: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): { readonly added: string[]; readonly changed: string[]; readonly removed: string[] } {
  return {
    added: [...now.keys()].filter((id) => !signed.has(id)),
    changed: [...now].filter(([id, text]) => signed.has(id) && signed.get(id) !== text).map(([id]) => id),
    removed: [...signed.keys()].filter((id) => !now.has(id)),
  };
}
