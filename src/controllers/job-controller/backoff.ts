// How long a job waits before it tries again: longer with every failure since its last success. Pure.

import { endedAt, type ReadonlyPod } from './job-pods.ts'

const MIN_MS = 10_000
const MAX_MS = 10 * 60_000

export interface BackoffRecord {
  /** Since the last success. */
  readonly failures: number
  readonly lastFailureAt: number
}

export const NO_FAILURES: BackoffRecord = { failures: 0, lastFailureAt: 0 }

/** The record after these pods ended. */
export function recordEnds(
  known: BackoffRecord,
  succeeded: readonly ReadonlyPod[],
  failed: readonly ReadonlyPod[],
): BackoffRecord {
  if (succeeded.length === 0 && failed.length === 0) return known
  const since = Math.max(-Infinity, ...succeeded.map(endedAt))
  const ends = failed.map(endedAt).filter((at) => at > since)
  const before = succeeded.length > 0 ? NO_FAILURES : known
  return { failures: before.failures + ends.length, lastFailureAt: Math.max(before.lastFailureAt, ...ends) }
}

export function remainingMs({ failures, lastFailureAt }: BackoffRecord, nowMs: number): number {
  if (failures === 0) return 0
  return Math.max(0, lastFailureAt + Math.min(MIN_MS * 2 ** Math.min(failures - 1, 30), MAX_MS) - nowMs)
}
