// Keeps the addresses of the pods behind each service in endpoint slices, for proxies and DNS to read.

import { isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { type Service, services } from '../../api/core/service/service.ts'
import { type EndpointSlice, endpointSlices } from '../../api/discovery/endpoint-slice.ts'
import { type Cache, defineController, type ReconcileContext, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating } from '../refusals.ts'
import { hasBackends, selects } from './backends.ts'
import { decide, MANAGED_BY_LABEL, MANAGER, SERVICE_NAME_LABEL, type SlicePlan } from './decide.ts'

/** See the replica sets': own writes show by their events. */
const LOOK_AGAIN_MS = 5000

export const endpointSliceController = defineController({
  name: 'endpointslice-controller',
  for: services,
  watches: [
    watches({
      resource: pods,
      toKeys(pod, cache) {
        const { namespace } = pod.metadata
        if (namespace === undefined) return []
        return cache.keysOf(services, namespace, (service) => selects(service, pod))
      },
    }),
    watches({
      resource: endpointSlices,
      toKeys({ metadata: { namespace, labels = {} } }) {
        const name = labels[SERVICE_NAME_LABEL]
        return namespace && name && labels[MANAGED_BY_LABEL] === MANAGER ? [{ namespace, name }] : []
      },
    }),
  ],
  reads: [nodes],
  async reconcile(context, key) {
    const { cache, writes } = context
    const service = cache.get(services, key)
    // Its slices have the service for owner and go with it.
    if (service === undefined) {
      writes.forget(key)
      return undefined
    }
    if (!hasBackends(service) || service.metadata.deletionTimestamp !== undefined) return undefined
    if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
    const { namespace = '' } = key
    const plan = decide({
      service,
      pods: cache.list(pods, namespace).filter((pod) => selects(service, pod)),
      node: (name) => cache.get(nodes, { name }),
      existing: slicesOf(service, cache),
    })
    await act(context, service, plan)
    return undefined
  },
})

function slicesOf(service: DeepReadonly<Service>, cache: Cache): DeepReadonly<EndpointSlice>[] {
  return cache
    .list(endpointSlices, service.metadata.namespace)
    .filter(
      ({ metadata: { labels = {}, deletionTimestamp } }) =>
        labels[SERVICE_NAME_LABEL] === service.metadata.name &&
        labels[MANAGED_BY_LABEL] === MANAGER &&
        deletionTimestamp === undefined,
    )
}

/** Additions first: an endpoint that moves is in two slices for a moment rather than in none. */
async function act(
  { api, writes, signal }: ReconcileContext,
  service: DeepReadonly<Service>,
  plan: SlicePlan,
): Promise<void> {
  const owner = keyOf(service)
  try {
    for (const slice of plan.create)
      writes.wrote(owner, endpointSlices, await api.create(endpointSlices, slice, { signal }))
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    throw error
  }
  for (const slice of plan.update)
    writes.wrote(owner, endpointSlices, await api.update(endpointSlices, slice, { signal }))
  for (const slice of plan.delete) {
    try {
      await api.delete(endpointSlices, keyOf(slice), { signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    writes.deleted(owner, endpointSlices, slice)
  }
}
