import { AppError } from '../errors.ts';
import { openReports } from './documents.ts';

/** What reports of both kinds have. */
type Reported = {
  readonly reporter: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
};

/** All reports of a command, each once. */
export type Gathered<T> = {
  readonly reports: readonly T[];
  readonly repeated: number;
  readonly failed: readonly { readonly file: string; readonly message: string }[];
};

/** Names that are told of; the rest is only counted. */
const MAX_NAMES = 50;

/**
 * Read files and keep each report once: receivers send again what they are not sure of, and people save twice.
 *
 * @param files  names, and how each is read
 * @param parse  text of one report; throws AppError
 * @throws AppError of the only file, when there is one and it cannot be read
 */
export async function gatherReports<T extends Reported>(
  files: readonly string[],
  read: (file: string) => Promise<Uint8Array>,
  parse: (name: string, text: string) => T,
): Promise<Gathered<T>> {
  const seen = new Map<string, T>();
  const failed: { file: string; message: string }[] = [];
  let found = 0;
  const take = (name: string, text: string) => {
    const report = parse(name, text);
    found += 1;
    const key = JSON.stringify([report.reporter, report.id, report.beginMs]);
    if (!seen.has(key)) seen.set(key, report);
  };
  for (const file of files) {
    await attempt(file, failed, async () => {
      const documents = await openReports(file, await read(file));
      // One bad report among several does not hide the others.
      for (const { name, text } of documents) await attempt(name, failed, async () => take(name, text));
    });
  }
  return { reports: [...seen.values()], repeated: found - seen.size, failed };

  async function attempt(name: string, into: typeof failed, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AppError) || (files.length === 1 && name === files[0])) throw error;
      into.push({ file: name, message: error.message });
    }
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** What a summary says of the reports themselves. */
export function aboutReports<T extends Reported>({ reports, repeated, failed }: Gathered<T>) {
  const begins = reports.map(({ beginMs }) => beginMs);
  const ends = reports.map(({ endMs }) => endMs);
  return {
    reports: reports.length,
    repeated,
    failed,
    reporters: namesOf(reports.map(({ reporter }) => reporter)),
    begin: begins.length === 0 ? null : isoOf(begins.reduce((a, b) => Math.min(a, b))),
    end: ends.length === 0 ? null : isoOf(ends.reduce((a, b) => Math.max(a, b))),
  };
}

/** Different texts, sorted, not too many. */
export function namesOf(texts: Iterable<string>): string[] {
  return [...new Set(texts)]
    .filter((text) => text !== '')
    .sort((a, b) => (a < b ? -1 : 1))
    .slice(0, MAX_NAMES);
}

/** How many files could not be read, as a finding. */
export function unreadChecks(failed: Gathered<Reported>['failed']) {
  return failed.map(({ message }) => ({
    id: 'report.unreadable',
    status: 'unknown' as const,
    message,
    fix: 'Save the report again as it came, or leave the file out.',
  }));
}
