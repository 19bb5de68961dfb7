// Writes what has become of a job: what ended is noted, let go and counted, in this order; the end of the job itself is told last.

import { isDeepStrictEqual } from 'node:util'
import { rfc3339 } from '../../base/clock.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { JobCondition, JobStatus } from '../../api/batch/job/fields.ts'
import { jobs } from '../../api/batch/job/job.ts'
import type { ReconcileContext } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { account, settle } from './account.ts'
import { releasePods } from './finalizers.ts'
import { type Finish, HERALD } from './finish.ts'
import type { ReadonlyJob } from './job-pods.ts'
import type { JobView } from './view.ts'

/** What a round came to. */
export interface Outcome {
  finish: Finish | undefined
  active: number
  ready: number
  /** Pods that were asked to go in this round. */
  removed: number
  /** Whether the job is to be told as suspended, where it is not over. */
  suspend?: boolean
}

interface News {
  status: JobStatus
  events: [type: 'Normal' | 'Warning', reason: string, message: string][]
}

export async function writeOutcome(context: ReconcileContext, view: JobView, outcome: Outcome): Promise<void> {
  const { job } = view
  const { finish } = outcome
  const news: News = { status: figures(view, outcome), events: [] }
  if (outcome.suspend !== undefined) tellSuspension(news, outcome.suspend, view.nowMs)
  const { status, release, hasMore } = account(view, news.status, finish)
  if (finish) setCondition(status, { ...finish, type: HERALD[finish.type], status: 'True' }, view.nowMs)
  let current = await write(context, job, job, status)
  await releasePods(context, job, release)
  const released = new Set(release.map(({ metadata }) => metadata.uid))
  const kept = view.pods.flatMap(({ metadata: { uid, finalizers } }) =>
    uid === undefined || released.has(uid) || finalizers === undefined ? [] : [uid],
  )
  const final = settle(status, new Set(kept))
  if (finish && !hasMore) enact(news, final, finish, view.nowMs)
  current = await write(context, job, current, final)
  for (const [type, reason, message] of news.events) context.events.event(current, type, reason, message)
}

function figures({ job, terminating, nowMs }: JobView, { active, ready, removed, finish }: Outcome): JobStatus {
  const status = cloneJson(job.status ?? {}) as JobStatus
  // A job that is suspended starts when it is resumed; none ends without a start.
  if (job.spec.suspend !== true || finish) status.startTime ??= rfc3339(nowMs)
  return { ...status, active, ready, terminating: terminating + removed }
}

function tellSuspension(news: News, isSuspended: boolean, nowMs: number): void {
  const { status } = news
  const known = status.conditions?.find(({ type }) => type === 'Suspended')
  if (isSuspended ? known?.status === 'True' : known === undefined || known.status === 'False') return
  const [reason, message] = isSuspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed']
  setCondition(status, { type: 'Suspended', status: isSuspended ? 'True' : 'False', reason, message }, nowMs)
  news.events.push(['Normal', isSuspended ? 'Suspended' : 'Resumed', message])
  // Its time begins anew when it is resumed: the server takes no other start from a job that runs.
  if (isSuspended) delete status.startTime
}

/** A job is over when nothing of it runs, ends or is uncounted any more. */
function enact({ events }: News, status: JobStatus, finish: Finish, nowMs: number): void {
  const { active = 0, terminating = 0, uncountedTerminatedPods: { succeeded = [], failed = [] } = {} } = status
  if (active + terminating + succeeded.length + failed.length > 0) return
  setCondition(status, { ...finish, status: 'True' }, nowMs)
  if (finish.type === 'Complete') {
    status.completionTime = rfc3339(nowMs)
    events.push(['Normal', 'Completed', 'Job completed'])
  } else events.push(['Warning', finish.reason, finish.message])
}

function setCondition(
  status: JobStatus,
  { type, status: value, reason, message }: Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>,
  nowMs: number,
): void {
  const known = status.conditions?.find((condition) => condition.type === type)
  if (known?.status === value) return
  const now = rfc3339(nowMs)
  const condition: JobCondition = {
    type,
    status: value,
    lastProbeTime: now,
    lastTransitionTime: now,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  }
  status.conditions = [...(status.conditions ?? []).filter((c) => c.type !== type), condition]
}

async function write(
  { api, writes, signal }: ReconcileContext,
  job: ReadonlyJob,
  current: ReadonlyJob,
  status: JobStatus,
): Promise<ReadonlyJob> {
  if (isDeepStrictEqual(essence(current.status), essence(status))) return current
  const next = await api.update(jobs, { ...current, status }, { subresource: 'status', signal })
  writes.wrote(keyOf(job), jobs, next)
  return next
}

/** Absent, 0 and nothing are the same. */
function essence(status: DeepReadonly<JobStatus> | undefined): object {
  const isNothing = (value: unknown): boolean =>
    value === 0 ||
    value === '' ||
    value === undefined ||
    (typeof value === 'object' && value !== null && Object.values(value).every(isNothing))
  return Object.fromEntries(Object.entries(cloneJson(status ?? {})).filter(([, value]) => !isNothing(value)))
}
