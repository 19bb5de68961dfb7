// Processes that outlive whoever started them: started detached with a log and a pid file, found again, stopped.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { makeParent, readJSONIfExists, readTextIfExists, writeFileAtomic } from './files.ts'
import { ended, type ProcessIdentity, type ProcessInfo, readProcess, signalProcess } from './processes.ts'

export interface DetachedOptions {
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  /** Gets standard output and standard error. */
  readonly logFile: string
  readonly pidFile: string
}

/** A log beyond this size is set aside as FILE.1 at the next start. */
const MAX_LOG_BYTES = 16 * 1024 * 1024
const TERM_TIMEOUT_MS = 15_000
const KILL_TIMEOUT_MS = 5_000

/** The running process of a pid file; undefined when it ended, also when its pid has been given to another. */
export function findDetached(pidFile: string): ProcessInfo | undefined {
  const recorded = readJSONIfExists(pidFile)
  if (!isIdentity(recorded)) return undefined
  const info = readProcess(recorded.pid)
  return info?.startTime === recorded.startTime ? info : undefined
}

export async function startDetached(options: DetachedOptions): Promise<ProcessIdentity> {
  const { argv, environment, logFile, pidFile } = options
  makeParent(logFile)
  makeParent(pidFile)
  if (existsSync(logFile) && statSync(logFile).size > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`)
  const log = openSync(logFile, 'a', 0o600)
  try {
    const [program, ...args] = argv
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: environment, cwd: '/' })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (cause) => reject(new Error(`Cannot start "${program}"`, { cause })))
    })
    child.unref()
    const info = child.pid === undefined ? undefined : readProcess(child.pid)
    if (info === undefined) throw new Error(`Cannot start "${program}": it ended at once: ${lastLine(logFile)}`)
    const identity = { pid: info.pid, startTime: info.startTime }
    writeFileAtomic(pidFile, JSON.stringify(identity))
    return identity
  } finally {
    closeSync(log)
  }
}

/** Asks the process to end, makes it when it does not, and removes the pid file. Returns whether one was running. */
export async function stopDetached(
  pidFile: string,
  { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const running = findDetached(pidFile)
  if (running !== undefined) {
    signalProcess(running, 'SIGTERM')
    if (!(await ended([running], { timeoutMs: TERM_TIMEOUT_MS, clock, signal }))) {
      signalProcess(running, 'SIGKILL')
      if (!(await ended([running], { timeoutMs: KILL_TIMEOUT_MS, clock, signal })))
        throw new Error(`Cannot stop process ${running.pid}: it does not end`)
    }
  }
  rmSync(pidFile, { force: true })
  return running !== undefined
}

/** The last line of a log, for the message about a process that did not start. */
export function lastLine(logFile: string): string {
  const text = readTextIfExists(logFile)?.trimEnd() ?? ''
  return text.slice(text.lastIndexOf('\n') + 1) || 'it said nothing'
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string'
  )
}
