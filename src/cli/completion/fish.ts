import type { CommandSpec, CompletionSpec, FlagSpec, Values } from './spec.ts';

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** How `complete` is told what may stand in a place. */
function offer(values: Values): string {
  switch (values.kind) {
    case 'none':
      return '';
    case 'file':
      return '-F';
    case 'host':
      return "-a '(__fish_print_hostnames)'";
    case 'words':
      return `-a ${quoted(values.words.join(' '))}`;
  }
}

function at(name: string): string {
  return `complete -c postern -n ${quoted(`__postern_at ${quoted(name)}`)}`;
}

function flagLine(name: string, flag: FlagSpec): string {
  const { values } = flag;
  // -r and -x want a value; -x offers no files.
  const value = values === null ? '' : values.kind === 'file' ? `-r ${offer(values)}` : `-x ${offer(values)}`;
  return [at(name), `-l ${flag.name}`, value, `-d ${quoted(flag.summary)}`].filter(Boolean).join(' ');
}

function commandLines({ name, flags, args }: CommandSpec): string[] {
  const own = flags.map((flag) => flagLine(name, flag));
  return args.kind === 'none' ? own : [...own, `${at(name)} ${offer(args)}`];
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
complete -c postern -f
${[...words, ...commands.flatMap(commandLines)].join('\n')}
`;
}
