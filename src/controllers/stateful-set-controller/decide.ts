// The next step of a stateful set: one pod after the other, in order, unless it is told to do all at once. Pure.

import { isPodAvailable, isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import type { StatefulSetStatus } from '../../api/apps/stateful-set.ts'
import { share } from '../share.ts'
import { ordinalOf, type ReadonlyPod, type ReadonlyStatefulSet, revisionOf } from './identity.ts'

export interface View {
  readonly set: ReadonlyStatefulSet
  readonly pods: readonly ReadonlyPod[]
  /** Names of the revisions. */
  readonly current: string
  readonly update: string
  readonly nowMs: number
}

export interface Plan {
  create: { ordinal: number; revision: string }[]
  delete: ReadonlyPod[]
  /** Pods that have ended, which a stateful set's should not. */
  recreate: ReadonlyPod[]
}

export const startOf = ({ spec }: ReadonlyStatefulSet): number => spec.ordinals?.start ?? 0
export const replicasOf = ({ spec }: ReadonlyStatefulSet): number => spec.replicas ?? 1

/** Beyond the set's replicas. */
export function isCondemned(set: ReadonlyStatefulSet, ordinal: number): boolean {
  return ordinal < startOf(set) || ordinal >= startOf(set) + replicasOf(set)
}

const isRunningAndReady = (pod: ReadonlyPod): boolean => pod.status?.phase === 'Running' && isPodReady(pod)

function isHealthy({ set, nowMs }: View, pod: ReadonlyPod | undefined): boolean {
  if (pod === undefined || isPodTerminating(pod) || !isRunningAndReady(pod)) return false
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
}

export function planOf(view: View): Plan {
  const { set, pods } = view
  const plan: Plan = { create: [], delete: [], recreate: [] }
  if (set.metadata.deletionTimestamp !== undefined) return plan
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel'
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]))
  const replicas = Array.from({ length: replicasOf(set) }, (_, i) => startOf(set) + i)
  for (const ordinal of replicas) {
    const pod = byOrdinal.get(ordinal)
    if (pod === undefined) plan.create.push({ ordinal, revision: revisionFor(view, ordinal) })
    else if (isPodTerminal(pod) && !isPodTerminating(pod)) plan.recreate.push(pod)
    if (isOrdered && !isHealthy(view, pod)) return plan
  }
  const condemned = [...byOrdinal].filter(([ordinal]) => isCondemned(set, ordinal)).sort(([a], [b]) => b - a)
  const firstUnhealthy = condemned.findLast(([, pod]) => !isHealthy(view, pod))?.[1]
  for (const [, pod] of condemned) {
    if (isOrdered && (isPodTerminating(pod) || (!isHealthy(view, pod) && pod !== firstUnhealthy))) return plan
    if (!isPodTerminating(pod)) plan.delete.push(pod)
    if (isOrdered) return plan
  }
  if (set.spec.updateStrategy?.type !== 'OnDelete')
    plan.delete.push(
      ...outdated(
        view,
        replicas.map((ordinal) => byOrdinal.get(ordinal)),
      ),
    )
  return plan
}

/** Pods below the partition stay at the revision they had. */
function revisionFor({ set, current, update }: View, ordinal: number): string {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
  if (type !== 'RollingUpdate') return update
  const kept = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0)
  return ordinal < startOf(set) + kept ? current : update
}

/** From the last pod down: as many as may be missing at a time. */
function outdated(view: View, replicas: readonly (ReadonlyPod | undefined)[]): ReadonlyPod[] {
  const { partition = 0, maxUnavailable } = view.set.spec.updateStrategy?.rollingUpdate ?? {}
  let allowed = Math.max(1, share(maxUnavailable ?? 1, replicas.length, Math.ceil))
  const doomed: ReadonlyPod[] = []
  for (let i = replicas.length - 1; i >= partition && allowed > 0; i--) {
    const pod = replicas[i]
    const isOld = pod !== undefined && !isPodTerminating(pod) && revisionOf(pod) !== view.update
    if (isOld) doomed.push(pod)
    if (isOld || !isHealthy(view, pod)) allowed--
  }
  return doomed
}

export function statusOf(
  view: View,
  observedGeneration: number,
  collisionCount: number | undefined,
): StatefulSetStatus {
  const { set, pods, current, update, nowMs } = view
  const count = (test: (pod: ReadonlyPod) => boolean): number => pods.filter(test).length
  const isCreated = ({ status }: ReadonlyPod): boolean => Boolean(status?.phase)
  const isAt =
    (revision: string) =>
    (pod: ReadonlyPod): boolean =>
      isCreated(pod) && !isPodTerminating(pod) && revisionOf(pod) === revision
  const status: StatefulSetStatus = {
    observedGeneration,
    replicas: count(isCreated),
    readyReplicas: count(isRunningAndReady),
    availableReplicas: count(
      (pod) => isRunningAndReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs),
    ),
    currentReplicas: count(isAt(current)),
    updatedReplicas: count(isAt(update)),
    currentRevision: current,
    updateRevision: update,
    // Upstream always says it.
    collisionCount: collisionCount ?? 0,
    ...(set.status?.conditions ? { conditions: set.status.conditions.map((condition) => ({ ...condition })) } : {}),
  }
  const replicas = replicasOf(set)
  const isDone =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    [status.updatedReplicas, status.readyReplicas, status.replicas].every((figure) => figure === replicas)
  return isDone ? { ...status, currentRevision: update, currentReplicas: status.updatedReplicas ?? 0 } : status
}
