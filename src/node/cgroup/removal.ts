// Removes a tree of cgroups: kills what runs in it, innermost first, and waits until the kernel lets the directories go.

import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, sleep } from '../../base/clock.ts'
import { isRunning, type ProcessInfo, readProcess } from './processes.ts'

/** A killed process leaves its cgroup when it is reaped; between looks, wait this long. */
const LOOK_INTERVAL_MS = 5
/** After this long a process is taken to be stuck in the kernel. */
const REMOVE_TIMEOUT_MS = 10_000

/** Kills every process below `directory`, removes it, and waits until they have ended. Does nothing when it is not there. */
export async function removeTree(directory: string, clock: Clock, signal?: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + REMOVE_TIMEOUT_MS
  // A dying process may leave its cgroup before it lets go of its files and its pid.
  const killed = new Map<number, ProcessInfo>()
  for (;;) {
    signal?.throwIfAborted()
    for (const pid of processesBelow(directory)) {
      const info = readProcess(pid)
      if (info !== undefined) killed.set(pid, info)
    }
    killTree(directory)
    const left = [...killed.values()].filter(isRunning)
    if (removeOnce(directory) && left.length === 0) return
    if (clock.monotonic() > deadline)
      throw new Error(
        `Cannot remove cgroup "${directory}": processes ${left.map(({ pid }) => pid).join(', ')} do not end`,
      )
    await sleep(clock, LOOK_INTERVAL_MS, signal)
  }
}

/** The processes in a cgroup and in those below it. */
export function processesBelow(directory: string): number[] {
  const pids: number[] = []
  for (const path of treeOf(directory)) pids.push(...processesOf(path))
  return pids
}

function killTree(directory: string): void {
  const atOnce = join(directory, 'cgroup.kill')
  if (existsSync(atOnce)) {
    writeFileSync(atOnce, '1')
    return
  }
  for (const pid of processesBelow(directory)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** One pass from the innermost outwards; false when something was still busy. */
function removeOnce(directory: string): boolean {
  let removed = true
  for (const path of treeOf(directory).reverse()) {
    try {
      rmdirSync(path)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EBUSY' || code === 'ENOTEMPTY') removed = false
      else if (code !== 'ENOENT') throw error
    }
  }
  return removed
}

/** The directory and all below it, outermost first. */
function treeOf(directory: string): string[] {
  const paths = [directory]
  for (const path of paths) {
    try {
      for (const entry of readdirSync(path, { withFileTypes: true }))
        if (entry.isDirectory()) paths.push(join(path, entry.name))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return paths
}

function processesOf(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
  } catch {
    // Gone, or a threaded cgroup whose processes show in its parent.
    return []
  }
}
