// How many pods a job should have now, and which ones. Pure.

import { podsToDelete } from '../replica-set-core/ranking.ts'
import { remainingMs } from './backoff.ts'
import {
  allIndexFailures,
  endedAt,
  hasIndexLimit,
  indexOf,
  isIndexed,
  replacesFailedOnly,
  type ReadonlyPod,
} from './job-pods.ts'
import type { JobView } from './view.ts'
import { isPodTerminating } from '../../api/core/pod/readiness.ts'

/** More than this is never created or deleted in one go. */
const MAX_PER_SYNC = 500

export type Plan =
  | { do: 'nothing' }
  | { do: 'wait'; ms: number }
  | { do: 'delete'; pods: readonly ReadonlyPod[] }
  /** `indexes` only where they count. */
  | { do: 'create'; count: number; indexes?: readonly number[] }

export function planOf(view: JobView): Plan {
  const { job, active, succeeded, nowMs } = view
  const { completions, parallelism = 1 } = job.spec
  if (job.spec.suspend === true)
    return active.length > 0 ? { do: 'delete', pods: active.slice(0, MAX_PER_SYNC) } : NOTHING
  const wanted =
    completions === undefined
      ? // One success is enough: what runs may end by itself.
        succeeded > 0
        ? active.length
        : parallelism
      : Math.max(0, Math.min(completions - succeeded, parallelism))
  const doomed = surplus(view, Math.max(0, active.length - wanted)).slice(0, MAX_PER_SYNC)
  if (doomed.length > 0) return { do: 'delete', pods: doomed }
  const terminating = replacesFailedOnly(job) ? view.terminating : 0
  const missing = Math.min(wanted - terminating - active.length, MAX_PER_SYNC)
  if (missing <= 0) return NOTHING
  if (hasIndexLimit(job)) return planOfIndexes(view, missing)
  const ms = remainingMs(view.backoff, nowMs)
  if (ms > 0) return { do: 'wait', ms }
  if (!isIndexed(job)) return { do: 'create', count: missing }
  const indexes = pendingIndexes(view, missing)
  return indexes.length > 0 ? { do: 'create', count: indexes.length, indexes } : NOTHING
}

const NOTHING: Plan = { do: 'nothing' }

/** Each index waits by its own failures. */
function planOfIndexes(view: JobView, missing: number): Plan {
  let least: number | undefined
  const indexes: number[] = []
  for (const index of pendingIndexes(view, missing)) {
    const last = view.held.get(index)
    const ms = last
      ? remainingMs({ failures: allIndexFailures(last) + 1, lastFailureAt: endedAt(last) }, view.nowMs)
      : 0
    if (ms === 0) indexes.push(index)
    else least = Math.min(least ?? ms, ms)
  }
  if (indexes.length > 0) return { do: 'create', count: indexes.length, indexes }
  return least === undefined ? NOTHING : { do: 'wait', ms: least }
}

/** The first indexes that nothing runs for, that are neither done nor given up. */
function pendingIndexes({ job, pods, active, succeededIndexes, failedIndexes }: JobView, count: number): number[] {
  const busy = new Set(active.map((pod) => indexOf(job, pod)))
  if (replacesFailedOnly(job))
    for (const pod of pods.filter((p) => isPodTerminating(p) && p.status?.phase !== 'Failed'))
      busy.add(indexOf(job, pod))
  const indexes: number[] = []
  for (let index = 0; index < (job.spec.completions ?? 0) && indexes.length < count; index++)
    if (!busy.has(index) && !succeededIndexes.has(index) && !failedIndexes.has(index)) indexes.push(index)
  return indexes
}

/** At least `least` pods, and all but one of those that run for the same index, or for none. */
function surplus({ job, active, nowMs }: JobView, least: number): ReadonlyPod[] {
  const doomed: ReadonlyPod[] = []
  let rest: readonly ReadonlyPod[] = active
  if (isIndexed(job)) {
    const kept = new Map<number, ReadonlyPod>()
    const ranked = podsToDelete(active, [], { count: Math.max(0, active.length - 1), nowMs })
    const byUse = [...ranked, ...active.filter((pod) => !ranked.includes(pod))].reverse()
    for (const pod of byUse) {
      const index = indexOf(job, pod)
      if (index === undefined || kept.has(index)) doomed.push(pod)
      else kept.set(index, pod)
    }
    rest = [...kept.values()]
  }
  if (doomed.length >= least) return doomed
  return [...doomed, ...podsToDelete(rest, [], { count: least - doomed.length, nowMs })]
}
