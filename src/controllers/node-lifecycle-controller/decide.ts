// What follows from a node's silence and from its conditions: pure.

import { isDeepStrictEqual } from 'node:util'
import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { Taint } from '../../api/core/node/spec.ts'
import type { NodeCondition } from '../../api/core/node/status.ts'

type ReadonlyNode = DeepReadonly<Node>

/** A node that says nothing for so long is taken for lost; upstream's default since v1.32. */
export const MONITOR_GRACE_MS = 50_000
/** A new node may take longer for its first word. */
export const STARTUP_GRACE_MS = 60_000

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const LOSSES: ReadonlySet<string> = new Set([NOT_READY, UNREACHABLE])
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'
const WATCHED_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const
const PRESSURE_TAINTS: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
}

export function conditionOf(node: ReadonlyNode, type: string): DeepReadonly<NodeCondition> | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)
}

export const readiness = (node: ReadonlyNode): string => conditionOf(node, 'Ready')?.status ?? 'Unknown'

/** The conditions of a node that fell silent; undefined when they say so already. */
export function silentConditions(node: ReadonlyNode, nowMs: number): NodeCondition[] | undefined {
  const now = rfc3339(nowMs)
  const conditions = (node.status?.conditions ?? []).map((condition) => ({ ...condition }))
  let isNews = false
  for (const type of WATCHED_CONDITIONS) {
    const known = conditions.find((condition) => condition.type === type)
    if (known === undefined) {
      isNews = true
      conditions.push({
        type,
        status: 'Unknown',
        lastHeartbeatTime: node.metadata.creationTimestamp ?? now,
        lastTransitionTime: now,
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
      })
    } else if (known.status !== 'Unknown') {
      isNews = true
      known.status = 'Unknown'
      known.reason = 'NodeStatusUnknown'
      known.message = 'Kubelet stopped posting node status.'
      known.lastTransitionTime = now
    }
  }
  return isNews ? conditions : undefined
}

/** Its pods should leave: `allowed` when its turn has come, `kept` when they were told so before only, `never` in no case. */
export type Eviction = 'allowed' | 'kept' | 'never'

/** Why the node is lost, as the key of a taint. */
function lossOf(node: ReadonlyNode): string | undefined {
  const ready = conditionOf(node, 'Ready')
  if (ready?.status === 'True') return undefined
  return ready?.status === 'False' ? NOT_READY : UNREACHABLE
}

/** Its pods were told to leave. */
export function isGivenUp({ spec }: ReadonlyNode): boolean {
  return spec?.taints?.some(({ key, effect }) => LOSSES.has(key) && effect === 'NoExecute') ?? false
}

/** What upstream tells zones apart by. */
export function zoneOf({ metadata: { labels = {} } }: ReadonlyNode): string {
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  return region === '' && zone === '' ? '' : `${region}/${zone}`
}

/** The taints that the node should have; undefined when it has them. Other people's taints stay. */
export function taintsOf(node: ReadonlyNode, nowMs: number, eviction: Eviction): Taint[] | undefined {
  const current = node.spec?.taints ?? []
  const wanted = new Map<string, Taint>()
  const want = (key: string, effect: string): void => {
    wanted.set(`${key}:${effect}`, { key, effect, timeAdded: rfc3339(nowMs) })
  }
  const lost = lossOf(node)
  if (lost !== undefined) {
    want(lost, 'NoSchedule')
    // The two taints exclude each other: one takes the other's place.
    if (eviction === 'allowed' || (eviction === 'kept' && isGivenUp(node))) want(lost, 'NoExecute')
  }
  for (const [type, key] of Object.entries(PRESSURE_TAINTS))
    if (conditionOf(node, type)?.status === 'True') want(key, 'NoSchedule')
  if (node.spec?.unschedulable) want(UNSCHEDULABLE, 'NoSchedule')
  const ours = new Set([...LOSSES, UNSCHEDULABLE, ...Object.values(PRESSURE_TAINTS)])
  const next: Taint[] = []
  for (const taint of current) {
    const id = `${taint.key}:${taint.effect}`
    if (ours.has(taint.key) && !wanted.has(id)) continue
    // Known since when it was first seen.
    wanted.delete(id)
    next.push({ ...taint })
  }
  next.push(...wanted.values())
  return isDeepStrictEqual(
    next,
    current.map((taint) => ({ ...taint })),
  )
    ? undefined
    : next
}
