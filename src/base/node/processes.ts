// Looks at processes through /proc: who they are, whose children, what they use, and that a pid still means the process it meant.

import { readdirSync, readFileSync } from 'node:fs'
import { type Clock, sleep } from '../clock.ts'
import { hasCode } from './user-error.ts'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since boot at its start: with the pid, an identity that is not given twice until the next boot. */
  readonly startTime: string
}

export interface ProcessInfo extends ProcessIdentity {
  readonly parent: number
  readonly argv: readonly string[]
  readonly rssBytes: number
  /** User and system time of the process itself. */
  readonly cpuSeconds: number
}

/** The kernel's USER_HZ, 100 on every architecture Drover runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096
/** Node cannot wait for a process that is not its child; look this often. */
const LOOK_INTERVAL_MS = 5

/** Undefined when there is no such process, or only its unreaped remains. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    const { parent, startTime, rssBytes, cpuSeconds } = stat
    return { pid, parent, startTime, rssBytes, cpuSeconds, argv }
  } catch {
    return undefined
  }
}

export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc').flatMap((name) => {
    const info = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined
    return info === undefined ? [] : [info]
  })
}

interface Stat {
  readonly state: string
  readonly parent: number
  readonly startTime: string
  readonly rssBytes: number
  readonly cpuSeconds: number
}

/** Parses /proc/PID/stat, whose second field is a name in parentheses that may hold anything. */
export function parseStat(text: string): Stat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const startTime = fields[19]
  if (state === undefined || parent === undefined || startTime === undefined) return undefined
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  return { state, parent: Number(parent), startTime, rssBytes: Number(fields[21]) * PAGE_BYTES, cpuSeconds }
}

export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return readProcess(pid)?.startTime === startTime
}

/** Sends a signal unless the process has gone, or its pid is another's by now. */
export function signalProcess(info: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(info)) return
  try {
    process.kill(info.pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/** Resolves to true when all have ended, to false when some have not within `timeoutMs`. */
export async function ended(
  processes: readonly ProcessIdentity[],
  { timeoutMs, clock, signal }: { timeoutMs: number; clock: Clock; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const deadline = clock.monotonic() + timeoutMs
  while (processes.some(isRunning)) {
    if (clock.monotonic() > deadline) return false
    await sleep(clock, LOOK_INTERVAL_MS, signal)
  }
  return true
}
