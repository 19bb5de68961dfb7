// Which pods go first when there are too many: the least useful ones, as upstream ranks them.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { isPodReady, podCondition } from '../../api/core/pod/readiness.ts'

type ReadonlyPod = DeepReadonly<Pod>

export const POD_DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }
const COST = /^(0|-?[1-9]\d{0,9})$/
const MAX_COST = 2 ** 31 - 1

/** `count` of `pods`, the first to go. `related` are the pods of the same application, which should stay spread over nodes. */
export function podsToDelete(
  pods: readonly ReadonlyPod[],
  related: readonly ReadonlyPod[],
  { count, nowMs }: { count: number; nowMs: number },
): ReadonlyPod[] {
  if (count >= pods.length) return [...pods]
  const onNode = new Map<string, number>()
  for (const { spec } of related) {
    const node = spec?.nodeName ?? ''
    onNode.set(node, (onNode.get(node) ?? 0) + 1)
  }
  const crowd = (pod: ReadonlyPod): number => onNode.get(pod.spec?.nodeName ?? '') ?? 0
  return [...pods].sort((a, b) => compare(a, b, crowd, nowMs)).slice(0, count)
}

function compare(a: ReadonlyPod, b: ReadonlyPod, crowd: (pod: ReadonlyPod) => number, nowMs: number): number {
  const assigned = Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName))
  if (assigned !== 0) return assigned
  const phase = phaseRank(a) - phaseRank(b)
  if (phase !== 0) return phase
  const [readyA, readyB] = [isPodReady(a), isPodReady(b)]
  const ready = Number(readyA) - Number(readyB)
  if (ready !== 0) return ready
  const cost = deletionCost(a) - deletionCost(b)
  if (cost !== 0) return cost
  const crowded = crowd(b) - crowd(a)
  if (crowded !== 0) return crowded
  if (readyA && readyB) {
    const since = ageRank(readySince(a), nowMs) - ageRank(readySince(b), nowMs)
    if (since !== 0) return since
  }
  const restarted = restarts(b) - restarts(a)
  if (restarted !== 0) return restarted
  const age = ageRank(a.metadata.creationTimestamp, nowMs) - ageRank(b.metadata.creationTimestamp, nowMs)
  if (age !== 0) return age
  return (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1
}

function phaseRank({ status }: ReadonlyPod): number {
  return PHASE_RANK[status?.phase ?? 'Pending'] ?? 0
}

function readySince(pod: ReadonlyPod): string | undefined {
  return podCondition(pod, 'Ready')?.lastTransitionTime
}

/** Ages count by orders of magnitude, so that old pods are not told apart by seconds. */
function ageRank(time: string | undefined, nowMs: number): number {
  if (time === undefined) return -1
  const age = nowMs - Date.parse(time)
  return age <= 0 ? -1 : Math.floor(Math.log2(age * 1e6))
}

export function deletionCost(pod: ReadonlyPod): number {
  const text = pod.metadata.annotations?.[POD_DELETION_COST]
  if (text === undefined || !COST.test(text)) return 0
  const cost = Number(text)
  return Math.abs(cost) > MAX_COST ? 0 : cost
}

function restarts({ status }: ReadonlyPod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount ?? 0))
}
