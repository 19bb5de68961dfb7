// Keeps the addresses of the pods behind each service in the old form, one Endpoints object a service.

import { isDeepStrictEqual } from 'node:util'
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type EndpointAddress, type Endpoints, type EndpointSubset, endpoints } from '../../api/core/endpoints.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { type Service, services } from '../../api/core/service/service.ts'
import { defineController, watches } from '../controller.ts'
import {
  conditionsOf,
  hasBackends,
  hostnameOf,
  isBackend,
  portsOf,
  selects,
} from '../endpointslice-controller/backends.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating } from '../refusals.ts'

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const MANAGER = 'endpoint-controller'
const HEADLESS = 'service.kubernetes.io/headless'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
/** An Endpoints object holds so many addresses; what is beyond is in the slices only. */
const MAX_ADDRESSES = 1000

export const endpointController = defineController({
  name: 'endpoint-controller',
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
    watches({ resource: endpoints, toKeys: (object) => [keyOf(object)] }),
  ],
  async reconcile({ api, cache, signal }, key) {
    const service = cache.get(services, key)
    const current = cache.get(endpoints, key)
    if (service === undefined) {
      // Named like a service that is gone: its endpoints go too, unless somebody else looks after them.
      if (current?.metadata.labels?.[MANAGED_BY] !== MANAGER) return undefined
      await api.delete(endpoints, key, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      return undefined
    }
    if (!hasBackends(service)) return undefined
    const next = decide(service, cache.list(pods, key.namespace), current)
    if (next === undefined) return undefined
    try {
      if (current === undefined) await api.create(endpoints, next, { signal })
      else await api.update(endpoints, next, { signal })
    } catch (error) {
      if (!isNamespaceTerminating(error) && !isAlreadyExists(error)) throw error
    }
    return undefined
  },
})

/** The Endpoints to write; undefined when they are right as they are. Pure. */
export function decide(
  service: DeepReadonly<Service>,
  candidates: readonly DeepReadonly<Pod>[],
  current: DeepReadonly<Endpoints> | undefined,
): Endpoints | undefined {
  const backends = candidates.filter((pod) => selects(service, pod) && isBackend(pod)).sort(byName)
  const subsets = subsetsOf(service, backends.slice(0, MAX_ADDRESSES))
  const labels = {
    ...service.metadata.labels,
    [MANAGED_BY]: MANAGER,
    ...(service.spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
  }
  const annotations: Record<string, string> = { ...current?.metadata.annotations }
  if (backends.length > MAX_ADDRESSES) annotations[OVER_CAPACITY] = 'truncated'
  else delete annotations[OVER_CAPACITY]
  if (
    current !== undefined &&
    isDeepStrictEqual(JSON.parse(JSON.stringify(current.subsets ?? [])), JSON.parse(JSON.stringify(subsets))) &&
    isDeepStrictEqual({ ...current.metadata.labels }, labels) &&
    isDeepStrictEqual({ ...current.metadata.annotations }, annotations)
  )
    return undefined
  const { name, namespace = '' } = service.metadata
  const resourceVersion = current?.metadata.resourceVersion
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      namespace,
      labels,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  }
}

const byName = (a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number => (a.metadata.name < b.metadata.name ? -1 : 1)

/** Addresses with the same ports share a subset. */
function subsetsOf(service: DeepReadonly<Service>, backends: readonly DeepReadonly<Pod>[]): EndpointSubset[] {
  const subsets = new Map<string, EndpointSubset>()
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4'
  for (const pod of backends) {
    const ip = pod.status?.podIPs?.find((podIP) => podIP.ip.includes(':') === (family === 'IPv6'))?.ip
    if (ip === undefined) continue
    const ports = portsOf(service, pod).map(({ name, port, protocol, appProtocol }) => ({
      ...(name === '' ? {} : { name }),
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }))
    // A pod without the named port is not behind the service; one behind a service without ports is.
    if (ports.length === 0 && (service.spec?.ports?.length ?? 0) > 0) continue
    const key = JSON.stringify(ports)
    const subset: EndpointSubset = subsets.get(key) ?? (ports.length > 0 ? { ports } : {})
    const { ready, terminating } = conditionsOf(service, pod)
    if (terminating && !ready) continue
    const list = ready ? 'addresses' : 'notReadyAddresses'
    subset[list] = [...(subset[list] ?? []), addressOf(service, pod, ip)]
    subsets.set(key, subset)
  }
  return [...subsets.values()]
}

function addressOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>, ip: string): EndpointAddress {
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameOf(service, pod)
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
  }
}
