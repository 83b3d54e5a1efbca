/** Completion scripts made from the commands themselves: one list of words per command, which all three shells look up in the same way. */

import type { Command, Option } from 'commander'

interface Completion {
  /** `stave action create`. */
  readonly path: string
  /** Subcommands, then long options. */
  readonly commands: readonly Word[]
  readonly options: readonly Word[]
}

interface Word {
  readonly word: string
  readonly description: string
}

/** The script for `shell` (bash, zsh or fish). */
export function completionScript(program: Command, shell: string): string {
  const completions = collect(program, program.name(), program.options)
  switch (shell) {
    case 'zsh':
      return zshScript(completions)
    case 'fish':
      return fishScript(completions)
    default:
      return bashScript(completions)
  }
}

function collect(command: Command, path: string, inherited: readonly Option[]): readonly Completion[] {
  const options = [...new Set([...command.options, ...inherited])].filter((option) => !option.hidden)
  const here: Completion = {
    path,
    commands: command.commands.map((child) => ({ word: child.name(), description: child.description() })),
    options: options.map((option) => ({ word: option.long ?? option.flags, description: option.description })),
  }
  return [here, ...command.commands.flatMap((child) => collect(child, `${path} ${child.name()}`, inherited))]
}

const words = ({ commands, options }: Completion): string => [...commands, ...options].map(({ word }) => word).join(' ')

/** The command is found by walking over the words that are subcommands; other words are options and arguments. */
function bashScript(completions: readonly Completion[]): string {
  const cases = completions.map((completion) => `    '${completion.path}') words='${words(completion)}' ;;`)
  const known = completions.map(({ path }) => `'${path}'`).join('|')
  return `# bash completion for stave: source <(stave completion bash)
_stave() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='stave' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
    ${known}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && "$current" != -* ]]; then
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _stave stave
`
}

function zshScript(completions: readonly Completion[]): string {
  const described = ({ commands, options }: Completion): string =>
    [...commands, ...options].map(({ word, description }) => zshQuote(`${word}:${description}`)).join(' ')
  const cases = completions.map((completion) => `    ${zshQuote(completion.path)}) found=(${described(completion)}) ;;`)
  const known = completions.map(({ path }) => zshQuote(path)).join('|')
  return `#compdef stave
# zsh completion for stave: source <(stave completion zsh)
_stave() {
  local target='stave' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$target $word" in
    ${known}) target="$target $word" ;;
    esac
  done
  case "$target" in
${cases.join('\n')}
  esac
  _describe 'stave' found
  _files
}
compdef _stave stave
`
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function fishScript(completions: readonly Completion[]): string {
  const lines = completions.flatMap((completion) => {
    const condition = `-n '__stave_at "${completion.path}"'`
    return [
      ...completion.commands.map(
        (word) => `complete -c stave ${condition} -f -a ${word.word} -d ${fishQuote(word.description)}`,
      ),
      ...completion.options.map(
        (word) => `complete -c stave ${condition} -l ${word.word.replace(/^--/, '')} -d ${fishQuote(word.description)}`,
      ),
    ]
  })
  const known = completions.map(({ path }) => fishQuote(path)).join(' ')
  return `# fish completion for stave: stave completion fish | source
function __stave_at
  set -l path stave
  for word in (commandline -opc)[2..-1]
    if contains -- "$path $word" ${known}
      set path "$path $word"
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
