import type { FileDigest } from '../registry/documents.ts';
import { isAtOrBelow } from '../trust/organization.ts';
import type { Act, Deed, EntryAct, Evidence, Level, Proposal } from './acts.ts';

/** An act that may not be done now. */
export class ActFault extends Error {
  override name = 'ActFault';
}

/** What a vetting found. */
export type Vetted = {
  readonly by: string;
  readonly atMs: number;
  readonly level: Level;
  readonly singleCompany: boolean;
  readonly evidence: readonly Evidence[];
  readonly problems: readonly string[];
};

export type EntryStatus = 'proposed' | 'vetted' | 'active' | 'suspended' | 'revoked';

/** An entry as the journal makes it. */
export type LedgerEntry = {
  readonly proposal: Proposal;
  readonly status: EntryStatus;
  /** The newest vetting that nobody has approved yet. */
  readonly pending: Vetted | null;
  /** The vetting that it stands on, and the second person. */
  readonly approved: (Vetted & { readonly second: string }) | null;
  readonly validFromMs: number | null;
  readonly validUntilMs: number | null;
  readonly revokedAtMs: number | null;
  readonly reason: string | null;
  readonly logo: { readonly mediaType: string; readonly sha256: string } | null;
};

/** Everything that follows from a journal. */
export type Ledger = {
  readonly mediator: { readonly id: string; readonly name: string } | null;
  readonly entries: ReadonlyMap<string, LedgerEntry>;
  /** The newest challenge of each domain. */
  readonly challenges: ReadonlyMap<string, { readonly value: string; readonly atMs: number }>;
  /** The file of domains where anybody can get an address; null before there is one. */
  readonly openSignup: FileDigest | null;
  /** Versions that were given out, so that none is given twice. */
  readonly list: number;
  readonly pointer: number;
  readonly root: number;
};

export const EMPTY: Ledger = {
  mediator: null,
  entries: new Map(),
  challenges: new Map(),
  openSignup: null,
  list: 0,
  pointer: 0,
  root: 0,
};

/** Longest time between two looks at a company (RG-2). */
export const MAX_VALID_MS = 397 * 86_400_000;

/**
 * What an act makes of a ledger. The rules of the mediator are here and nowhere else, so that whoever replays a journal
 * finds an act that was not allowed.
 *
 * @throws {ActFault} when the act may not be done
 */
export function perform(ledger: Ledger, { act, actor, atMs }: Deed): Ledger {
  if (act.kind === 'init') return begin(ledger, act);
  if (ledger.mediator === null) throw new ActFault('There is no mediator yet.');
  switch (act.kind) {
    case 'challenge': {
      const challenges = new Map(ledger.challenges).set(act.domain, { value: act.value, atMs });
      return { ...ledger, challenges };
    }
    case 'add':
      return withEntry(ledger, propose(ledger, act.proposal));
    case 'open-signup':
      return { ...ledger, openSignup: { sha256: act.sha256, lengthBytes: act.lengthBytes } };
    case 'sign':
      return sign(ledger, act);
    case 'rotate':
      if (act.root !== ledger.root + 1)
        throw new ActFault(`Root ${act.root} does not follow ${ledger.root}.`);
      return { ...ledger, root: act.root };
    default:
      return withEntry(ledger, change(entryOf(ledger, act.entry), { act, actor, atMs }));
  }
}

function begin(ledger: Ledger, { mediator, name }: Act & { kind: 'init' }): Ledger {
  if (ledger.mediator !== null) throw new ActFault('There is a mediator already.');
  return { ...ledger, mediator: { id: mediator, name } };
}

function sign(ledger: Ledger, { list, pointer }: Act & { kind: 'sign' }): Ledger {
  if (pointer !== ledger.pointer + 1)
    throw new ActFault(`Pointer ${pointer} does not follow ${ledger.pointer}.`);
  if (list !== ledger.list && list !== ledger.list + 1)
    throw new ActFault(`List ${list} does not follow ${ledger.list}.`);
  return { ...ledger, list, pointer };
}

function withEntry(ledger: Ledger, entry: LedgerEntry): Ledger {
  return { ...ledger, entries: new Map(ledger.entries).set(entry.proposal.id, entry) };
}

/** @throws {ActFault} when there is none */
export function entryOf({ entries }: Ledger, id: string): LedgerEntry {
  const entry = entries.get(id);
  if (entry === undefined) throw new ActFault(`There is no entry '${id}'.`);
  return entry;
}

