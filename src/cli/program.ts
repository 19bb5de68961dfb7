// Puts the commands together under commander, runs the one that was typed and turns what it throws into one line and an exit code.

import { Command as Program, CommanderError } from 'commander'
import { errorText } from '../base/log.ts'
import { hasCode, UserError } from '../base/node/user-error.ts'
import { type Command, Given } from './command.ts'
import { COMMANDS } from './commands/all.ts'
import type { Session } from './session.ts'

export async function runProgram(argv: readonly string[], session: Session): Promise<number> {
  let code = 0
  const program = buildProgram(session, (result) => {
    code = result
  })
  if (argv.length === 0) {
    session.out(program.helpInformation())
    return 0
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    return report(session, error)
  }
}

/** One line and its remedy; the stack only for who asks for it. */
function report(session: Session, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const { message, remedy, exitCode } = explain(error)
  session.err(`drover: ${message}\n`)
  if (remedy) session.err(`        ${remedy}\n`)
  if (session.variables['DROVER_DEBUG'] && error instanceof Error) session.err(`${error.stack}\n`)
  return exitCode
}

function explain(error: unknown): { message: string; remedy: string | undefined; exitCode: number } {
  if (error instanceof UserError) return { message: error.message, remedy: error.remedy, exitCode: error.exitCode }
  const message = errorText(error).split('\n')[0] ?? ''
  if (hasCode(error, 'ENOSPC'))
    return { message: `The disk is full: ${message}`, remedy: 'make room: df -h', exitCode: 1 }
  if (hasCode(error, 'EACCES', 'EPERM')) return { message, remedy: 'run it as root: sudo drover …', exitCode: 1 }
  return { message, remedy: undefined, exitCode: 1 }
}

export function buildProgram(session: Session, done: (code: number) => void): Program {
  const program = new Program('drover')
  program
    .description('A Kubernetes cluster on this machine, in a second.')
    .exitOverride()
    .configureOutput({
      writeOut: session.out,
      writeErr: session.err,
      outputError: (text, write) => write(`drover: ${text.replace(/^error: /, '')}`),
    })
    .enablePositionalOptions()
    .showSuggestionAfterError()
  for (const command of COMMANDS) {
    add(program, command, { session, done, use: command.use, hidden: false })
    const [, ...args] = splitUse(command.use)
    for (const alias of command.aliases ?? [])
      add(program, command, { session, done, use: [alias, ...args].join(' '), hidden: true })
  }
  return program
}

/** `image load <file>` → [`image load`, `<file>`]. */
function splitUse(use: string): [string, ...string[]] {
  const words = use.split(' ')
  const first = words.findIndex((word) => /^[<[]/.test(word))
  return first < 0 ? [use] : [words.slice(0, first).join(' '), ...words.slice(first)]
}

interface Adding {
  readonly session: Session
  readonly done: (code: number) => void
  readonly use: string
  readonly hidden: boolean
}

function add(program: Program, command: Command, { session, done, use, hidden }: Adding): void {
  const [path, ...args] = splitUse(use)
  const words = path.split(' ')
  const parent = words.slice(0, -1).reduce((above, word) => groupOf(above, word, hidden), program)
  const added = parent.command([words.at(-1), ...args].join(' '), { hidden: hidden && parent === program })
  added.description(command.short)
  for (const { flags, about, default: value, many } of command.options ?? []) {
    if (many) added.option(flags, about, (text: string, all: string[]) => [...all, ...text.split(',')], [])
    else added.option(flags, about, value)
  }
  if (command.passThrough) added.allowUnknownOption().passThroughOptions().helpOption(false)
  added.action(async () => {
    const code = await command.run(session, new Given(added.opts(), added.args))
    done(typeof code === 'number' ? code : 0)
  })
}

function groupOf(above: Program, word: string, hidden: boolean): Program {
  const present = above.commands.find((command) => command.name() === word)
  if (present) return present
  return above.command(word, { hidden }).description(GROUPS[word] ?? '')
}

const GROUPS: Record<string, string> = {
  image: 'Build, load and list the images of a cluster',
  node: 'Add, delete, stop and start nodes',
  token: 'Tokens that nodes join with',
  export: 'Export logs',
}
