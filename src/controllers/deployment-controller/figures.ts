// How many replicas each set of a deployment is to have: pure arithmetic, rounding as upstream.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { share } from '../share.ts'

export type ReadonlyDeployment = DeepReadonly<Deployment>
export type ReadonlySet = DeepReadonly<ReplicaSet>

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'

export interface Scaling {
  set: ReadonlySet
  replicas: number
}

export const replicasOf = (object: ReadonlySet | ReadonlyDeployment): number => object.spec.replicas ?? 1
export const totalReplicas = (sets: readonly ReadonlySet[]): number => sets.reduce((sum, s) => sum + replicasOf(s), 0)
export const availableOf = (sets: readonly ReadonlySet[]): number =>
  sets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0)
export const byCreation = (a: ReadonlySet, b: ReadonlySet): number => {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  return left < right || (left === right && a.metadata.name < b.metadata.name) ? -1 : 1
}

const isRolling = ({ spec }: ReadonlyDeployment): boolean => spec.strategy?.type !== 'Recreate'

export function limits(deployment: ReadonlyDeployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const replicas = replicasOf(deployment)
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {}
  const surge = share(maxSurge, replicas, Math.ceil)
  const unavailable = share(maxUnavailable, replicas, Math.floor)
  // Percentages may both round to nothing; the rollout would never move.
  const allowed = surge === 0 && unavailable === 0 ? 1 : unavailable
  return { maxSurge: surge, maxUnavailable: Math.min(allowed, replicas) }
}

/** What the newest set may grow to now. */
export function newSetReplicas(deployment: ReadonlyDeployment, all: readonly ReadonlySet[], current: number): number {
  const replicas = replicasOf(deployment)
  if (!isRolling(deployment)) return replicas
  const total = totalReplicas(all)
  const most = replicas + limits(deployment).maxSurge
  if (total >= most) return current
  return current + Math.min(most - total, replicas - current)
}

/** The next step of a rolling update: the new set first, then the old ones. Empty: nothing can or need be done now. */
export function rollingStep(
  deployment: ReadonlyDeployment,
  newSet: ReadonlySet,
  old: readonly ReadonlySet[],
): Scaling[] {
  const replicas = replicasOf(deployment)
  const current = replicasOf(newSet)
  if (current !== replicas) {
    const next = current > replicas ? replicas : newSetReplicas(deployment, [...old, newSet], current)
    if (next !== current) return [{ set: newSet, replicas: next }]
  }
  return shrinkOld(deployment, newSet, old)
}

function shrinkOld(deployment: ReadonlyDeployment, newSet: ReadonlySet, old: readonly ReadonlySet[]): Scaling[] {
  const all = [...old, newSet]
  const minAvailable = replicasOf(deployment) - limits(deployment).maxUnavailable
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0)
  let spare = totalReplicas(all) - minAvailable - newUnavailable
  if (spare <= 0) return []
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]))
  const ordered = [...old].sort(byCreation)
  // What does not serve anyway goes first.
  for (const set of ordered) {
    const size = sizes.get(set) ?? 0
    const unhealthy = Math.min(spare, size - (set.status?.availableReplicas ?? 0))
    if (unhealthy <= 0) continue
    sizes.set(set, size - unhealthy)
    spare -= unhealthy
  }
  let left = availableOf(all) - minAvailable
  for (const set of ordered) {
    const size = sizes.get(set) ?? 0
    const less = Math.min(Math.max(left, 0), size)
    sizes.set(set, size - less)
    left -= less
  }
  return [...sizes].filter(([set, size]) => size !== replicasOf(set)).map(([set, size]) => ({ set, replicas: size }))
}

/** The deployment was scaled: every set grows or shrinks with it, in proportion. */
export function scalingStep(
  deployment: ReadonlyDeployment,
  newSet: ReadonlySet | undefined,
  old: readonly ReadonlySet[],
): Scaling[] {
  const replicas = replicasOf(deployment)
  const all = newSet ? [...old, newSet] : [...old]
  const active = all.filter((set) => replicasOf(set) > 0)
  const latest = newSet ?? [...old].sort(byCreation).at(-1)
  const only = active.length === 0 ? latest : active.length === 1 ? active[0] : undefined
  if (active.length <= 1) {
    if (only === undefined) return []
    return replicasOf(only) === replicas && annotated(only, DESIRED_REPLICAS) === replicas
      ? []
      : [{ set: only, replicas }]
  }
  if (newSet && isSaturated(deployment, newSet))
    return old.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }))
  if (!isRolling(deployment)) return []
  return proportionally(deployment, active)
}

function proportionally(deployment: ReadonlyDeployment, active: readonly ReadonlySet[]): Scaling[] {
  const replicas = replicasOf(deployment)
  const allowed = replicas > 0 ? replicas + limits(deployment).maxSurge : 0
  const toAdd = allowed - totalReplicas(active)
  const newerFirst = toAdd > 0 ? -1 : 1
  const ordered = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || newerFirst * byCreation(a, b))
  let added = 0
  const sizes = ordered.map((set) => {
    if (toAdd === 0) return replicasOf(set)
    const proportion = proportionOf(set, deployment, { toAdd, added })
    added += proportion
    return replicasOf(set) + proportion
  })
  // What rounding left over goes to the largest.
  if (toAdd !== 0) sizes[0] = Math.max(0, (sizes[0] ?? 0) + toAdd - added)
  return ordered.map((set, i) => ({ set, replicas: sizes[i] ?? 0 }))
}

function proportionOf(
  set: ReadonlySet,
  deployment: ReadonlyDeployment,
  { toAdd, added }: { toAdd: number; added: number },
): number {
  const size = replicasOf(set)
  if (size === 0 || toAdd === added) return 0
  const replicas = replicasOf(deployment)
  const before = annotated(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0
  const wanted = before === 0 ? size : Math.round((size * (replicas + limits(deployment).maxSurge)) / before)
  const fraction = replicas === 0 ? -size : wanted - size
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added)
}

function isSaturated(deployment: ReadonlyDeployment, set: ReadonlySet): boolean {
  const replicas = replicasOf(deployment)
  return (
    annotated(set, DESIRED_REPLICAS) === replicas &&
    replicasOf(set) === replicas &&
    (set.status?.availableReplicas ?? 0) === replicas
  )
}

/** Somebody changed the deployment's number of replicas since its sets were last scaled. */
export function isScaling(deployment: ReadonlyDeployment, all: readonly ReadonlySet[]): boolean {
  return all.some((set) => {
    const desired = annotated(set, DESIRED_REPLICAS)
    return replicasOf(set) > 0 && desired !== undefined && desired !== replicasOf(deployment)
  })
}

export function annotated(set: ReadonlySet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name]
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