function propose(ledger: Ledger, proposal: Proposal): LedgerEntry {
  const there = ledger.entries.get(proposal.id);
  if (there !== undefined && there.status !== 'proposed')
    throw new ActFault(`There is an entry '${proposal.id}' already, and it was vetted.`);
  const other = overlapping(ledger, proposal);
  if (other !== null) throw new ActFault(`${other.domain} is in the entry '${other.id}' already.`);
  const nothing = { pending: null, approved: null, validFromMs: null, validUntilMs: null, revokedAtMs: null };
  return { proposal, status: 'proposed', ...nothing, reason: null, logo: there?.logo ?? null };
}

/** A domain of another company that is one of these, or above or below one (RG-3). */
export function overlapping(
  { entries }: Ledger,
  proposal: Pick<Proposal, 'id' | 'domains'>,
): { readonly id: string; readonly domain: string } | null {
  for (const { proposal: other, status } of entries.values()) {
    if (other.id === proposal.id || status === 'revoked') continue;
    for (const { domain } of other.domains)
      if (proposal.domains.some((own) => isAtOrBelow(own.domain, domain) || isAtOrBelow(domain, own.domain)))
        return { id: other.id, domain };
  }
  return null;
}

type EntryDeed = Pick<Deed, 'actor' | 'atMs'> & { readonly act: EntryAct };

function change(entry: LedgerEntry, deed: EntryDeed): LedgerEntry {
  const { act, actor, atMs } = deed;
  const { id } = entry.proposal;
  if (entry.status === 'revoked')
    throw new ActFault(`'${id}' is revoked, which is for good; add it under another id.`);
  switch (act.kind) {
    case 'vet': {
      const { level, singleCompany, evidence, problems } = act;
      const pending = { by: actor, atMs, level, singleCompany, evidence, problems };
      return { ...entry, pending, status: entry.status === 'proposed' ? 'vetted' : entry.status };
    }
    case 'approve':
      if (entry.status !== 'vetted')
        throw new ActFault(`'${id}' is ${entry.status}; only what was vetted is approved.`);
      return second(entry, deed, act.validUntilMs);
    case 'renew':
      if (entry.status !== 'active' && entry.status !== 'suspended')
        throw new ActFault(`'${id}' is ${entry.status}; there is nothing to renew.`);
      return second(entry, deed, act.validUntilMs);
    case 'logo':
      return { ...entry, logo: { mediaType: act.mediaType, sha256: act.sha256 } };
    case 'suspend':
      if (entry.status !== 'active') throw new ActFault(`'${id}' is ${entry.status}, not active.`);
      return { ...entry, status: 'suspended', revokedAtMs: atMs, reason: act.reason };
    case 'revoke':
      if (entry.approved === null)
        throw new ActFault(`'${id}' was never approved: there is nothing to revoke.`);
      return { ...entry, status: 'revoked', revokedAtMs: atMs, reason: act.reason };
  }
}

/** RG-2, RG-3: what one person vetted, another one approves. */
function second(
  entry: LedgerEntry,
  { actor, atMs }: Pick<Deed, 'actor' | 'atMs'>,
  validUntilMs: number,
): LedgerEntry {
  const { pending, proposal } = entry;
  if (pending === null) throw new ActFault(`'${proposal.id}' has not been vetted since it was approved.`);
  if (pending.problems.length > 0)
    throw new ActFault(`The vetting of '${proposal.id}' found ${pending.problems.join(', ')}.`);
  if (isSamePerson(pending.by, actor))
    throw new ActFault(`${pending.by} vetted '${proposal.id}': a second person has to approve it.`);
  if (validUntilMs <= atMs || validUntilMs > pending.atMs + MAX_VALID_MS)
    throw new ActFault('An entry is valid for at most 13 months from its vetting.');
  return {
    ...entry,
    status: 'active',
    pending: null,
    approved: { ...pending, second: actor },
    validFromMs: entry.validFromMs ?? atMs,
    validUntilMs,
    revokedAtMs: null,
    reason: null,
  };
}

/** Case, width and blanks make no second person. */
export function isSamePerson(a: string, b: string): boolean {
  const plain = (name: string) =>
    name
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/[\s._-]+/g, ' ')
      .trim();
  return plain(a) === plain(b);
}
