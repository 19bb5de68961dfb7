// `drover completion`: scripts that let a shell complete commands and flags.

import type { Command, Given } from '../command.ts'
import { wrong } from '../inputs.ts'

/** The words of a command without its arguments. */
const wordsOf = (use: string): string[] => use.split(' ').filter((word) => !/^[<[]/.test(word))

const flagsOf = (command: Command): string[] =>
  (command.options ?? []).flatMap(({ flags }) => flags.match(/--[a-z-]+/g) ?? [])

/** `commands` comes in as a function: the list contains this command. */
export function completionFor(commands: () => readonly Command[]): Command {
  return {
    use: 'completion <shell>',
    short: 'Print a completion script for bash, zsh or fish',
    async run(session, given: Given) {
      const write = SHELLS[given.args[0] ?? '']
      if (!write) throw wrong(`"${given.args[0]}" is not a shell with completion`, 'use bash, zsh or fish')
      session.out(write(commands()))
    },
  }
}

/** What may follow the words typed so far: by path, the next words and the flags. */
function choices(commands: readonly Command[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>()
  const at = (path: string): Set<string> => {
    const set = found.get(path) ?? new Set()
    found.set(path, set)
    return set
  }
  for (const word of ['server', 'agent', 'help']) at('').add(word)
  for (const command of commands) {
    const words = wordsOf(command.use)
    for (const [index, word] of words.entries()) at(words.slice(0, index).join(' ')).add(word)
    for (const flag of flagsOf(command)) at(words.join(' ')).add(flag)
  }
  return new Map([...found].map(([path, set]) => [path, [...set]]))
}

function bash(commands: readonly Command[]): string {
  const cases = [...choices(commands)]
    .filter(([path]) => path !== '')
    .map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;\n`)
    .join('')
  const first = choices(commands).get('')?.join(' ') ?? ''
  return `# bash completion for drover; load it with: source <(drover completion bash)
_drover() {
  local path='' word words='${first}' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case $path in
    '') ;;
${cases}    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _drover drover
`
}

function zsh(commands: readonly Command[]): string {
  return `#compdef drover\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
}

function fish(commands: readonly Command[]): string {
  const lines = ['# fish completion for drover; load it with: drover completion fish | source', 'complete -c drover -f']
  for (const command of commands) {
    const words = wordsOf(command.use)
    const [first = '', second] = words
    const short = command.short.replaceAll("'", '')
    if (second === undefined) lines.push(`complete -c drover -n __fish_use_subcommand -a ${first} -d '${short}'`)
    else {
      lines.push(`complete -c drover -n __fish_use_subcommand -a ${first}`)
      lines.push(`complete -c drover -n '__fish_seen_subcommand_from ${first}' -a ${second} -d '${short}'`)
    }
    for (const flag of flagsOf(command))
      lines.push(`complete -c drover -n '__fish_seen_subcommand_from ${words.at(-1) ?? ''}' -l ${flag.slice(2)}`)
  }
  return `${lines.join('\n')}\n`
}

const SHELLS: Record<string, (commands: readonly Command[]) => string> = { bash, zsh, fish }
