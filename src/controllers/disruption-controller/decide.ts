// How many pods of a budget may be disrupted now. Pure.

import { rfc3339 } from '../../base/clock.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { isPodReady, isPodTerminating } from '../../api/core/pod/readiness.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/policy/pod-disruption-budget.ts'
import { share } from '../share.ts'

export type ReadonlyBudget = DeepReadonly<PodDisruptionBudget>
export type ReadonlyPod = DeepReadonly<Pod>

/** An evicted pod that is not being deleted after so long is counted again: the eviction came to nothing. */
const DELETION_TIMEOUT_MS = 2 * 60_000

export interface Expectation {
  expected: number
  desiredHealthy: number
}

/** `scale`: the replicas of all that control the pods; asked only where it counts. */
export function expectationOf(
  { spec }: ReadonlyBudget,
  pods: readonly ReadonlyPod[],
  scale: () => number,
): Expectation {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable !== undefined) {
    const expected = scale()
    return { expected, desiredHealthy: Math.max(0, expected - share(maxUnavailable, expected, Math.ceil)) }
  }
  if (typeof minAvailable !== 'string') return { expected: pods.length, desiredHealthy: minAvailable ?? 1 }
  const expected = scale()
  return { expected, desiredHealthy: share(minAvailable, expected, Math.ceil) }
}

export interface Disrupted {
  /** Evictions that are on their way. */
  pods: Record<string, string>
  /** Pods whose eviction came to nothing. */
  notDeleted: ReadonlyPod[]
  recheckMs: number | undefined
}

export function disruptedOf({ status }: ReadonlyBudget, pods: readonly ReadonlyPod[], nowMs: number): Disrupted {
  const disrupted: Disrupted = { pods: {}, notDeleted: [], recheckMs: undefined }
  for (const pod of pods) {
    const since = isPodTerminating(pod) ? undefined : status?.disruptedPods?.[pod.metadata.name]
    if (since === undefined) continue
    const left = Date.parse(since) + DELETION_TIMEOUT_MS - nowMs
    if (left <= 0) {
      disrupted.notDeleted.push(pod)
      continue
    }
    disrupted.pods[pod.metadata.name] = since
    disrupted.recheckMs = Math.min(disrupted.recheckMs ?? left, left)
  }
  return disrupted
}

export function statusOf(
  budget: ReadonlyBudget,
  pods: readonly ReadonlyPod[],
  { expected, desiredHealthy }: Expectation,
  disrupted: Disrupted,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const currentHealthy = pods.filter(
    (pod) => !isPodTerminating(pod) && disrupted.pods[pod.metadata.name] === undefined && isPodReady(pod),
  ).length
  const disruptionsAllowed = expected > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0
  const [state, reason] = disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods']
  return {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disrupted.pods).length > 0 ? { disruptedPods: disrupted.pods } : {}),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods: expected,
    conditions: conditionsOf(budget, { state: state ?? '', reason: reason ?? '', message: '' }, nowMs),
  }
}

/** Without knowing, nothing may be disrupted. */
export function failedStatus(budget: ReadonlyBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const known = cloneJson(budget.status ?? {}) as Partial<PodDisruptionBudgetStatus>
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...known,
    disruptionsAllowed: 0,
    conditions: conditionsOf(budget, { state: 'False', reason: 'SyncFailed', message }, nowMs),
  }
}

function conditionsOf(
  { metadata, status }: ReadonlyBudget,
  { state, reason, message }: { state: string; reason: string; message: string },
  nowMs: number,
): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const all = (cloneJson(status?.conditions ?? []) as NonNullable<PodDisruptionBudgetStatus['conditions']>).slice()
  const known = all.find(({ type }) => type === 'DisruptionAllowed')
  const lastTransitionTime = known?.status === state ? known.lastTransitionTime : rfc3339(nowMs)
  const condition = { type: 'DisruptionAllowed', status: state, reason, message, lastTransitionTime }
  const others = all.filter(({ type }) => type !== 'DisruptionAllowed')
  return [...others, { ...condition, observedGeneration: metadata.generation ?? 0 }] as typeof all
}
