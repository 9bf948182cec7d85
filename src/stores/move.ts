import { databaseOf, masterKeyOf, openExistingStore, type StorePlace } from '../keys/open.ts';
import type { DatabasePlace } from '../postgres/place.ts';
import { nameOfDatabase } from '../postgres/place.ts';
import type { Check } from '../report.ts';
import type { ValidationMoveResult } from '../schema/validation-transfer.ts';
import type { Act } from '../validation/clients.ts';

/** How many of what is in conflict a finding names. */
const NAMED = 5;

function conflict(what: string, names: readonly string[]): Check[] {
  if (names.length === 0) return [];
  const some = `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`;
  return [
    {
      id: 'move.conflict',
      status: 'crit',
      message: `The database has other secrets for the ${what} ${some}; they stayed as they are there.`,
      fix: 'Find out which of the two is in use; "postern validation status" tells what was done in each.',
    },
  ];
}

const NOTHING = { added: 0, updated: 0, unchanged: 0, conflicts: [] };

function nothing(target: string, folder: string, dryRun: boolean): ValidationMoveResult {
  const message = `There is no store in ${folder}; nothing was moved.`;
  return {
    target,
    status: 'crit',
    summary: message,
    checks: [{ id: 'move.empty', status: 'crit', message, fix: 'Name its folder with --store.' }],
    dryRun,
    keys: NOTHING,
    clients: NOTHING,
    logins: NOTHING,
    sessions: NOTHING,
    auditEntries: 0,
  };
}

/**
 * Move what validation and logins have from a folder into a database that several servers share.
 *
 * @param act  who does it; null to look only
 * @throws AppError E_STORE (exit 69), E_MASTER_KEY, E_STORE_NEWER or E_STORE_UNSAFE (exit 78)
 */
export async function moveStore(
  from: StorePlace,
  to: Pick<DatabasePlace, 'server' | 'password'>,
  act: Act | null,
): Promise<ValidationMoveResult> {
  const target = nameOfDatabase(to.server);
  const dryRun = act === null;
  const store = await openExistingStore(from);
  if (!store) return nothing(target, from.folder, dryRun);
  store.close();
  const { moveIntoDatabase } = await import('../postgres/move.ts');
  const { auditEntries, ...moved } = await moveIntoDatabase(databaseOf(from), masterKeyOf(from), to, act);
  const checks = [...conflict('keys', moved.keys.conflicts), ...conflict('clients', moved.clients.conflicts)];
  const kinds = Object.values(moved);
  const sum = (of: 'added' | 'updated') => kinds.reduce((all, each) => all + each[of], 0);
  const done = dryRun ? 'would be' : sum('added') === 1 ? 'was' : 'were';
  return {
    target,
    status: checks.length > 0 ? 'crit' : 'ok',
    summary: `${sum('added')} ${done} added to ${target}, ${sum('updated')} changed there.`,
    checks,
    dryRun,
    ...moved,
    auditEntries,
  };
}
