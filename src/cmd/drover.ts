// The program `drover`: the long-running parts go straight to their own file, everything else to the command line.

import { setSourceMapsSupport } from 'node:module'
import { errorText } from '../base/log.ts'
import { UserError } from '../base/node/user-error.ts'

/** The bundle's stack traces name the sources for whoever asks; reading the maps takes longer than the start itself. */
if (process.env['DROVER_DEBUG']) setSourceMapsSupport(true)

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv
  switch (command) {
    case 'server': {
      const { runServer } = await import('./server.ts')
      await runServer(rest)
      return 0
    }
    case 'agent': {
      const { runAgent } = await import('./agent.ts')
      await runAgent(rest)
      return 0
    }
    default: {
      const { runCommandLine } = await import('./command-line.ts')
      return runCommandLine(argv, import.meta.filename)
    }
  }
}

/** One line and its remedy; the stack only for who asks for it. */
function report(error: unknown): number {
  process.stderr.write(`drover: ${errorText(error)}\n`)
  if (error instanceof UserError && error.remedy) process.stderr.write(`        ${error.remedy}\n`)
  if (process.env['DROVER_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return error instanceof UserError ? error.exitCode : 1
}

process.exitCode = await main(process.argv.slice(2)).catch(report)
// What is still open (keep-alive sockets, watches) must not keep a command that is done.
if (process.exitCode !== undefined) process.exit()
