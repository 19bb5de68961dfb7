// Puts the finalizer that keeps a job's pods on them, and takes it off.

import { isConflict, isInvalid, isNotFound } from '../../apimachinery/errors.ts'
import { pods } from '../../api/core/pod/pod.ts'
import type { ReconcileContext } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { type ReadonlyJob, type ReadonlyPod, TRACKING_FINALIZER } from './job-pods.ts'

/** Takes the finalizer off. Throws the first failure, when all have been tried. */
export async function releasePods(
  context: ReconcileContext,
  job: ReadonlyJob | undefined,
  released: readonly ReadonlyPod[],
): Promise<void> {
  await patchAll(context, job, released, { '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER] })
}

/** Pods that the job adopted would not be counted without it. */
export async function trackPods(
  context: ReconcileContext,
  job: ReadonlyJob,
  adopted: readonly ReadonlyPod[],
): Promise<void> {
  await patchAll(context, job, adopted, { finalizers: [TRACKING_FINALIZER] })
}

async function patchAll(
  { api, writes, signal }: ReconcileContext,
  job: ReadonlyJob | undefined,
  chosen: readonly ReadonlyPod[],
  change: object,
): Promise<void> {
  const results = await Promise.allSettled(
    chosen.map(async (pod) => {
      const body = { metadata: { uid: pod.metadata.uid, ...change } }
      try {
        const patched = await api.patch(pods, keyOf(pod), { type: 'strategic', body }, { signal })
        if (job) writes.wrote(keyOf(job), pods, patched)
      } catch (error) {
        // Gone, or another pod of that name by now.
        if (!isNotFound(error) && !isInvalid(error) && !isConflict(error)) throw error
      }
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
