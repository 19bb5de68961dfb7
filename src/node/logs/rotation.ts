// Keeps containers' logs small: a large one is set aside and begun anew, and the oldest of those set aside is removed.

import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { RuntimeClient } from '../cri/cri.ts'

export const MAX_LOG_BYTES = 10 * 1024 * 1024
/** The one being written included. */
export const MAX_LOG_FILES = 5

export interface RotationLimits {
  readonly maxBytes: number
  readonly maxFiles: number
}

/** True when the log was rotated. */
export async function rotateLog(
  runtime: Pick<RuntimeClient, 'reopenContainerLog'>,
  container: { readonly id: string; readonly logPath: string },
  now: number,
  { maxBytes, maxFiles }: RotationLimits = { maxBytes: MAX_LOG_BYTES, maxFiles: MAX_LOG_FILES },
): Promise<boolean> {
  const { id, logPath } = container
  const found = await stat(logPath).catch(() => undefined)
  if (found === undefined || found.size < maxBytes) return false
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  const aside = `${logPath}.${stamp}`
  // Twice within a second: the second time waits, so that no file takes another's place.
  if ((await stat(aside).catch(() => undefined)) !== undefined) return false
  await rename(logPath, aside)
  try {
    await runtime.reopenContainerLog(id)
  } catch (error) {
    // The runtime goes on writing to the old file: it gets its name back.
    await rename(aside, logPath)
    throw error
  }
  const rotated = await filesAside(logPath)
  for (const path of rotated.slice(0, Math.max(0, rotated.length - (maxFiles - 1)))) await rm(path)
  return true
}

/** What was set aside of a log, the oldest first. */
export async function filesAside(logPath: string): Promise<string[]> {
  const prefix = `${basename(logPath)}.`
  const names = (await readdir(dirname(logPath))).filter((name) => name.startsWith(prefix))
  return names.sort().map((name) => join(dirname(logPath), name))
}
