// Deletes a Job once the time that it is to be kept after its end has passed.

import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Job, jobs } from '../../api/batch/job/job.ts'
import { defineController } from '../controller.ts'

export const ttlAfterFinishedController = defineController({
  name: 'ttl-after-finished-controller',
  for: jobs,
  async reconcile({ api, cache, clock, log, signal }, key) {
    const job = cache.get(jobs, key)
    const left = job && leftMs(job, clock.now())
    if (left === undefined) return undefined
    if (left > 0) return { after: left }
    const { uid = '', resourceVersion = '' } = job?.metadata ?? {}
    try {
      // The cache may be behind an edit of the time: then the server refuses, and the edit brings the job back here.
      await api.delete(jobs, key, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion }, signal })
      log.info('Deleted an expired job', { job: `${key.namespace}/${key.name}` })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    return undefined
  },
})

/** Milliseconds until the job is to go: 0 now, undefined never. Pure. */
export function leftMs({ metadata, spec, status }: DeepReadonly<Job>, nowMs: number): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = spec
  const end = status?.conditions?.find(
    (condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True',
  )
  if (ttl === undefined || end?.lastTransitionTime === undefined || metadata.deletionTimestamp !== undefined)
    return undefined
  return Math.max(0, Date.parse(end.lastTransitionTime) + ttl * 1000 - nowMs)
}
