// Watches over the nodes: one that falls silent is marked, tainted, and its pods are taken out of service.

import { rfc3339 } from '../../base/clock.ts'
import { isNotFound } from '../../apimachinery/errors.ts'
import { leases } from '../../api/coordination/lease.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Node, nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { isPodReady } from '../../api/core/pod/readiness.ts'
import type { EventRecorder } from '../../client/events.ts'
import { type Controller, defineController, type ReconcileContext, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'
import {
  conditionOf,
  type Eviction,
  isGivenUp,
  MONITOR_GRACE_MS,
  readiness,
  silentConditions,
  STARTUP_GRACE_MS,
  taintsOf,
  zoneOf,
} from './decide.ts'
import { MONITOR_PERIOD_MS, Zones } from './zones.ts'

const LEASE_NAMESPACE = 'kube-node-lease'

/** A sign of life, and when it was seen by this clock: the node's own clock may be wrong. */
interface Sign {
  uid: string
  text: string
  seenAt: number
  readiness: string
}

/** Nodes with this label say nothing about their zone. */
const EXCLUDED = 'node.kubernetes.io/exclude-disruption'

export function nodeLifecycleController(): Controller {
  const signs = new Map<string, Sign>()
  const zones = new Zones()
  return defineController({
    name: 'node-lifecycle-controller',
    account: 'node-controller',
    for: nodes,
    watches: [
      watches({
        resource: leases,
        toKeys: ({ metadata: { name, namespace } }) => (namespace === LEASE_NAMESPACE ? [{ name }] : []),
      }),
    ],
    reads: [pods],
    async reconcile(context, key) {
      const { api, cache, clock, events, signal } = context
      const node = cache.get(nodes, key)
      const known = signs.get(key.name)
      if (known !== undefined && known.uid !== node?.metadata.uid) {
        signs.delete(key.name)
        tell(events, key.name, known.uid, 'RemovingNode', `Removing Node ${key.name} from Controller`)
      }
      if (node === undefined) {
        zones.remove(key.name)
        return undefined
      }
      const { uid = '' } = node.metadata
      if (known?.uid !== uid) tell(events, key.name, uid, 'RegisteredNode', `Registered Node ${key.name} in Controller`)
      const lease = cache.get(leases, { namespace: LEASE_NAMESPACE, name: key.name })
      const sign = observe(signs, node, lease?.spec?.renewTime, clock.monotonic())
      watchZones(zones, signs, node, context)
      const graceMs = conditionOf(node, 'Ready') === undefined ? STARTUP_GRACE_MS : MONITOR_GRACE_MS
      const left = sign.seenAt + graceMs - clock.monotonic()
      const conditions = left <= 0 ? silentConditions(node, clock.now()) : undefined
      if (conditions !== undefined) {
        const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, status: { conditions } }
        await api.patch(nodes, key, { type: 'strategic', body }, { subresource: 'status', signal })
        // The event of this write brings the node back here.
        return undefined
      }
      const taints = taintsOf(node, clock.now(), evictionOf(zones, node, clock.monotonic()))
      if (taints !== undefined) {
        const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } }
        await api.patch(nodes, key, { type: 'merge', body }, { signal })
      }
      const now = readiness(node)
      // A kubelet that says itself that it is not ready tells of it itself.
      if (now === 'Unknown' && sign.readiness === 'True')
        events.event(node, 'Normal', 'NodeNotReady', `Node ${key.name} status is now: NodeNotReady`)
      if (now !== 'True' && sign.readiness !== now) await markPodsNotReady(context, key.name)
      sign.readiness = now
      // What is to be done with a lost node depends on the others too.
      if (now !== 'True') return { after: left > 0 ? Math.min(left, MONITOR_PERIOD_MS) : MONITOR_PERIOD_MS }
      return left > 0 ? { after: left } : undefined
    },
  })
}

/** Keeps the figures of the zones; when all were down and something is back, every node is given its time anew. */
function watchZones(
  zones: Zones,
  signs: ReadonlyMap<string, Sign>,
  node: DeepReadonly<Node>,
  { cache, clock }: ReconcileContext,
): void {
  // The state of a zone is known only when all of its nodes are: at the start they all come at once.
  for (const seen of zones.isEmpty ? cache.list(nodes) : [node])
    zones.observe(seen.metadata.name, {
      zone: zoneOf(seen),
      isReady: readiness(seen) === 'True',
      counts: seen.metadata.labels?.[EXCLUDED] === undefined,
    })
  const now = clock.monotonic()
  if (zones.evaluate(now) !== 'recovered') return
  for (const sign of signs.values()) sign.seenAt = now
}

function evictionOf(zones: Zones, node: DeepReadonly<Node>, nowMs: number): Eviction {
  const { name } = node.metadata
  if (zones.isFullyDisrupted) return 'never'
  if (readiness(node) === 'True' || isGivenUp(node)) {
    zones.settle(name)
    return 'kept'
  }
  return zones.mayGiveUp(name, nowMs) ? 'allowed' : 'kept'
}

/** Upstream's words: "Node NAME event: ...". */
function tell(events: EventRecorder, name: string, uid: string, reason: string, text: string): void {
  events.event({ apiVersion: 'v1', kind: 'Node', name, uid }, 'Normal', reason, `Node ${name} event: ${text}`)
}

function observe(signs: Map<string, Sign>, node: DeepReadonly<Node>, renewTime: string | undefined, now: number): Sign {
  const { name, uid = '' } = node.metadata
  const ready = conditionOf(node, 'Ready')
  // What this controller writes itself is no sign of life.
  const heartbeat = ready?.status === 'Unknown' ? '' : `${ready?.lastHeartbeatTime} ${ready?.status}`
  const text = `${renewTime} ${heartbeat}`
  const known = signs.get(name)
  if (known?.uid === uid) {
    const isOwnDoing = ready?.status === 'Unknown' && known.text.startsWith(`${renewTime} `)
    if (known.text !== text && !isOwnDoing) known.seenAt = now
    known.text = text
    return known
  }
  const sign = { uid, text, seenAt: now, readiness: readiness(node) === 'True' ? 'True' : '' }
  signs.set(name, sign)
  return sign
}

/** Services must not lead to pods that nobody vouches for. */
async function markPodsNotReady({ api, cache, clock, events, signal }: ReconcileContext, node: string): Promise<void> {
  const lastTransitionTime = rfc3339(clock.now())
  for (const pod of cache.list(pods)) {
    if (pod.spec?.nodeName !== node || !isPodReady(pod)) continue
    const condition = { type: 'Ready', status: 'False', lastTransitionTime }
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
    try {
      await api.patch(pods, keyOf(pod), { type: 'strategic', body }, { subresource: 'status', signal })
      events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
