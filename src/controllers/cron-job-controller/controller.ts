// Makes a Job whenever a CronJob's schedule says so.

import { isDeepStrictEqual } from 'node:util'
import { rfc3339 } from '../../base/clock.ts'
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import { type CronJobStatus, cronJobs } from '../../api/batch/cron-job/cron-job.ts'
import { parseSchedule, type Schedule } from '../../api/batch/cron-job/schedule.ts'
import { jobs } from '../../api/batch/job/job.ts'
import { isControlledBy } from '../../api/core/owners.ts'
import type { ObjectReference } from '../../api/core/references.ts'
import { defineController, type ReconcileContext, type ReconcileResult } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating, messageOf } from '../refusals.ts'
import {
  finishedType,
  jobFor,
  jobName,
  jobsToForget,
  lastSuccess,
  type ReadonlyCronJob,
  type ReadonlyJob,
} from './decide.ts'
import { Calendar, missedTimes } from './next-time.ts'

const LOOK_AGAIN_MS = 5000
/** A timer that fires a moment early would find nothing to do. */
const NEXT_DELTA_MS = 100

export const cronJobController = defineController({
  name: 'cronjob-controller',
  for: cronJobs,
  owns: [jobs],
  async reconcile(context, key) {
    const { cache, writes } = context
    const cronJob = cache.get(cronJobs, key)
    if (cronJob === undefined) {
      writes.forget(key)
      return undefined
    }
    // A job that was made and is not seen yet would be taken for missing.
    if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
    const children = cache.ownedBy(jobs, cronJob.metadata.uid ?? '')
    for (const job of jobsToForget(cronJob, children)) await deleteJob(context, cronJob, job)
    const status = await follow(context, cronJob, children)
    const result = await schedule(context, cronJob, status)
    if (!isDeepStrictEqual(status, cloneJson(cronJob.status ?? {}))) {
      const next = await context.api.update(
        cronJobs,
        { ...cronJob, status },
        { subresource: 'status', signal: context.signal },
      )
      writes.wrote(key, cronJobs, next)
    }
    return result
  },
})

