import { AppError, ExitCode } from '../errors.ts';
import { asSavedProbe, type SavedProbe } from '../mx/diff.ts';
import { readRows } from './rows.ts';

/**
 * Saved results of `mx probe` by domain; of several for one domain the last counts.
 *
 * @throws AppError E_ROWS (exit 65) when the file holds something else
 */
export async function readSavedProbes(file: string): Promise<Map<string, SavedProbe>> {
  const rows = await readRows(file, 'postern/mx-probe/1');
  const saved = new Map<string, SavedProbe>();
  for (const { document, target } of rows) {
    const probe = asSavedProbe(document);
    // A row of a target that could not be asked has no hosts to compare.
    if (probe) saved.set(probe.domain, probe);
    else if (!isFailedRow(document)) throw notProbe(file, target);
  }
  return saved;
}

function isFailedRow(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'error' in document;
}

function notProbe(file: string, target: string): AppError {
  return new AppError(`'${file}': the row of '${target}' is no whole result of "mx probe".`, {
    code: 'E_ROWS',
    exit: ExitCode.input,
    hint: 'Give a file that "mx probe --json" wrote.',
  });
}
