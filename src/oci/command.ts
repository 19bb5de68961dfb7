// Running a program with an argument list, never a shell: its output bounded, its failure told in one line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { readAll } from './tar.ts'

/** Kept of a program's standard output (text) and of what it complains about. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const MAX_COMPLAINT_CHARS = 2000

export interface CommandOptions {
  cwd?: string
  signal: AbortSignal
}

/** A program ended with an exit code other than 0. */
export class CommandError extends Error {
  readonly complaint: string
  constructor(message: string, complaint: string) {
    super(message)
    this.complaint = complaint
  }
}

/** Runs a program and hands its standard output to `consume`; rejects when either fails. */
export async function runCommand<T>(
  argv: readonly [string, ...string[]],
  options: CommandOptions,
  consume: (stdout: Readable) => Promise<T>,
): Promise<T> {
  const [program, ...args] = argv
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT_CHARS)
  })
  const end = once(child, 'close')
  const [consumed, ended] = await Promise.allSettled([consume(child.stdout), end])
  if (ended.status === 'rejected') {
    const missing = ended.reason instanceof Error && 'code' in ended.reason && ended.reason.code === 'ENOENT'
    throw missing
      ? new Error(`Cannot run ${program}: it is not installed; Debian packages need a machine with Debian or Ubuntu`)
      : ended.reason
  }
  const [code] = ended.value
  if (code !== 0 && !(consumed.status === 'rejected' && code === null)) {
    const lines = complaint.split('\n').filter((line) => line.startsWith('E:'))
    throw new CommandError(
      `Cannot run ${argv.slice(0, 4).join(' ')}: ${(lines.length > 0 ? lines.join('; ') : complaint.trim()) || `exit code ${code}`}`,
      complaint,
    )
  }
  if (consumed.status === 'rejected') throw consumed.reason
  return consumed.value
}

export async function commandText(argv: readonly [string, ...string[]], options: CommandOptions): Promise<string> {
  return (
    await runCommand(argv, options, (stdout) => readAll(stdout, MAX_OUTPUT_BYTES, `output of ${argv[0]}`))
  ).toString('utf8')
}
