// What a command is given of the world around it, and how progress is shown.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Roots } from '../cluster/places.ts'
import type { Host } from '../cluster/host.ts'

export interface Session {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly roots: Roots
  readonly program: readonly [string, ...string[]]
  readonly projectDirectory: string
  readonly nodeVersion: string
  /** For processes that are started. */
  readonly environment: Readonly<Record<string, string>>
  /** Everything that was set where the command was typed. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly uid: number
  readonly cwd: string
  readonly signal: AbortSignal
  /** Data: standard output. */
  out(text: string): void
  /** Progress and errors: standard error. */
  err(text: string): void
  /** Whether progress can be drawn live. */
  readonly terminal: boolean
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const SPIN_MS = 80

export function hostOf(session: Session, { quiet = false }: { quiet?: boolean } = {}): Host {
  const { clock, random, log, environment, roots, program, uid, signal } = session
  return {
    clock,
    random,
    log,
    environment,
    roots,
    program,
    uid,
    signal,
    step: (text, work) => (quiet ? work() : showStep(session, text, work)),
  }
}

/** Live on a terminal: a spinner that becomes a mark. Elsewhere: a line at the beginning and one at the end. */
export async function showStep<T>(session: Session, text: string, work: () => Promise<T>): Promise<T> {
  const { clock, terminal } = session
  const begin = clock.monotonic()
  const seconds = (): string => `${((clock.monotonic() - begin) / 1000).toFixed(1)} s`
  let stop = (): void => {}
  if (terminal) {
    let frame = 0
    let timer = clock.after(0, () => {})
    const draw = (): void => {
      session.err(`\r\x1b[K ${SPINNER[frame++ % SPINNER.length] ?? ''} ${text}`)
      timer = clock.after(SPIN_MS, draw)
    }
    draw()
    stop = () => {
      timer.cancel()
      session.err('\r\x1b[K')
    }
  } else session.err(` • ${text} …\n`)
  try {
    const result = await work()
    stop()
    session.err(` ✓ ${text} (${seconds()})\n`)
    return result
  } catch (error) {
    stop()
    session.err(` ✗ ${text} (${seconds()})\n`)
    throw error
  }
}

/** Rows of text in columns, as kubectl prints them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 3)))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

export function bytesText(bytes: number): string {
  const mebi = bytes / 1024 / 1024
  return mebi >= 1024
    ? `${(mebi / 1024).toFixed(1)} GiB`
    : mebi >= 1
      ? `${mebi.toFixed(0)} MiB`
      : `${(bytes / 1024).toFixed(0)} KiB`
}
