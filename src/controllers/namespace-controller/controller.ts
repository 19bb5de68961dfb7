// Empties a namespace that is being deleted, of every kind of object, and then lets it go.

import { isDeepStrictEqual } from 'node:util'
import { isConflict, isNotFound, StatusError } from '../../apimachinery/errors.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Namespace, namespaces } from '../../api/core/namespace.ts'
import { type Discovered, discover, type ServedKind } from '../api-resources.ts'
import { defineController, type ReconcileContext } from '../controller.ts'
import { messageOf } from '../refusals.ts'
import { conditionsOf } from './conditions.ts'

const FINALIZER = 'kubernetes'
/** Pods are asked to stop; without knowing how long they may take, upstream looks again after this. */
const LOOK_AGAIN_MS = 5000
/** While objects end at once, waiting for a second look would only slow things down. */
const FIRST_LOOK_AGAIN_MS = 100
/** Objects of one kind that are looked at one by one; beyond, only their number counts. */
const MAX_LISTED = 500

export const namespaceController = defineController({
  name: 'namespace-controller',
  for: namespaces,
  workers: 10,
  async reconcile(context, key) {
    const { api, cache, clock, signal } = context
    const cached = cache.get(namespaces, key)
    if (cached?.metadata.deletionTimestamp === undefined) return undefined
    if (!cached.spec?.finalizers?.includes(FINALIZER)) return undefined
    // The cache may lag: a new namespace of the same name must not be emptied for the old one's sake.
    let namespace: DeepReadonly<Namespace>
    try {
      namespace = await api.get(namespaces, key, { signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
    const { uid, deletionTimestamp } = namespace.metadata
    if (uid !== cached.metadata.uid || deletionTimestamp === undefined) return undefined
    const left = await empty(context, key.name)
    const isEmpty = left.content.size === 0 && left.discoveryFailures.length === 0 && left.deletionFailures.length === 0
    const previous = namespace.status?.conditions ?? []
    const conditions = conditionsOf(left, previous, clock.now())
    try {
      if (isEmpty) {
        const finalizers = (namespace.spec?.finalizers ?? []).filter((f) => f !== FINALIZER)
        const next = { ...cloneJson(namespace), spec: { ...namespace.spec, finalizers } }
        await api.update(namespaces, next, { subresource: 'finalize', signal })
        return undefined
      }
      if (!isDeepStrictEqual(conditions, previous)) {
        const status = { ...namespace.status, phase: 'Terminating' as const, conditions }
        await api.update(namespaces, { ...cloneJson(namespace), status }, { subresource: 'status', signal })
      }
    } catch (error) {
      if (isNotFound(error)) return undefined
      if (!isConflict(error)) throw error
    }
    const isYoung = clock.now() - Date.parse(deletionTimestamp) < LOOK_AGAIN_MS
    return { after: isYoung ? FIRST_LOOK_AGAIN_MS : LOOK_AGAIN_MS }
  },
})

interface Remaining {
  content: Map<string, number>
  finalizers: Map<string, number>
  discoveryFailures: Discovered['failures']
  deletionFailures: string[]
}

/** Deletes all that can be deleted and counts what is left. */
async function empty({ api, signal }: ReconcileContext, namespace: string): Promise<Remaining> {
  const { kinds, failures } = await discover(api, signal)
  const left: Remaining = {
    content: new Map(),
    finalizers: new Map(),
    discoveryFailures: failures,
    deletionFailures: [],
  }
  const namespaced = kinds.filter(({ resource, verbs }) => resource.scope === 'Namespaced' && verbs.has('delete'))
  // Pods first and by themselves: what they use is deleted while they stop, as upstream does it, but after they were asked to.
  const isPods = ({ resource }: ServedKind): boolean => resource.groupResource === 'pods'
  for (const kind of namespaced.filter(isPods)) await emptyKind(kind)
  await Promise.all(namespaced.filter((kind) => !isPods(kind)).map(emptyKind))
  return left

  async function emptyKind({ resource, verbs }: ServedKind): Promise<void> {
    try {
      const options = { namespace, propagationPolicy: 'Background' as const, signal }
      if (verbs.has('deletecollection')) await api.deleteCollection(resource, options)
      else if (verbs.has('list')) {
        for (const { metadata } of (await api.list(resource, { namespace, signal })).items)
          await api.delete(resource, { namespace, name: metadata.name }, { propagationPolicy: 'Background', signal })
      }
      if (!verbs.has('list')) return
      const { items, remainingItemCount = 0 } = await api.list(resource, { namespace, limit: MAX_LISTED, signal })
      const count = items.length + remainingItemCount
      if (count === 0) return
      left.content.set(resource.group === '' ? `${resource.plural}.` : resource.groupResource, count)
      for (const { metadata } of items)
        for (const finalizer of metadata.finalizers ?? [])
          left.finalizers.set(finalizer, (left.finalizers.get(finalizer) ?? 0) + 1)
    } catch (error) {
      // The kind went meanwhile, or has nothing that could be deleted this way.
      if (isNotFound(error) || (error instanceof StatusError && error.status.code === 405)) return
      left.deletionFailures.push(messageOf(error))
    }
  }
}
