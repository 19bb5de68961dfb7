// What the long-running programs share: flags with errors in one line, a log, an end on SIGTERM and SIGINT.

import { flushCompileCache } from 'node:module'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { systemClock } from '../base/clock.ts'
import { createLogger, type Level, LEVELS, type Logger } from '../base/log.ts'
import { openLogFile } from '../base/node/log-file.ts'
import { UserError } from '../base/node/user-error.ts'

export type Flags<T extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: T }>>['values']

export function parseFlags<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  program: string,
): Flags<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values as Flags<T>
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), {
      remedy: `see: drover ${program} --help`,
      exitCode: 2,
    })
  }
}

export function parsePort(text: string, flag: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new UserError(`"${text}" is not a port for ${flag}`, { remedy: 'use a number up to 65535', exitCode: 2 })
  return port
}

/** Node keeps what it compiled when it ends; a program that is killed would compile all of it at every start. Costs nothing when it is kept already. */
export function keepCompiled(): void {
  flushCompileCache()
}

/**
 * Has V8's last optimizer, TurboFan, take up a function after 100,000 calls, where V8 thinks of 3,000. It works up to 25 ms on each, and the code of the optimizer
 * before it is nearly as good: over 2,000 requests of a kind the wait saves 8 to 11 % of their cost, over 16,000 still 7 % (`docs/performance.md`). To be called
 * when everything is loaded: code that was compiled ahead, Node's own too, is good only under the options that it was compiled with.
 */
export function optimizeLate(): void {
  setFlagsFromString('--invocation-count-for-turbofan=100000')
}

export function openLog({ file, level }: { file: string | undefined; level: string }): Logger {
  const known = LEVELS.find((name) => name === level)
  if (known === undefined)
    throw new UserError(`"${level}" is not a log level`, { remedy: `use one of: ${LEVELS.join(', ')}`, exitCode: 2 })
  const write = file === undefined ? (line: string) => void process.stderr.write(line) : openLogFile(file).write
  return createLogger({ clock: systemClock, level: known satisfies Level, write })
}

/** Runs until SIGTERM or SIGINT; a second one ends the process at once. */
export async function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(1)
      asked = true
      resolve(signal)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
