// Deletes pods from nodes with a NoExecute taint, at once or after as long as they tolerate it.

import { rfc3339 } from '../../base/clock.ts'
import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Node, nodes } from '../../api/core/node/node.ts'
import { tolerates } from '../../api/core/node/placement.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { defineController, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'

export const taintEvictionController = defineController({
  name: 'taint-eviction-controller',
  account: 'node-controller',
  for: pods,
  watches: [
    watches({
      resource: nodes,
      toKeys(node, cache) {
        if (noExecuteTaints(node).length === 0) return []
        return cache
          .list(pods)
          .filter(({ spec }) => spec?.nodeName === node.metadata.name)
          .map(keyOf)
      },
    }),
  ],
  async reconcile({ api, cache, clock, events, log, signal }, key) {
    const pod = cache.get(pods, key)
    if (!pod?.spec?.nodeName || pod.metadata.deletionTimestamp !== undefined) return undefined
    const node = cache.get(nodes, { name: pod.spec.nodeName })
    const after = node === undefined ? undefined : evictionMs(pod, node, clock.now())
    if (after === undefined) return undefined
    if (after > 0) return { after }
    events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key.namespace}/${key.name}`)
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
      log.info('Evicted a pod from a tainted node', { pod: `${key.namespace}/${key.name}`, node: pod.spec.nodeName })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    return undefined
  },
})

const noExecuteTaints = ({ spec }: DeepReadonly<Node>): NonNullable<DeepReadonly<Node>['spec']>['taints'] & object =>
  (spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')

/** Milliseconds until the pod has to go: 0 now, undefined never. Pure. */
export function evictionMs(pod: DeepReadonly<Pod>, node: DeepReadonly<Node>, nowMs: number): number | undefined {
  let least: number | undefined
  for (const taint of noExecuteTaints(node)) {
    const fitting = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
    if (fitting.length === 0) return 0
    const since = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded)
    for (const { tolerationSeconds } of fitting) {
      if (tolerationSeconds === undefined) continue
      const left = Math.max(0, since + Math.max(0, tolerationSeconds) * 1000 - nowMs)
      if (least === undefined || left < least) least = left
    }
  }
  return least
}
