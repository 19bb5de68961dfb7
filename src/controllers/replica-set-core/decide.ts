// What a set of replicas needs, and what is true of it: pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ReplicaSetCondition, ReplicaSetStatus } from '../../api/apps/replica-set.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import { isPodAvailable, isPodReady, podCondition } from '../../api/core/pod/readiness.ts'
import { podsToDelete } from './ranking.ts'

type ReadonlyPod = DeepReadonly<Pod>

/** What ReplicaSets and ReplicationControllers have alike. */
export interface ReplicaSpec {
  readonly replicas?: number
  readonly minReadySeconds?: number
  readonly template?: DeepReadonly<PodTemplateSpec>
}

export type Plan = { do: 'nothing' } | { do: 'create'; count: number } | { do: 'delete'; pods: readonly ReadonlyPod[] }

/** More than this is never created or deleted in one go. */
export const BURST_REPLICAS = 500

/** `active` are the pods that count; `related` those of the same application. */
export function decide(
  spec: ReplicaSpec,
  active: readonly ReadonlyPod[],
  related: readonly ReadonlyPod[],
  nowMs: number,
): Plan {
  const missing = (spec.replicas ?? 1) - active.length
  if (missing === 0) return { do: 'nothing' }
  if (missing > 0) return { do: 'create', count: Math.min(missing, BURST_REPLICAS) }
  return { do: 'delete', pods: podsToDelete(active, related, { count: Math.min(-missing, BURST_REPLICAS), nowMs }) }
}

/** Why pods could not be created or deleted, when they could not. */
export interface Failure {
  reason: 'FailedCreate' | 'FailedDelete'
  message: string
}

export interface StatusInput {
  readonly spec: ReplicaSpec
  readonly generation: number
  readonly previous: DeepReadonly<ReplicaSetStatus> | undefined
  readonly active: readonly ReadonlyPod[]
  /** Absent where the kind does not count them. */
  readonly terminating?: number
  readonly failure?: Failure
  readonly nowMs: number
}

export function statusOf(input: StatusInput): ReplicaSetStatus {
  const { spec, active, nowMs, terminating } = input
  const { minReadySeconds = 0, template } = spec
  const wanted = Object.entries(template?.metadata?.labels ?? {})
  let [fullyLabeledReplicas, readyReplicas, availableReplicas] = [0, 0, 0]
  for (const pod of active) {
    if (wanted.every(([key, value]) => pod.metadata.labels?.[key] === value)) fullyLabeledReplicas++
    if (!isPodReady(pod)) continue
    readyReplicas++
    if (isPodAvailable(pod, minReadySeconds, nowMs)) availableReplicas++
  }
  const conditions = conditionsOf(input)
  return {
    replicas: active.length,
    ...(fullyLabeledReplicas > 0 ? { fullyLabeledReplicas } : {}),
    ...(readyReplicas > 0 ? { readyReplicas } : {}),
    ...(availableReplicas > 0 ? { availableReplicas } : {}),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: input.generation,
    ...(conditions.length > 0 ? { conditions } : {}),
  }
}

function conditionsOf({ previous, failure, nowMs }: StatusInput): ReplicaSetCondition[] {
  const known = previous?.conditions ?? []
  const others = known.filter(({ type }) => type !== 'ReplicaFailure').map((c) => ({ ...c }))
  if (failure === undefined) return others
  const same = known.find(({ type }) => type === 'ReplicaFailure')
  // The message names a new pod each time: following it would change the status, and wake the controller, for ever.
  if (same?.reason === failure.reason) return [...others, { ...same }]
  const lastTransitionTime = rfc3339(nowMs)
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }]
}

/** Milliseconds until the next ready pod has been ready for long enough; undefined when none waits. */
export function nextAvailableMs(
  pods: readonly ReadonlyPod[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  let next: number | undefined
  for (const pod of pods) {
    const ready = podCondition(pod, 'Ready')
    if (ready?.status !== 'True' || ready.lastTransitionTime === undefined) continue
    const left = Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs
    if (left > 0 && (next === undefined || left < next)) next = left
  }
  return next
}
