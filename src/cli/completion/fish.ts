import type { CommandSpec, CompletionSpec, FlagSpec, Values } from './spec.ts';

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** How `complete` is told what may stand in a place, but for files; null for nothing. */
function offered({ words, from }: Values): string | null {
  const calls = from
    .filter((source) => source !== 'file')
    .map((source) => (source === 'host' ? '(__fish_print_hostnames)' : `(__postern_stored ${source})`));
  const all = [...calls, ...words].join(' ');
  return all === '' ? null : `-a ${quoted(all)}`;
}

function at(name: string): string {
  return `complete -c postern -n ${quoted(`__postern_at ${quoted(name)}`)}`;
}

function flagLine(name: string, flag: FlagSpec): string {
  const { values } = flag;
  // -r and -x want a value; -x offers no files.
  const wants = values === null ? null : values.from.includes('file') ? '-r -F' : '-x';
  const words = values && offered(values);
  return [at(name), `-l ${flag.name}`, wants, words, `-d ${quoted(flag.summary)}`].filter(Boolean).join(' ');
}

function commandLines({ name, flags, args }: CommandSpec): string[] {
  const words = offered(args);
  const files = args.from.includes('file') ? '-F' : null;
  const own = words === null && files === null ? [] : [[at(name), files, words].filter(Boolean).join(' ')];
  return [...flags.map((flag) => flagLine(name, flag)), ...own];
}

/** The completion script for fish 3.4 and later. */
export function fishCompletion({ commands, next }: CompletionSpec): string {
  const words = [...next].flatMap(([before, after]) =>
    after.map(({ word, summary }) => `${at(before)} -a ${quoted(word)} -d ${quoted(summary)}`),
  );
  const paths = [...next].flatMap(([before, after]) => after.map(({ word }) => `${before} ${word}`.trim()));
  return `# Completion of postern for fish: keep it as ~/.config/fish/completions/postern.fish
set -g __postern_paths ${paths.map(quoted).join(' ')}
function __postern_at
    set -l command ''
    for word in (commandline -opc)[2..]
        set -l longer (string trim -- "$command $word")
        contains -- $longer $__postern_paths
        or break
        set command $longer
    end
    test "$command" = "$argv[1]"
end
function __postern_stored
    command postern completion --values $argv[1] --format text 2>/dev/null | string replace ' ' \\t
end
complete -c postern -f
${[...words, ...commands.flatMap(commandLines)].join('\n')}
`;
}
