// Lock files: made exclusively, with their owner's process in them, so that the lock of a process that was killed is no obstacle.

import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type Clock, sleep } from '../clock.ts'
import { makeParent, readTextIfExists } from './files.ts'
import { isRunning, readProcess } from './processes.ts'
import { hasCode, UserError } from './user-error.ts'

export interface LockOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** How long to wait for another owner; 10 seconds unless said. */
  readonly timeoutMs?: number
}

const RETRY_MS = 20
/** kubectl's own lock files are empty and are held for milliseconds: an older one was left behind. */
const EMPTY_LOCK_AGE_MS = 30_000

/** Runs `work` while holding the lock. */
export async function withLockFile<T>(path: string, options: LockOptions, work: () => Promise<T> | T): Promise<T> {
  await acquire(path, options)
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

async function acquire(path: string, { clock, signal, timeoutMs = 10_000 }: LockOptions): Promise<void> {
  const own = readProcess(process.pid)
  const deadline = clock.monotonic() + timeoutMs
  for (;;) {
    try {
      // Each time anew: whoever held the lock may have removed the directory with it.
      makeParent(path)
      const file = openSync(path, 'wx', 0o600)
      writeFileSync(file, `${process.pid} ${own?.startTime ?? ''}`)
      closeSync(file)
      return
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue
      if (!hasCode(error, 'EEXIST')) throw error
    }
    if (isStale(path, clock)) {
      rmSync(path, { force: true })
      continue
    }
    if (clock.monotonic() > deadline)
      throw new UserError(`Cannot lock "${path}": another process holds it`, {
        remedy: `wait for it to end; when there is none, remove the file: rm ${path}`,
      })
    await sleep(clock, RETRY_MS, signal)
  }
}

function isStale(path: string, clock: Clock): boolean {
  const text = readTextIfExists(path)
  if (text === undefined) return false
  const [pid, startTime] = text.split(' ')
  if (pid && startTime) return !isRunning({ pid: Number(pid), startTime })
  try {
    return clock.now() - statSync(path).mtimeMs > EMPTY_LOCK_AGE_MS
  } catch {
    return false
  }
}
