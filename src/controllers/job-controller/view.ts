// A job with all that counts for its next step: its pods by what they do, and the figures of its status with what is not counted there yet. Pure.

import { isPodActive, isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import { type BackoffRecord, recordEnds } from './backoff.ts'
import { isIndexFailed, judge } from './failure-policy.ts'
import { indexSet } from './index-set.ts'
import {
  allIndexFailures,
  hasIndexLimit,
  indexOf,
  isIndexed,
  isPodFailed,
  isSucceeded,
  isTracked,
  type ReadonlyJob,
  type ReadonlyPod,
} from './job-pods.ts'

export interface JobView {
  readonly job: ReadonlyJob
  readonly pods: readonly ReadonlyPod[]
  readonly active: readonly ReadonlyPod[]
  readonly ready: number
  readonly terminating: number
  /** With those that no status counts yet. */
  readonly succeeded: number
  readonly failed: number
  readonly succeededIndexes: ReadonlySet<number>
  readonly failedIndexes: ReadonlySet<number>
  /** The last failure of an index that waits for its next pod: it carries the count of failures. */
  readonly held: ReadonlyMap<number, ReadonlyPod>
  readonly backoff: BackoffRecord
  readonly nowMs: number
}

export function viewOf(job: ReadonlyJob, pods: readonly ReadonlyPod[], record: BackoffRecord, nowMs: number): JobView {
  const { status = {} } = job
  const { succeeded: uncountedSucceeded = [], failed: uncountedFailed = [] } = status.uncountedTerminatedPods ?? {}
  const uncounted = new Set([...uncountedSucceeded, ...uncountedFailed])
  const isNew = (pod: ReadonlyPod): boolean =>
    isTracked(pod) && !uncounted.has(pod.metadata.uid ?? '') && (!isIndexed(job) || indexOf(job, pod) !== undefined)
  const active = pods.filter(isPodActive)
  const newSucceeded = pods.filter((pod) => isNew(pod) && isSucceeded(pod))
  const newFailed = pods.filter((pod) => isNew(pod) && isPodFailed(job, pod))
  const succeededIndexes = succeededOf(job, pods)
  const failedIndexes = failedOf(job, pods)
  return {
    job,
    pods,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter((pod) => isPodTerminating(pod) && !isPodTerminal(pod)).length,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : (status.succeeded ?? 0) + uncountedSucceeded.length + newSucceeded.length,
    failed: (status.failed ?? 0) + uncountedFailed.length + newFailed.filter((pod) => judge(job, pod).counts).length,
    succeededIndexes,
    failedIndexes,
    held: hasIndexLimit(job) ? heldOf(job, pods, active, succeededIndexes, failedIndexes) : new Map(),
    backoff: recordEnds(record, newSucceeded, newFailed),
    nowMs,
  }
}

function succeededOf(job: ReadonlyJob, pods: readonly ReadonlyPod[]): Set<number> {
  const indexes = indexSet(job.status?.completedIndexes, isIndexed(job) ? (job.spec.completions ?? 0) : 0)
  if (!isIndexed(job)) return indexes
  for (const pod of pods) {
    const index = isSucceeded(pod) && isTracked(pod) ? indexOf(job, pod) : undefined
    if (index !== undefined) indexes.add(index)
  }
  return indexes
}

function failedOf(job: ReadonlyJob, pods: readonly ReadonlyPod[]): Set<number> {
  const indexes = indexSet(job.status?.failedIndexes, hasIndexLimit(job) ? (job.spec.completions ?? 0) : 0)
  if (!hasIndexLimit(job)) return indexes
  for (const pod of pods) {
    const index = isTracked(pod) && isIndexFailed(job, pod) ? indexOf(job, pod) : undefined
    if (index !== undefined) indexes.add(index)
  }
  return indexes
}

function heldOf(
  job: ReadonlyJob,
  pods: readonly ReadonlyPod[],
  active: readonly ReadonlyPod[],
  succeeded: ReadonlySet<number>,
  failed: ReadonlySet<number>,
): Map<number, ReadonlyPod> {
  // The pods that run carry the count of their index themselves.
  const running = new Set(active.map((pod) => indexOf(job, pod)))
  const held = new Map<number, ReadonlyPod>()
  for (const pod of pods) {
    const index = isTracked(pod) && isPodFailed(job, pod) ? indexOf(job, pod) : undefined
    if (index === undefined || running.has(index) || succeeded.has(index) || failed.has(index)) continue
    const known = held.get(index)
    if (known === undefined || allIndexFailures(known) <= allIndexFailures(pod)) held.set(index, pod)
  }
  return held
}
