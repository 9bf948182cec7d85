import type { Config } from '@oclif/core/config';
import { AppError, ExitCode } from '../errors.ts';

/** Edit distance with transpositions (optimal string alignment), for words of a command line. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] ?? [];
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** The known word nearest to a mistyped one, if it is near enough to have been meant. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word.slice(0, 64), candidate) }))
    .sort((a, b) => a.far - b.far);
  return ranked[0] && ranked[0].far <= limit ? ranked[0].candidate : undefined;
}

/** What the first words of the arguments name. */
export type Called =
  | { readonly kind: 'command'; readonly id: string; readonly argv: readonly string[] }
  | { readonly kind: 'topic' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown'; readonly error: AppError };

function noSuchCommand(config: Config, name: string): AppError {
  const known = config.commandIDs.map((id) => id.replaceAll(':', ' '));
  const topics = config.topics.map((topic) => topic.name.replaceAll(':', ' '));
  const meant = nearest(name, [...known, ...topics]);
  return new AppError(`There is no command '${name}'.`, {
    code: 'E_UNKNOWN_COMMAND',
    exit: ExitCode.unknownCommand,
    hint: meant ? `Did you mean "postern ${meant}"?` : '"postern" alone lists the commands.',
  });
}

/** Find what is called: the longest run of words that names a command; `mx prob` is unknown like `frobnicate`. */
export function findCalled(config: Config, argv: readonly string[]): Called {
  const words: string[] = [];
  for (const arg of argv) {
    if (arg.startsWith('-')) break;
    words.push(arg);
    const id = words.join(':');
    if (config.findCommand(id)) return { kind: 'command', id, argv: argv.slice(words.length) };
    if (!config.findTopic(id)) return { kind: 'unknown', error: noSuchCommand(config, words.join(' ')) };
  }
  return { kind: words.length === 0 ? 'nothing' : 'topic' };
}
