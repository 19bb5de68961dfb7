// Ends a pod: stops what runs, reports how it ended, gives back volumes, network and cgroup.

import { qosClass } from '../../api/core/pod/requests.ts'
import { isPodTerminal } from '../../api/core/pod/readiness.ts'
import { killAll } from './kill.ts'
import type { NodePod, PodView } from './model.ts'
import { look, report, type RunState, type WorkerParts } from './run.ts'
import { viewPod } from './view.ts'
import type { PodRef } from './worker.ts'

export interface FinishState {
  /** The hooks have run (or had their chance): a shortened grace period does not run them again. */
  preStopDone: boolean
  /** Everything has been stopped and given back. */
  stopped: boolean
}

export interface FinishInput {
  readonly ref: PodRef
  readonly pod: NodePod | undefined
  readonly removed: boolean
  readonly run: RunState
  readonly finish: FinishState
  readonly signal: AbortSignal
}

const DEFAULT_GRACE_SECONDS = 30
const LEAST_GRACE_SECONDS = 1

/** Idempotent. */
export async function finishPod(parts: WorkerParts, input: FinishInput): Promise<void> {
  const { ref, pod, run, finish, signal } = input
  if (finish.stopped) return
  const { runtime, cgroups } = parts.context
  parts.probes.keepReadinessOnly(ref.uid)
  run.over = true
  const before = await seen(parts, input)
  if (before.containers.some(isAlive)) {
    const preStop = !finish.preStopDone
    finish.preStopDone = true
    const grace = run.failure?.graceSeconds ?? graceSeconds(input, before)
    await killAll(parts, pod, before, { graceSeconds: grace, preStop, signal })
  }
  const after = await seen(parts, input)
  if (after.containers.some(({ state }) => state === 'CONTAINER_RUNNING'))
    throw new Error('A container still runs after it was stopped')
  parts.probes.forget(ref.uid)
  // How a pod ended is said once: what has been told the API is not changed by tidying up.
  if (pod !== undefined && !input.removed && !isPodTerminal(pod)) await report(parts, pod, after, run, signal)
  await Promise.all(after.sandboxes.map(({ id }) => runtime.stopPodSandbox(id, { signal })))
  await parts.volumes.tearDown(ref.uid)
  parts.objects.release(ref.uid)
  if (pod !== undefined) await cgroups.deletePod({ uid: ref.uid, qos: qosClass(pod.spec) }, signal)
  else for (const group of cgroups.listPods()) if (group.uid === ref.uid) await cgroups.deletePod(group, signal)
  run.cgroup = ''
  finish.stopped = true
}

const isAlive = ({ state }: PodView['containers'][number]): boolean =>
  state === 'CONTAINER_RUNNING' || state === 'CONTAINER_CREATED'

async function seen(parts: WorkerParts, { ref, pod, run, signal }: FinishInput): Promise<PodView> {
  if (pod !== undefined) return await look(parts, pod, run, signal)
  return await viewPod(parts.context.runtime, ref, signal)
}

/** An orphan's grace period is known from what was written on its containers. */
function graceSeconds({ pod, removed }: FinishInput, view: PodView): number {
  const written = view.containers.map((c) => c.graceSeconds).filter((seconds) => seconds !== undefined)
  const spec =
    pod?.spec.terminationGracePeriodSeconds ?? (written.length > 0 ? Math.max(...written) : DEFAULT_GRACE_SECONDS)
  // What vanished without having been marked for it was deleted by force.
  const unmarked = removed && pod !== undefined ? 0 : spec
  const seconds =
    pod?.metadata.deletionTimestamp === undefined ? unmarked : (pod.metadata.deletionGracePeriodSeconds ?? spec)
  return Math.max(seconds, LEAST_GRACE_SECONDS)
}
