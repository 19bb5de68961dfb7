// Which jobs of a cron job are history, and what the next one is called. Pure.

import { rfc3339 } from '../../base/clock.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { CronJob } from '../../api/batch/cron-job/cron-job.ts'
import { isConditionTrue, isJobFinished } from '../../api/batch/job/conditions.ts'
import type { JobSpec } from '../../api/batch/job/fields.ts'
import type { Job } from '../../api/batch/job/job.ts'
import { controllerReference } from '../../api/core/owners.ts'

export type ReadonlyCronJob = DeepReadonly<CronJob>
export type ReadonlyJob = DeepReadonly<Job>

const SCHEDULED_TIMESTAMP = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** The finished jobs beyond the limits, oldest first. */
export function jobsToForget({ spec }: ReadonlyCronJob, jobs: readonly ReadonlyJob[]): ReadonlyJob[] {
  const beyond = (type: string, limit: number | undefined): ReadonlyJob[] => {
    if (limit === undefined) return []
    const finished = jobs.filter(({ status }) => isConditionTrue(status, type)).sort(byStart)
    return finished.slice(0, Math.max(0, finished.length - limit))
  }
  return [...beyond('Complete', spec.successfulJobsHistoryLimit), ...beyond('Failed', spec.failedJobsHistoryLimit)]
}

function byStart(a: ReadonlyJob, b: ReadonlyJob): number {
  const [left, right] = [a.status?.startTime ?? '', b.status?.startTime ?? '']
  return left < right || (left === right && a.metadata.name < b.metadata.name) ? -1 : 1
}

export function lastSuccess(known: string | undefined, jobs: readonly ReadonlyJob[]): string | undefined {
  let last = known
  for (const { status } of jobs) {
    const at = isConditionTrue(status, 'Complete') ? status?.completionTime : undefined
    if (at !== undefined && (last === undefined || Date.parse(at) > Date.parse(last))) last = at
  }
  return last
}

/** The minute is part of the name: a time makes one job only, however often it is tried. */
export const jobName = ({ metadata }: ReadonlyCronJob, atMs: number): string =>
  `${metadata.name}-${Math.floor(atMs / 60_000)}`

export function jobFor(cronJob: ReadonlyCronJob, atMs: number): Job {
  const { metadata, spec } = cloneJson(cronJob.spec.jobTemplate) as CronJob['spec']['jobTemplate']
  const { namespace } = cronJob.metadata
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, atMs),
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata?.annotations, [SCHEDULED_TIMESTAMP]: rfc3339(atMs) },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: spec as JobSpec,
  }
}

export function finishedType({ status }: ReadonlyJob): 'Complete' | 'Failed' | undefined {
  if (!isJobFinished(status)) return undefined
  return isConditionTrue(status, 'Complete') ? 'Complete' : 'Failed'
}
