import type { CompletionSpec, Values } from './spec.ts';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Values as the script passes them on: a kind, or the words themselves. */
function valueWords(values: Values): string {
  return values.kind === 'words' ? values.words.join(' ') : `@${values.kind}`;
}

/** Branches of a case statement; what is equal shares one. */
function branches(entries: readonly (readonly [key: string, value: string])[]): string {
  const keys = Map.groupBy(entries, ([, value]) => value);
  return [...keys]
    .map(([value, same]) => `    ${same.map(([key]) => quoted(key)).join(' | ')}) echo ${quoted(value)} ;;`)
    .join('\n');
}

/** The completion script for bash 4 and later. */
export function bashCompletion({ commands, next }: CompletionSpec): string {
  const words = [...next].map(
    ([before, after]) => [before, after.map(({ word }) => word).join(' ')] as const,
  );
  const flags = commands.map(
    ({ name, flags: own }) => [name, own.map((flag) => `--${flag.name}`).join(' ')] as const,
  );
  const values = commands.flatMap(({ name, flags: own }) =>
    own.flatMap((flag) =>
      flag.values ? [[`${name} --${flag.name}`, valueWords(flag.values)] as const] : [],
    ),
  );
  const args = commands.map((command) => [command.name, valueWords(command.args)] as const);
  return `# Completion of postern for bash 4 and later: source it from ~/.bashrc, or keep it as
# ~/.local/share/bash-completion/completions/postern
_postern_next() {
  case "$1" in
${branches(words)}
  esac
}
_postern_flags() {
  case "$1" in
${branches(flags)}
  esac
}
_postern_values() {
  case "$1" in
${branches(values)}
    *) return 1 ;;
  esac
}
_postern_args() {
  case "$1" in
${branches(args)}
  esac
}
_postern_reply() {
  case "$1" in
    @none) ;;
    @file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    @host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$2") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2") ;;
  esac
}
_postern() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ " $(_postern_next "$command") " == *" \${COMP_WORDS[i]} "* ]] || break
    command="\${command:+$command }\${COMP_WORDS[i]}"
  done
  # "--flag=value" is three words to readline.
  if [[ $current == = ]]; then
    current=''
  elif [[ $before == = ]]; then
    before="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  local values following
  following="$(_postern_next "$command")"
  if [[ $before == --* ]] && values="$(_postern_values "$command $before")"; then
    _postern_reply "$values" "$current"
  elif [[ $current == -* ]]; then
    _postern_reply "$(_postern_flags "$command")" "$current"
  elif [[ -n $following && $i -eq $COMP_CWORD ]]; then
    _postern_reply "$following" "$current"
  else
    _postern_reply "$(_postern_args "$command")" "$current"
  fi
}
complete -F _postern postern
`;
}