/** The status by what has become of the jobs. */
async function follow(
  { api, events, signal }: ReconcileContext,
  cronJob: ReadonlyCronJob,
  children: readonly ReadonlyJob[],
): Promise<CronJobStatus> {
  const status = cloneJson(cronJob.status ?? {}) as CronJobStatus
  const active: ObjectReference[] = []
  for (const reference of status.active ?? []) {
    const job = children.find(({ metadata }) => metadata.uid === reference.uid)
    const name = reference.name ?? ''
    const finished = job && finishedType(job)
    if (finished !== undefined) {
      const text = `Saw completed job: ${name}, condition: ${finished}`
      events.event(cronJob, 'Normal', 'SawCompletedJob', text)
    } else if (job !== undefined || (await isThere(reference))) active.push(reference)
    else events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`)
  }
  for (const job of children) {
    if (finishedType(job) !== undefined || active.some(({ uid }) => uid === job.metadata.uid)) continue
    const text = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`
    events.event(cronJob, 'Warning', 'UnexpectedJob', text)
  }
  const success = lastSuccess(status.lastSuccessfulTime, children)
  delete status.active
  if (active.length > 0) status.active = active
  if (success !== undefined) status.lastSuccessfulTime = success
  return status

  async function isThere({ name = '', uid }: ObjectReference): Promise<boolean> {
    const { namespace = '' } = cronJob.metadata
    try {
      return (await api.get(jobs, { namespace, name }, { signal })).metadata.uid === uid
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }
}

function timetable(
  { events }: ReconcileContext,
  cronJob: ReadonlyCronJob,
): { calendar: Calendar; schedule: Schedule } | undefined {
  const { timeZone, schedule: text = '' } = cronJob.spec
  let calendar: Calendar
  try {
    calendar = new Calendar(timeZone)
  } catch (error) {
    const reason = `invalid timeZone: ${JSON.stringify(timeZone)}: ${messageOf(error)}`
    events.event(cronJob, 'Warning', 'UnknownTimeZone', reason)
    return undefined
  }
  try {
    return { calendar, schedule: parseSchedule(text) }
  } catch (error) {
    const reason = `unparseable schedule: ${JSON.stringify(text)} : ${messageOf(error)}`
    events.event(cronJob, 'Warning', 'UnparseableSchedule', reason)
    return undefined
  }
}

/** Makes the job whose time has come, if any. Changes `status`. */
async function schedule(
  context: ReconcileContext,
  cronJob: ReadonlyCronJob,
  status: CronJobStatus,
): Promise<ReconcileResult> {
  const { clock, events } = context
  const { metadata, spec } = cronJob
  if (metadata.deletionTimestamp !== undefined || spec.suspend === true) return undefined
  const times = timetable(context, cronJob)
  if (times === undefined) return undefined
  const now = clock.now()
  const deadlineMs = spec.startingDeadlineSeconds === undefined ? undefined : spec.startingDeadlineSeconds * 1000
  const since = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp ?? '')
  const sinceMs = deadlineMs === undefined ? since : Math.max(since, now - deadlineMs)
  const { last, next, tooMany } = missedTimes(times.calendar, times.schedule, sinceMs, now)
  if (tooMany) {
    const text = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
    events.event(cronJob, 'Warning', 'TooManyMissedTimes', text)
  }
  if (last !== undefined) {
    if (deadlineMs !== undefined && last + deadlineMs < now) {
      const text = `Missed scheduled time to start a job: ${new Date(last).toUTCString().replace('GMT', '+0000')}`
      events.event(cronJob, 'Warning', 'MissSchedule', text)
    } else if (!status.active?.some(({ name }) => name === jobName(cronJob, last)))
      await start(context, cronJob, status, last)
  }
  return next === undefined ? undefined : { after: next - now + NEXT_DELTA_MS }
}

async function start(
  context: ReconcileContext,
  cronJob: ReadonlyCronJob,
  status: CronJobStatus,
  atMs: number,
): Promise<void> {
  const { api, cache, events, writes, signal } = context
  const { namespace = '' } = cronJob.metadata
  if (cronJob.spec.concurrencyPolicy === 'Forbid' && status.active?.length) {
    const text = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    events.event(cronJob, 'Normal', 'JobAlreadyActive', text)
    return
  }
  if (cronJob.spec.concurrencyPolicy === 'Replace') {
    for (const { name = '' } of status.active ?? []) {
      const job = cache.get(jobs, { namespace, name })
      if (job) await deleteJob(context, cronJob, job)
    }
    delete status.active
  }
  let job: ReadonlyJob
  try {
    job = await api.create(jobs, jobFor(cronJob, atMs), { signal })
    events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`)
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    if (!isAlreadyExists(error)) {
      events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`)
      throw error
    }
    // Made before, by a controller that did not come to say so.
    job = await api.get(jobs, { namespace, name: jobName(cronJob, atMs) }, { signal })
    if (!isControlledBy(job, cronJob)) throw error
  }
  writes.wrote(keyOf(cronJob), jobs, job)
  status.lastScheduleTime = rfc3339(atMs)
  if (finishedType(job) === undefined) status.active = [...(status.active ?? []), referenceTo(job)]
}

function referenceTo({ metadata }: ReadonlyJob): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
}

async function deleteJob(
  { api, events, signal }: ReconcileContext,
  cronJob: ReadonlyCronJob,
  job: ReadonlyJob,
): Promise<void> {
  const { name, uid = '' } = job.metadata
  try {
    await api.delete(jobs, keyOf(job), { propagationPolicy: 'Background', preconditions: { uid }, signal })
  } catch (error) {
    if (isNotFound(error)) return
    events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`)
    throw error
  }
  events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
}
