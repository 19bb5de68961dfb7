// Runs the pods of a Job until enough of them have succeeded, or too many have failed.

import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { isJobFinished } from '../../api/batch/job/conditions.ts'
import { type Job, jobs } from '../../api/batch/job/job.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { isPodActive, isPodReady } from '../../api/core/pod/readiness.ts'
import {
  type Controller,
  defineController,
  type ReconcileContext,
  type ReconcileResult,
  watches,
} from '../controller.ts'
import { keyText } from '../keys.ts'
import { createPods, deletePods } from '../replica-set-core/act.ts'
import { claim } from '../replica-set-core/claim.ts'
import { type BackoffRecord, NO_FAILURES } from './backoff.ts'
import { COMPLETE, deadlineMs, finishOf } from './finish.ts'
import { releasePods, trackPods } from './finalizers.ts'
import { isTracked, type ReadonlyJob, type ReadonlyPod } from './job-pods.ts'
import { type Plan, planOf } from './plan.ts'
import { type Outcome, writeOutcome } from './status.ts'
import { blankFor } from './templates.ts'
import { type JobView, viewOf } from './view.ts'

const MANAGER = 'kubernetes.io/job-controller'
const LOOK_AGAIN_MS = 5000

const selector = ({ spec }: ReadonlyJob): ReturnType<typeof selectorOf> =>
  selectorOf(spec.selector as Job['spec']['selector'])

export function jobController(): Controller {
  /** Failures since the last success, of jobs that are not done. */
  const records = new Map<string, BackoffRecord>()
  return defineController({
    name: 'job-controller',
    for: jobs,
    owns: [pods],
    watches: [
      watches({
        resource: pods,
        toKeys(pod, cache) {
          const { namespace, labels } = pod.metadata
          if (controllerOf(pod) !== undefined || namespace === undefined) return []
          return cache.keysOf(jobs, namespace, (job) => selector(job).matches(labels))
        },
      }),
    ],
    async reconcile(context, key) {
      const { cache, writes } = context
      const job = cache.get(jobs, key)
      if (job === undefined || isJobFinished(job.status)) records.delete(keyText(key))
      if (job === undefined) {
        writes.forget(key)
        await releaseOrphans(context, key)
        return undefined
      }
      if ((job.spec.managedBy ?? MANAGER) !== MANAGER) return undefined
      // What was written must be seen first: pods would be made twice, and ends be counted twice.
      if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
      if (isJobFinished(job.status)) {
        await releasePods(context, job, cache.ownedBy(pods, job.metadata.uid ?? '').filter(isTracked))
        return undefined
      }
      return reconcileJob(context, job, records)
    },
  })
}

/** Pods whose job is gone are counted by nobody. */
async function releaseOrphans(context: ReconcileContext, { namespace = '', name }: ObjectKey): Promise<void> {
  const { cache } = context
  const left = cache.list(pods, namespace).filter((pod) => {
    if (!isTracked(pod)) return false
    const owner = controllerOf(pod)
    return owner === undefined || (owner.kind === jobs.kind && owner.name === name)
  })
  await releasePods(context, undefined, left)
}

async function reconcileJob(
  context: ReconcileContext,
  job: ReadonlyJob,
  records: Map<string, BackoffRecord>,
): Promise<ReconcileResult> {
  const { clock } = context
  const key = keyText(job.metadata)
  const controller = job as DeepReadonly<AnyObject>
  const claimed = await claim(context, { resource: jobs, controller, selector: selector(job) }, pods)
  const isGoing = job.metadata.deletionTimestamp !== undefined
  const adopted = isGoing ? [] : claimed.filter((pod) => isPodActive(pod) && !isTracked(pod))
  await trackPods(context, job, adopted)
  const view = viewOf(job, claimed, records.get(key) ?? NO_FAILURES, clock.now())
  const outcome: Outcome = { finish: finishOf(view), active: view.active.length, ready: view.ready, removed: 0 }
  let waitMs: number | undefined
  let error: unknown
  if (outcome.finish !== undefined) error = await removePods(context, view, view.active, outcome)
  else if (!isGoing) {
    const plan = planOf(view)
    if (plan.do === 'wait') waitMs = plan.ms
    error = await act(context, view, plan, outcome)
    if (error === undefined && isComplete(view, outcome.active)) outcome.finish = COMPLETE
    else outcome.suspend = job.spec.suspend === true
  }
  await writeOutcome(context, view, outcome)
  records.set(key, view.backoff)
  if (error !== undefined) throw error
  const waits = [waitMs, deadlineMs(view)].filter((ms) => ms !== undefined && ms > 0)
  return waits.length > 0 ? { after: Math.min(...(waits as number[])) } : undefined
}

/** Without a number of completions, one success is enough, once all the others have ended. */
function isComplete({ job, succeeded }: JobView, active: number): boolean {
  const { completions } = job.spec
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions)
}

async function act(context: ReconcileContext, view: JobView, plan: Plan, outcome: Outcome): Promise<unknown> {
  switch (plan.do) {
    case 'nothing':
    case 'wait':
      return undefined
    case 'delete':
      return removePods(context, view, plan.pods, outcome)
    case 'create': {
      const blanks = Array.from({ length: plan.count }, (_, i) => blankFor(view, plan.indexes?.[i]))
      const error = await createPods(context, view.job as DeepReadonly<AnyObject>, blanks)
      if (error === undefined) outcome.active += blanks.length
      return error
    }
  }
}

async function removePods(
  context: ReconcileContext,
  view: JobView,
  doomed: readonly ReadonlyPod[],
  outcome: Outcome,
): Promise<unknown> {
  if (doomed.length === 0) return undefined
  const error = await deletePods(context, view.job as DeepReadonly<AnyObject>, doomed)
  if (error !== undefined) return error
  outcome.active -= doomed.length
  outcome.removed = doomed.length
  const gone = new Set(doomed)
  outcome.ready = view.active.filter((pod) => !gone.has(pod) && isPodReady(pod)).length
  return undefined
}
