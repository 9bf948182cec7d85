import { type Check, worst } from '../report.ts';
import type { KeptList, TrustListResult, TrustSyncResult } from '../schema/trust-lists.ts';
import { instant } from './documents.ts';
import { fetchLogos } from './logos.ts';
import type { Rule, RuleFault } from './rules.ts';
import type { Kept, KeptRegistry, TrustStore } from './store.ts';
import { type Source, update } from './update.ts';

/** What a person can do about a refusal. */
const FIXES: Readonly<Record<Rule, string>> = {
  form: 'Tell the mediator: what is published cannot be read.',
  signature: 'Tell the mediator: somebody else may have put it there. Nothing of it was taken.',
  version: 'Try again in some minutes; if it stays, tell the mediator.',
  rollback: 'Tell the mediator: somebody serves old files, to undo a revocation or by mistake.',
  equivocation: 'Tell the mediator: two readers may be shown two lists.',
  expired: 'Tell the mediator to sign again, and look at the clock of this machine.',
  future: 'Look at the clock of this machine, then tell the mediator.',
  digest: 'Try again; if it stays, a cache on the way or the server serves something else.',
  mediator: 'See whether the source is the one that the mediator named.',
  missing: 'See whether the source is the one that the mediator named; try again in some minutes.',
  source: 'See whether the source can be reached from here, then try again.',
};

/** A longer list is gone through for its logos only when it is new. */
const FEW_ENTRIES = 20_000;

/**
 * Bring one mediator's list up to date and keep it. Call it inside `store.alone`.
 *
 * @throws AppError E_OUTPUT when it cannot be kept
 */
export async function syncMediator(
  kept: Kept,
  store: TrustStore,
  source: Source,
  nowMs: number,
): Promise<TrustSyncResult> {
  const before = store.list(kept);
  const said = kept.holding.list?.said;
  const have = new Set<string>();
  if (before !== null && said) have.add(said.document.sha256);
  if (store.openSignup(kept) !== null && said?.openSignup) have.add(said.openSignup.sha256);
  const { holding, fault, ...files } = await update(kept.holding, source, { nowMs, have });
  const got: Kept = { ...kept, holding, ...(fault === null && { syncedMs: nowMs }) };
  // Without anything accepted there is nothing that a later run could go back on.
  const after = fault === null || holding !== kept.holding ? store.write(got, files) : got;
  const registry = files.document === null && holding.list === kept.holding.list ? before : store.list(after);
  const changed = !isSame(kept, after);
  const check = fault === null ? accepted(after, changed) : refusal(after, fault);
  const look = fault === null && registry !== null && (changed || registry.entryCount <= FEW_ENTRIES);
  const notes = look ? await fetchLogos(registry, source, store.logos) : [];
  return {
    target: holding.root.said.mediator,
    status: check.status,
    summary: check.message,
    checks: [check, ...notes],
    ...describeKept(after, registry),
    changed,
    refused: fault?.rule ?? null,
  };
}

function isSame({ holding: a }: Kept, { holding: b }: Kept): boolean {
  const versions = ({ root, pointer, list }: Kept['holding']) =>
    [root, pointer, list].map((each) => each?.said.version ?? 0).join();
  return versions(a) === versions(b);
}

function accepted({ holding: { root, list } }: Kept, changed: boolean): Check {
  const which = `List ${list?.said.version ?? 0} of ${root.said.name}`;
  const message = changed ? `${which} was accepted.` : `${which} is still the current one.`;
  return { id: 'registry.sync', status: 'ok', message };
}

/** What could not be had is unknown; what breaks a rule was refused. */
function refusal({ holding: { root } }: Kept, { rule, message }: RuleFault): Check {
  const status = rule === 'source' || rule === 'missing' ? 'unknown' : 'crit';
  return {
    id: 'registry.sync',
    status,
    message: `Nothing new was taken of ${root.said.name}: ${message}`,
    evidence: rule,
    fix: FIXES[rule],
  };
}

/** What is kept of a mediator, for people and scripts. */
export function describeKept({ holding, source, syncedMs }: Kept, registry: KeptRegistry | null): KeptList {
  const { root, pointer, list } = holding;
  const ends = [root, pointer, list].flatMap((each) => (each ? [each.said.expiresMs] : []));
  return {
    mediator: root.said.mediator,
    name: root.said.name,
    source,
    root: root.said.version,
    rootExpires: instant(root.said.expiresMs),
    pointer: pointer?.said.version ?? null,
    list: list?.said.version ?? null,
    issued: list ? instant(list.said.issuedMs) : null,
    expires: list ? instant(Math.min(...ends)) : null,
    entries: registry?.entryCount ?? null,
    domains: registry?.byDomain.size ?? null,
    synced: syncedMs === null ? null : instant(syncedMs),
  };
}

/** All that is kept, and what is wrong with it. */
export function listReport(lists: readonly KeptList[], nowMs: number): TrustListResult {
  const checks = lists.map((each) => stateOf(each, nowMs));
  const ripe = checks.filter(({ status }) => status !== 'ok').length;
  const count = `${lists.length} ${lists.length === 1 ? 'list' : 'lists'} of trusted domains`;
  const summary =
    lists.length === 0
      ? 'No list of trusted domains is kept, so nobody can be trusted. "postern trust sync MEDIATOR" fetches one.'
      : `${count} kept${ripe > 0 ? `, ${ripe} of them of no use today` : ''}.`;
  return { target: null, status: worst(checks.map(({ status }) => status)), summary, checks, lists };
}

function stateOf({ mediator, name, expires, entries }: KeptList, nowMs: number): Check {
  const id = 'registry.kept';
  const fix = `postern trust sync ${mediator}`;
  if (expires === null || entries === null)
    return { id, status: 'warn', message: `The list of ${name} has to be fetched.`, fix };
  if (nowMs > Date.parse(expires))
    return { id, status: 'warn', message: `The list of ${name} was valid until ${expires}.`, fix };
  return { id, status: 'ok', message: `The list of ${name} is valid until ${expires}.` };
}
