// Looks at processes through /proc: who they are, whose children, and that a pid still means the process it meant.

import { readdirSync, readFileSync } from 'node:fs'
import { type Clock, sleep } from '../../base/clock.ts'

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Clock ticks since boot at its start: with the pid, an identity that is not given twice. */
  readonly startTime: string
  readonly argv: readonly string[]
}

/** Node cannot wait for a process that is not its child; look this often. */
const LOOK_INTERVAL_MS = 5

/** Undefined when there is no such process, or only its unreaped remains. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    return { pid, parent: stat.parent, startTime: stat.startTime, argv }
  } catch {
    return undefined
  }
}

export function listProcesses(): ProcessInfo[] {
  const found: ProcessInfo[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const info = readProcess(Number(name))
    if (info !== undefined) found.push(info)
  }
  return found
}

/** Parses /proc/PID/stat, whose second field is a name in parentheses that may hold anything. */
export function parseStat(text: string): { state: string; parent: number; startTime: string } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const startTime = fields[19]
  if (state === undefined || parent === undefined || startTime === undefined) return undefined
  return { state, parent: Number(parent), startTime }
}

export function isRunning({ pid, startTime }: Pick<ProcessInfo, 'pid' | 'startTime'>): boolean {
  return readProcess(pid)?.startTime === startTime
}

/** The processes below `roots` in the tree of parents, without the roots. */
export function descendants(processes: readonly ProcessInfo[], roots: readonly ProcessInfo[]): ProcessInfo[] {
  const children = Map.groupBy(processes, ({ parent }) => parent)
  const found: ProcessInfo[] = []
  const seen = new Set(roots.map(({ pid }) => pid))
  const queue = [...roots]
  for (const { pid } of queue) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue
      seen.add(child.pid)
      found.push(child)
      queue.push(child)
    }
  }
  return found
}

/** Sends a signal unless the process has gone, or its pid is another's by now. */
export function signalProcess(info: ProcessInfo, signal: NodeJS.Signals): void {
  if (!isRunning(info)) return
  try {
    process.kill(info.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Resolves to true when all have ended, to false when some have not within `timeoutMs`. */
export async function ended(
  processes: readonly ProcessInfo[],
  timeoutMs: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = clock.monotonic() + timeoutMs
  while (processes.some(isRunning)) {
    if (clock.monotonic() > deadline) return false
    await sleep(clock, LOOK_INTERVAL_MS, signal)
  }
  return true
}
