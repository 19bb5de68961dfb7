// Whether a job has come to its end, and why, in upstream's words. Pure.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { JobCondition, SuccessPolicy } from '../../api/batch/job/fields.ts'
import { parseIndexes } from '../../api/batch/job/indexes.ts'
import { judge } from './failure-policy.ts'
import { isIndexed, isPodFailed, type ReadonlyJob, type ReadonlyPod } from './job-pods.ts'
import type { JobView } from './view.ts'

export interface Finish {
  type: 'Complete' | 'Failed'
  reason: string
  message: string
}

export const COMPLETE: Finish = {
  type: 'Complete',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
}

/** The condition that tells of the end before all pods are gone. */
export const HERALD = { Complete: 'SuccessCriteriaMet', Failed: 'FailureTarget' } as const

const failure = (reason: string, message: string): Finish => ({ type: 'Failed', reason, message })

export function trueCondition({ status }: ReadonlyJob, type: string): DeepReadonly<JobCondition> | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')
}

/** Why the job ends whatever its pods do; undefined: it goes on. */
export function finishOf(view: JobView): Finish | undefined {
  const { job, pods } = view
  for (const type of ['Failed', 'Complete'] as const) {
    const told = trueCondition(job, HERALD[type])
    if (told) return { type, reason: told.reason ?? '', message: told.message ?? '' }
  }
  for (const pod of job.spec.podFailurePolicy ? pods : []) {
    const { message } = isPodFailed(job, pod) ? judge(job, pod) : {}
    if (message !== undefined) return failure('PodFailurePolicy', message)
  }
  const { backoffLimit = 6 } = job.spec
  if (view.failed > backoffLimit || hasRestartedTooOften(job, pods, backoffLimit))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if ((deadlineMs(view) ?? 1) <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  return isIndexed(job) ? finishOfIndexes(view) : undefined
}

function finishOfIndexes({ job, succeededIndexes, failedIndexes }: JobView): Finish | undefined {
  const { maxFailedIndexes, completions = 0, successPolicy } = job.spec
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions)
    return failure('FailedIndexes', 'Job has failed indexes')
  const rule = successPolicy && metRule(successPolicy, completions, succeededIndexes)
  if (rule === undefined) return undefined
  return { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` }
}

function metRule(
  { rules }: DeepReadonly<SuccessPolicy>,
  completions: number,
  succeeded: ReadonlySet<number>,
): number | undefined {
  if (succeeded.size === 0) return undefined
  const met = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount
    let [required, matched] = [0, 0]
    for (const { first, last } of parseIndexes(succeededIndexes, completions))
      for (let index = first; index <= last; index++) {
        required++
        if (succeeded.has(index)) matched++
      }
    return matched >= (succeededCount ?? required)
  })
  return met < 0 ? undefined : met
}

/** Containers that are started again in their pod count as failures too. */
function hasRestartedTooOften({ spec }: ReadonlyJob, pods: readonly ReadonlyPod[], limit: number): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount ?? 0
  }
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until the job has been active for too long; undefined: no limit, or not started. */
export function deadlineMs({ job: { spec, status }, nowMs }: Pick<JobView, 'job' | 'nowMs'>): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined || spec.suspend === true)
    return undefined
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - nowMs
}
