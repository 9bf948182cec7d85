import type { CompletionSpec, Values } from './spec.ts';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Values as the script passes them on: the words themselves, and the sources, marked. */
function valueWords({ words, from }: Values): string {
  return [...from.map((source) => `@${source}`), ...words].join(' ');
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
_postern_offer() {
  # What readline took for words of their own before the cursor is there already; it gives back the at sign.
  local word there="\${whole%"$current"}"
  for word in "$@"; do
    [[ $word == "$whole"* ]] && COMPREPLY+=("\${word#"\${there%@}"}")
  done
}
_postern_reply() {
  local each found
  for each in $1; do
    case "$each" in
      @file)
        compopt -o filenames 2>/dev/null
        mapfile -t found < <(compgen -f -- "$current")
        COMPREPLY+=("\${found[@]}")
        ;;
      @host)
        mapfile -t found < <(compgen -A hostname -- "$current")
        COMPREPLY+=("\${found[@]}")
        ;;
      @*)
        mapfile -t found < <(command postern completion --values "\${each#@}" --format text 2>/dev/null)
        _postern_offer "\${found[@]%% *}"
        ;;
      *) _postern_offer "$each" ;;
    esac
  done
}
_postern() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ " $(_postern_next "$command") " == *" \${COMP_WORDS[i]} "* ]] || break
    command="\${command:+$command }\${COMP_WORDS[i]}"
  done
  # What readline takes apart, such as --flag=value and ann@example.org, is one word to everybody else.
  local line="\${COMP_LINE:0:COMP_POINT}"
  local whole="\${line##*[[:space:]]}"
  if [[ $whole == --*=* ]]; then
    before="\${whole%%=*}"
    whole="\${whole#*=}"
    [[ $current == = ]] && current=''
  elif [[ $whole != "$current" ]]; then
    local -a typed
    read -ra typed <<< "\${line%"$whole"}"
    before="\${typed[\${#typed[@]} - 1]}"
  fi
  local values following
  following="$(_postern_next "$command")"
  if [[ $before == --* ]] && values="$(_postern_values "$command $before")"; then
    _postern_reply "$values"
  elif [[ $current == -* ]]; then
    _postern_reply "$(_postern_flags "$command")"
  elif [[ -n $following && $i -eq $COMP_CWORD ]]; then
    _postern_reply "$following"
  else
    _postern_reply "$(_postern_args "$command")"
  fi
}
complete -F _postern postern
`;
}
