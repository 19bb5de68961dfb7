// Counting the pods that have ended, each once: its uid is noted in the status before the finalizer that keeps it is taken away. Pure.

import type { JobStatus } from '../../api/batch/job/fields.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { judge } from './failure-policy.ts'
import type { Finish } from './finish.ts'
import { indexSet, indexText } from './index-set.ts'
import { hasIndexLimit, indexOf, isIndexed, isPodFailed, isSucceeded, isTracked, type ReadonlyPod } from './job-pods.ts'
import type { JobView } from './view.ts'

/** So many uids at once are enough for a status. */
const MAX_UNCOUNTED = 500

export interface Account {
  status: JobStatus
  /** Pods that need not be kept any longer. */
  release: readonly ReadonlyPod[]
  /** There were too many to be noted at once. */
  hasMore: boolean
}

export function account(view: JobView, status: JobStatus, finish: Finish | undefined): Account {
  const { job } = view
  const known = settle(status, new Set(view.pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? '')))
  const succeeded = [...(known.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(known.uncountedTerminatedPods?.failed ?? [])]
  const noted = new Set([...succeeded, ...failed])
  const completed = indexSet(known.completedIndexes, job.spec.completions ?? 0)
  const release: ReadonlyPod[] = []
  let [hasMore, newIndexes] = [false, 0]
  for (const pod of view.pods) {
    if (!isTracked(pod) || !mayRelease(view, pod, finish)) continue
    if (newIndexes + succeeded.length + failed.length >= MAX_UNCOUNTED) {
      hasMore = true
      break
    }
    release.push(pod)
    const { uid = '' } = pod.metadata
    const index = isIndexed(job) ? indexOf(job, pod) : undefined
    if (noted.has(uid) || (isIndexed(job) && index === undefined)) continue
    if (isSucceeded(pod)) {
      // An index is counted once, whatever its pods are called.
      if (index === undefined) succeeded.push(uid)
      else if (!completed.has(index)) {
        completed.add(index)
        newIndexes++
      }
      // When a job fails, what still runs of it fails with it.
    } else if ((isPodFailed(job, pod) || finish?.type === 'Failed') && judge(job, pod).counts) failed.push(uid)
  }
  return {
    status: {
      ...known,
      ...(isIndexed(job) ? { succeeded: completed.size, completedIndexes: indexText(completed) } : {}),
      ...(hasIndexLimit(job) ? { failedIndexes: indexText(view.failedIndexes) } : {}),
      uncountedTerminatedPods: uncountedOf(succeeded, failed),
    },
    release,
    hasMore,
  }
}

function mayRelease({ job, held }: JobView, pod: ReadonlyPod, finish: Finish | undefined): boolean {
  if (job.metadata.deletionTimestamp !== undefined || finish !== undefined || isSucceeded(pod)) return true
  if (!isPodFailed(job, pod)) return false
  return held.get(indexOf(job, pod) ?? -1)?.metadata.uid !== pod.metadata.uid
}

/** What was noted of pods that are kept no longer goes into the counters. */
export function settle(status: DeepReadonly<JobStatus>, kept: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const [openSucceeded, openFailed] = [succeeded.filter((uid) => kept.has(uid)), failed.filter((uid) => kept.has(uid))]
  const [moreSucceeded, moreFailed] = [succeeded.length - openSucceeded.length, failed.length - openFailed.length]
  const { conditions, uncountedTerminatedPods: _, ...rest } = status
  return {
    ...rest,
    ...(conditions ? { conditions: conditions.map((condition) => ({ ...condition })) } : {}),
    ...(moreSucceeded > 0 ? { succeeded: (status.succeeded ?? 0) + moreSucceeded } : {}),
    ...(moreFailed > 0 ? { failed: (status.failed ?? 0) + moreFailed } : {}),
    uncountedTerminatedPods: uncountedOf(openSucceeded, openFailed),
  }
}

const uncountedOf = (succeeded: string[], failed: string[]): NonNullable<JobStatus['uncountedTerminatedPods']> => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
})
