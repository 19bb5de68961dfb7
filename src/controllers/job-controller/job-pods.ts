// What a job wants to know of one of its pods: whether it failed, when it ended, which index it is for. Pure.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Job } from '../../api/batch/job/job.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { podCondition } from '../../api/core/pod/readiness.ts'

export type ReadonlyPod = DeepReadonly<Pod>
export type ReadonlyJob = DeepReadonly<Job>

/** Keeps a pod until its end was counted. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking'
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index'
export const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count'
export const IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isTracked = ({ metadata }: ReadonlyPod): boolean =>
  metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false

export const isIndexed = ({ spec }: ReadonlyJob): boolean => spec.completionMode === 'Indexed'
export const hasIndexLimit = ({ spec }: ReadonlyJob): boolean => spec.backoffLimitPerIndex !== undefined

/** A pod on its way out is replaced only when it has come to its end. */
export const replacesFailedOnly = ({ spec }: ReadonlyJob): boolean => spec.podReplacementPolicy === 'Failed'

export function isPodFailed(job: ReadonlyJob, pod: ReadonlyPod): boolean {
  if (pod.status?.phase === 'Failed') return true
  if (replacesFailedOnly(job)) return false
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
}

export const isSucceeded = (pod: ReadonlyPod): boolean => pod.status?.phase === 'Succeeded'

/** undefined: for no index that the job has. */
export function indexOf({ spec }: ReadonlyJob, { metadata }: ReadonlyPod): number | undefined {
  const text = metadata.annotations?.[COMPLETION_INDEX] ?? ''
  const index = /^\d{1,10}$/.test(text) ? Number(text) : undefined
  return index !== undefined && index < (spec.completions ?? 0) ? index : undefined
}

const countOf = ({ metadata }: ReadonlyPod, annotation: string): number => {
  const text = metadata.annotations?.[annotation] ?? ''
  return /^\d{1,10}$/.test(text) ? Number(text) : 0
}

export const indexFailures = (pod: ReadonlyPod): number => countOf(pod, FAILURE_COUNT)
export const ignoredIndexFailures = (pod: ReadonlyPod): number => countOf(pod, IGNORED_FAILURE_COUNT)
/** All failures of the pod's index before it. */
export const allIndexFailures = (pod: ReadonlyPod): number => indexFailures(pod) + ignoredIndexFailures(pod)

/** When the last container ended; without one, when the pod was no longer ready, was asked to go, or was made. */
export function endedAt(pod: ReadonlyPod): number {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const ends = [...containerStatuses, ...initContainerStatuses].flatMap(({ state }) =>
    state?.terminated?.finishedAt === undefined ? [] : [Date.parse(state.terminated.finishedAt)],
  )
  if (ends.length > 0) return Math.max(...ends)
  const ready = podCondition(pod, 'Ready')
  if (ready?.status === 'False' && ready.lastTransitionTime !== undefined) return Date.parse(ready.lastTransitionTime)
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata
  // The timestamp is of the end of its grace.
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000
  return Date.parse(creationTimestamp ?? '') || 0
}
