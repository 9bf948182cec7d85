import type { CompletionSpec, FlagSpec, Source, Values, Word } from './spec.ts';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word with its description as _describe reads it. */
function described(word: string, summary: string): string {
  return quoted(`${word.replaceAll(':', '\\:')}:${summary}`);
}

function branch(key: string, items: readonly string[]): string {
  return `    ${quoted(key)}) reply=(${items.map((item) => `\n      ${item}`).join('')}\n    ) ;;`;
}

function describedWords(words: readonly Word[]): string[] {
  return words.map(({ word, summary }) => described(word, summary));
}

function describedFlags(flags: readonly FlagSpec[]): string[] {
  return flags.map(({ name, summary }) => described(`--${name}`, summary));
}

/** What offers the words of a source. */
function offerOf(source: Source): string {
  switch (source) {
    case 'file':
      return '_files';
    case 'host':
      return '_hosts';
    default:
      return `_postern_stored ${source}`;
  }
}

/** What offers the values of one place. */
function offer({ words, from }: Values): string {
  const parts = [...from.map(offerOf), ...(words.length > 0 ? [`compadd -- ${words.join(' ')}`] : [])];
  return parts.length === 0 ? '_message value' : parts.join('; ');
}

/** Branches that offer something; what is equal shares one. */
function offers(entries: readonly (readonly [key: string, values: Values])[]): string {
  const keys = Map.groupBy(entries, ([, values]) => offer(values));
  return [...keys]
    .map(([action, same]) => `    ${same.map(([key]) => quoted(key)).join(' | ')}) ${action} ;;`)
    .join('\n');
}

/** The completion script for zsh. */
export function zshCompletion({ commands, next }: CompletionSpec): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) => (flag.values ? [[`${name} --${flag.name}`, flag.values] as const] : [])),
  );
  return `#compdef postern
# Completion of postern for zsh: keep it as _postern in a folder of your fpath, or source it after compinit.
_postern_next() {
  reply=()
  case "$1" in
${[...next].map(([before, words]) => branch(before, describedWords(words))).join('\n')}
  esac
}
_postern_flags() {
  reply=()
  case "$1" in
${commands.map(({ name, flags }) => branch(name, describedFlags(flags))).join('\n')}
  esac
}
_postern_stored() {
  local line
  local -a items
  for line in \${(f)"$(command postern completion --values $1 --format text 2>/dev/null)"}; do
    items+=("\${\${line%% *}//:/\\:}:\${line#* }")
  done
  _describe $1 items
}
_postern_values() {
  case "$1" in
${offers(values)}
    *) return 1 ;;
  esac
  return 0
}
_postern_args() {
  case "$1" in
${offers(commands.map(({ name, args }) => [name, args] as const))}
  esac
}
_postern() {
  local command='' i
  local -a reply
  for ((i = 2; i < CURRENT; i++)); do
    _postern_next "$command"
    ((\${reply[(I)\${words[i]}:*]})) || break
    command="\${command:+$command }\${words[i]}"
  done
  if [[ \${words[CURRENT]} == --*=* ]]; then
    local flag="\${words[CURRENT]%%=*}"
    compset -P '*='
    _postern_values "$command $flag"
  elif [[ \${words[CURRENT - 1]} == --* ]] && _postern_values "$command \${words[CURRENT - 1]}"; then
    return
  elif [[ \${words[CURRENT]} == -* ]]; then
    _postern_flags "$command"
    _describe -o flag reply
  else
    _postern_next "$command"
    if ((i == CURRENT && \${#reply})); then
      _describe command reply
    else
      _postern_args "$command"
    fi
  fi
}
if [[ \${funcstack[1]} == _postern ]]; then
  _postern "$@"
else
  compdef _postern postern
fi
`;
}
