// What is true of a deployment: figures and the conditions that `kubectl rollout status` waits for. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { DeploymentCondition, DeploymentStatus } from '../../api/apps/deployment.ts'
import { availableOf, limits, type ReadonlyDeployment, type ReadonlySet, replicasOf, totalReplicas } from './figures.ts'

type Conditions = readonly DeepReadonly<DeploymentCondition>[]

/** Upstream's stand-in for "no deadline". */
const NO_DEADLINE = 2 ** 31 - 1
const AVAILABLE_REASON = 'NewReplicaSetAvailable'
const TIMED_OUT_REASON = 'ProgressDeadlineExceeded'

export const hasDeadline = ({ spec }: ReadonlyDeployment): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== NO_DEADLINE

export const conditionOf = (
  conditions: Conditions | undefined,
  type: string,
): DeepReadonly<DeploymentCondition> | undefined => conditions?.find((condition) => condition.type === type)

export interface NewCondition {
  type: 'Available' | 'Progressing' | 'ReplicaFailure'
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
}

/** With the condition in it; one that says the same is left as it is, unless `isNews`. */
export function withCondition(
  conditions: Conditions,
  next: NewCondition,
  nowMs: number,
  options: { isNews?: boolean } = {},
): DeploymentCondition[] {
  const known = conditionOf(conditions, next.type)
  const copies = conditions.map((condition) => ({ ...condition }))
  if (known?.status === next.status && known.reason === next.reason && !options.isNews) return copies
  const now = rfc3339(nowMs)
  const lastTransitionTime = known?.status === next.status ? (known.lastTransitionTime ?? now) : now
  const { type, status, reason, message } = next
  const condition = { type, status, lastUpdateTime: now, lastTransitionTime, reason, message }
  return [...copies.filter((c) => c.type !== type), condition]
}

export interface StatusInput {
  deployment: ReadonlyDeployment
  newSet: ReadonlySet | undefined
  all: readonly ReadonlySet[]
  conditions?: Conditions
  nowMs: number
}

export function figures({ deployment, newSet, all, nowMs, conditions }: StatusInput): DeploymentStatus {
  const available = availableOf(all)
  const sum = (count: (set: ReadonlySet) => number | undefined): number =>
    all.reduce((total, set) => total + (count(set) ?? 0), 0)
  const isAvailable = available >= replicasOf(deployment) - limits(deployment).maxUnavailable
  const { collisionCount } = deployment.status ?? {}
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(({ status }) => status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalReplicas(all) - available),
    terminatingReplicas: sum(({ status }) => status?.terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(
      conditions ?? deployment.status?.conditions ?? [],
      {
        type: 'Available',
        status: isAvailable ? 'True' : 'False',
        reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        message: isAvailable
          ? 'Deployment has minimum availability.'
          : 'Deployment does not have minimum availability.',
      },
      nowMs,
    ),
  }
}

export function isComplete(deployment: ReadonlyDeployment, status: DeploymentStatus): boolean {
  const replicas = replicasOf(deployment)
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** The figures with what they say of the rollout's progress. */
export function rolloutStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newSet, all, nowMs } = input
  const status = figures(input)
  let conditions: DeploymentCondition[] = status.conditions ?? []
  const current = conditionOf(conditions, 'Progressing')
  if (!hasDeadline(deployment)) conditions = conditions.filter(({ type }) => type !== 'Progressing')
  else if (status.replicas !== status.updatedReplicas || current?.reason !== AVAILABLE_REASON) {
    const what = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
    const progress = progressOf(deployment, status, current, nowMs)
    if (progress) {
      const { isNews = false, words, ...rest } = progress
      const next: NewCondition = { type: 'Progressing', ...rest, message: `${what} ${words}` }
      conditions = withCondition(conditions, next, nowMs, { isNews })
    }
  }
  conditions = conditions.filter(({ type }) => type !== 'ReplicaFailure')
  const failure = failureOf(newSet, all)
  if (failure) {
    const { status: said, reason = '', message = '' } = failure
    const kept = (status.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure')
    const isTrue = said === 'True' ? 'True' : 'False'
    const next: NewCondition = { type: 'ReplicaFailure', status: isTrue, reason, message }
    conditions = withCondition([...conditions, ...kept], next, nowMs)
  }
  return { ...status, conditions }
}

interface Progress {
  status: 'True' | 'False'
  reason: string
  words: string
  isNews?: boolean
}

function progressOf(
  deployment: ReadonlyDeployment,
  status: DeploymentStatus,
  current: DeepReadonly<DeploymentCondition> | undefined,
  nowMs: number,
): Progress | undefined {
  if (isComplete(deployment, status))
    return { status: 'True', reason: AVAILABLE_REASON, words: 'has successfully progressed.' }
  if (isProgressing(deployment.status ?? {}, status))
    return { status: 'True', reason: 'ReplicaSetUpdated', words: 'is progressing.', isNews: true }
  if (hasTimedOut(deployment, current, nowMs))
    return { status: 'False', reason: TIMED_OUT_REASON, words: 'has timed out progressing.' }
  return undefined
}

function isProgressing(before: DeepReadonly<DeploymentStatus>, now: DeploymentStatus): boolean {
  const old = (s: DeepReadonly<DeploymentStatus>): number => (s.replicas ?? 0) - (s.updatedReplicas ?? 0)
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

function hasTimedOut(
  deployment: ReadonlyDeployment,
  current: DeepReadonly<DeploymentCondition> | undefined,
  nowMs: number,
): boolean {
  if (current === undefined || current.reason === AVAILABLE_REASON) return false
  if (current.reason === TIMED_OUT_REASON) return true
  return deadlineMs(deployment, current) < nowMs
}

function deadlineMs({ spec }: ReadonlyDeployment, { lastUpdateTime }: DeepReadonly<DeploymentCondition>): number {
  return Date.parse(lastUpdateTime ?? '') + (spec.progressDeadlineSeconds ?? 0) * 1000
}

/** When a rollout that does not move must be looked at again; undefined when it is over or cannot time out. */
export function nextCheckMs(
  deployment: ReadonlyDeployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const current = conditionOf(status.conditions, 'Progressing')
  if (!hasDeadline(deployment) || current === undefined || isComplete(deployment, status)) return undefined
  if (current.reason === TIMED_OUT_REASON) return undefined
  const left = deadlineMs(deployment, current) - nowMs
  return Math.max(left, 0) + 1000
}

function failureOf(
  newSet: ReadonlySet | undefined,
  all: readonly ReadonlySet[],
): { status: string; reason?: string; message?: string } | undefined {
  for (const set of newSet ? [newSet, ...all] : all) {
    const found = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
    if (found) return found
  }
  return undefined
}
