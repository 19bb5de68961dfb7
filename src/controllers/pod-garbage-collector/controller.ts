// Removes pods that nobody will remove any more: those of nodes that are gone, and the oldest of too many finished ones.

import { rfc3339 } from '../../base/clock.ts'
import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { nodes } from '../../api/core/node/node.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { isPodTerminal } from '../../api/core/pod/readiness.ts'
import { type Controller, defineController, type ReconcileContext, watches } from '../controller.ts'
import { keyOf, keyText, parseKey } from '../keys.ts'

/** A node may be gone only for the moment of being made anew. */
const QUARANTINE_MS = 40_000
const TERMINATED_THRESHOLD = 12_500

export function podGarbageCollector(terminatedThreshold = TERMINATED_THRESHOLD): Controller {
  /** When a node was first missed. */
  const missing = new Map<string, number>()
  /** Finished pods with their time of creation. */
  const finished = new Map<string, string>()
  return defineController({
    name: 'pod-garbage-collector',
    for: pods,
    watches: [
      watches({
        resource: nodes,
        toKeys({ metadata: { name } }, cache) {
          if (cache.get(nodes, { name }) !== undefined) {
            missing.delete(name)
            return []
          }
          return cache
            .list(pods)
            .filter(({ spec }) => spec?.nodeName === name)
            .map(keyOf)
        },
      }),
    ],
    async reconcile(context, key) {
      const { cache, clock, log } = context
      const pod = cache.get(pods, key)
      if (pod !== undefined && isPodTerminal(pod)) finished.set(keyText(key), pod.metadata.creationTimestamp ?? '')
      else finished.delete(keyText(key))
      if (pod === undefined) return undefined
      if (finished.size > terminatedThreshold) {
        const oldest = [...finished].reduce((a, b) => (b[1] < a[1] ? b : a))[0]
        finished.delete(oldest)
        const surplus = cache.get(pods, parseKey(oldest))
        if (surplus) await forceDelete(context, surplus)
        if (oldest === keyText(key)) return undefined
      }
      const { nodeName } = pod.spec ?? {}
      if (!nodeName) {
        if (pod.metadata.deletionTimestamp !== undefined) await forceDelete(context, pod)
        return undefined
      }
      if (cache.get(nodes, { name: nodeName }) !== undefined) return undefined
      const since = missing.get(nodeName) ?? clock.monotonic()
      missing.set(nodeName, since)
      const left = since + QUARANTINE_MS - clock.monotonic()
      if (left > 0) return { after: left }
      if (await isThere(context, nodeName)) return { after: QUARANTINE_MS }
      log.info('Removed the pod of a node that is gone', { pod: keyText(key), node: nodeName })
      await markLost(context, pod)
      await forceDelete(context, pod)
      return undefined
    },
  })
}

async function isThere({ api, signal }: ReconcileContext, name: string): Promise<boolean> {
  try {
    await api.get(nodes, { name }, { signal })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

async function markLost({ api, clock, signal }: ReconcileContext, pod: DeepReadonly<Pod>): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
    lastTransitionTime: rfc3339(clock.now()),
  }
  const phase = isPodTerminal(pod) ? {} : { phase: 'Failed' }
  const body = { metadata: { uid: pod.metadata.uid }, status: { ...phase, conditions: [condition] } }
  await unlessGone(api.patch(pods, keyOf(pod), { type: 'strategic', body }, { subresource: 'status', signal }))
}

async function forceDelete({ api, signal }: ReconcileContext, pod: DeepReadonly<Pod>): Promise<void> {
  const { uid = '' } = pod.metadata
  await unlessGone(api.delete(pods, keyOf(pod), { gracePeriodSeconds: 0, preconditions: { uid }, signal }))
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
