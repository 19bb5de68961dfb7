// Deletes pods from nodes with a NoExecute taint, at once or after as long as they tolerate it.

import { rfc3339 } from '../../base/clock.ts'
import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Node, nodes } from '../../api/core/node/node.ts'
import { tolerates } from '../../api/core/node/placement.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { type Controller, defineController, type ReconcileContext, watches } from '../controller.ts'
import { keyOf, keyText } from '../keys.ts'

export function taintEvictionController(): Controller {
  /** Pods that are to go, by key. */
  const scheduled = new Set<string>()
  return defineController({
    name: 'taint-eviction-controller',
    account: 'node-controller',
    for: pods,
    watches: [
      watches({
        resource: nodes,
        toKeys(node, cache) {
          // Most news of a node are heartbeats.
          if (noExecuteTaints(node).length === 0 && scheduled.size === 0) return []
          const { name } = node.metadata
          return cache
            .list(pods)
            .filter(({ spec }) => spec?.nodeName === name)
            .map(keyOf)
        },
      }),
    ],
    async reconcile(context, key) {
      const { cache, clock, events } = context
      const pod = cache.get(pods, key)
      const text = keyText(key)
      if (!pod?.spec?.nodeName || pod.metadata.deletionTimestamp !== undefined) {
        scheduled.delete(text)
        return undefined
      }
      const node = cache.get(nodes, { name: pod.spec.nodeName })
      const after = node === undefined ? undefined : evictionMs(pod, node, clock.now())
      if (after === undefined) {
        if (scheduled.delete(text))
          events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${text}`)
        return undefined
      }
      if (after > 0) {
        scheduled.add(text)
        return { after }
      }
      await evict(context, pod)
      scheduled.delete(text)
      return undefined
    },
  })
}

async function evict({ api, clock, events, log, signal }: ReconcileContext, pod: DeepReadonly<Pod>): Promise<void> {
  const key = keyOf(pod)
  events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyText(key)}`)
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: rfc3339(clock.now()),
  }
  const { uid = '' } = pod.metadata
  try {
    const body = { metadata: { uid }, status: { conditions: [condition] } }
    await api.patch(pods, key, { type: 'strategic', body }, { subresource: 'status', signal })
    await api.delete(pods, key, { preconditions: { uid }, signal })
    log.info('Evicted a pod from a tainted node', { pod: keyText(key), node: pod.spec?.nodeName })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

const noExecuteTaints = ({ spec }: DeepReadonly<Node>): NonNullable<DeepReadonly<Node>['spec']>['taints'] & object =>
  (spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')

/** Milliseconds until the pod has to go: 0 now, undefined never. Pure. */
export function evictionMs(pod: DeepReadonly<Pod>, node: DeepReadonly<Node>, nowMs: number): number | undefined {
  let least: number | undefined
  for (const taint of noExecuteTaints(node)) {
    // Of several tolerations of one taint the first counts, as upstream has it.
    const toleration = pod.spec?.tolerations?.find((candidate) => tolerates(candidate, taint))
    if (toleration === undefined) return 0
    const { tolerationSeconds } = toleration
    if (tolerationSeconds === undefined) continue
    const since = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded)
    const left = Math.max(0, since + Math.max(0, tolerationSeconds) * 1000 - nowMs)
    if (least === undefined || left < least) least = left
  }
  return least
}
