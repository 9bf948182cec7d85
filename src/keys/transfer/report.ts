import { type Check, worst } from '../../report.ts';
import type { ValidationImportResult } from '../../schema/validation-transfer.ts';
import type { Adoptions, Outcome } from './adopt.ts';
import { type Found, NOT_OURS } from './entry.ts';

/** How many keys a finding names. */
const NAMED = 5;

const some = (ids: readonly string[]) =>
  `${ids.slice(0, NAMED).join(', ')}${ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''}`;

const keysOf = (count: number) => (count === 1 ? 'One key' : `${count} keys`);

type LeftOutRows = { readonly count: number; readonly damaged: readonly string[] };

/** Rows of other uses of a key are none of ours; damaged ones are keys that somebody may miss. */
function aboutLeftOut({ count, damaged }: LeftOutRows, keys: number): Check | null {
  if (count === 0) return null;
  const id = 'import.left-out';
  const rows = count === 1 ? 'One row was' : `${count} rows were`;
  if (keys === 0)
    return {
      id,
      status: 'crit',
      message: `There is no key in it: ${rows} left out.`,
      evidence: some(damaged),
      fix: 'Look at those rows, and whether it is the right file.',
    };
  if (damaged.length === 0)
    return { id, status: 'ok', info: true, message: `${rows} left out: no Yubico OTP.` };
  return {
    id,
    status: 'warn',
    message: `${damaged.length === 1 ? 'One row' : `${damaged.length} rows`} could not be read, and ${damaged.length === 1 ? 'was' : 'were'} left out.`,
    evidence: some(damaged),
    fix: 'Mend those rows and import the file again: what is there already stays as it is.',
  };
}

function checksOf({ keys, strangers }: Adoptions, rows: LeftOutRows): Check[] {
  const ids = (fits: (key: (typeof keys)[number]) => boolean) =>
    keys.filter(fits).map(({ publicId }) => publicId);
  const disproved = ids(({ proven }) => proven === false);
  const conflicts = ids(({ outcome }) => outcome === 'conflict');
  const bare = ids(({ outcome }) => outcome === 'no-secret');
  const waiting = ids(({ state, outcome }) => state === 'written' && outcome !== 'conflict');
  const found: Check[] = [];
  if (disproved.length > 0)
    found.push({
      id: 'import.proof',
      status: 'crit',
      message: `An OTP does not decrypt with what the file says of its key: ${some(disproved)}. Nothing was taken over.`,
      fix: 'The key was reprogrammed since, or the file is of another key. Leave it out and import the others.',
    });
  if (conflicts.length > 0)
    found.push({
      id: 'import.conflict',
      status: 'crit',
      message: `Another secret is on record for ${some(conflicts)}.`,
      fix: 'One of the two is old. Find out which the key has with --prove in an empty state directory.',
    });
  if (bare.length > 0)
    found.push({
      id: 'import.no-secret',
      status: 'warn',
      message: `The secrets of ${some(bare)} are neither in the files nor on record.`,
      fix: 'Counters and secrets lie in two databases: name both in one call. A private id that is in neither is found with --prove.',
    });
  if (strangers.length > 0)
    found.push({
      id: 'import.stranger',
      status: 'warn',
      message: `${strangers.length === 1 ? 'An OTP is' : `${strangers.length} OTPs are`} of no key in the files.`,
      fix: 'Look at its first characters: they are the public id.',
    });
  if (waiting.length > 0)
    found.push({
      id: 'import.waiting',
      status: 'ok',
      info: true,
      message: `${keysOf(waiting.length)} will be taken once an OTP was seen: import again with --prove.`,
    });
  const leftOut = aboutLeftOut(rows, keys.length);
  if (leftOut !== null) found.push(leftOut);
  return found;
}

/** What came of an import. */
export function importResult(
  files: readonly { readonly file: string; readonly found: Found }[],
  adopted: Adoptions,
  dryRun: boolean,
): ValidationImportResult {
  const { keys } = adopted;
  const number = (outcome: Outcome) => keys.filter((key) => key.outcome === outcome).length;
  const counts = {
    added: number('added'),
    updated: number('updated'),
    unchanged: number('unchanged'),
    conflict: number('conflict'),
    'no-secret': number('no-secret'),
    proven: keys.filter(({ proven }) => proven === true).length,
  };
  const left = files.flatMap(({ file, found }) => found.leftOut.map((each) => ({ file, ...each })));
  const checks = checksOf(adopted, {
    count: files.reduce((sum, { found }) => sum + found.leftOutCount, 0),
    damaged: left
      .filter(({ why }) => !why.startsWith(NOT_OURS))
      .map(({ file, where, why }) => `${file}, ${where}: ${why}`),
  });
  const blocked = checks.some(({ id }) => id === 'import.proof');
  const would = dryRun || blocked ? 'would be ' : '';
  return {
    target: null,
    status: worst(checks.map(({ status }) => status)),
    summary: `${keysOf(keys.length)}: ${counts.added} ${would}added, ${counts.updated} ${would}updated, ${counts.unchanged} unchanged, ${counts.proven} proven.`,
    checks,
    dryRun,
    files: files.map(({ file, found: { format, entries, leftOutCount } }) => ({
      file,
      format,
      keys: entries.length,
      leftOut: leftOutCount,
    })),
    counts,
    keys,
    leftOut: left,
  };
}
