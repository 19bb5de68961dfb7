// Which endpoint slices a service needs, and how to come there from the ones it has with few writes. Pure.

import { isDeepStrictEqual } from 'node:util'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { controllerReference } from '../../api/core/owners.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { Endpoint, EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { type BackendPort, conditionsOf, hostnameOf, isBackend, portsOf } from './backends.ts'

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by'
export const MANAGER = 'endpointslice-controller.k8s.io'
const HEADLESS_LABEL = 'service.kubernetes.io/headless'
const ZONE_LABEL = 'topology.kubernetes.io/zone'
export const MAX_ENDPOINTS_PER_SLICE = 100

type AddressType = 'IPv4' | 'IPv6'
type ReadonlySlice = DeepReadonly<EndpointSlice>

export interface SlicePlan {
  create: EndpointSlice[]
  update: EndpointSlice[]
  delete: ReadonlySlice[]
}

export interface SliceInput {
  service: DeepReadonly<Service>
  pods: readonly DeepReadonly<Pod>[]
  node(name: string): DeepReadonly<Node> | undefined
  existing: readonly ReadonlySlice[]
}

/** Endpoints that go into slices of their own, because a slice has one set of ports and one family. */
interface Group {
  addressType: AddressType
  ports: BackendPort[]
  endpoints: Endpoint[]
}

export function decide(input: SliceInput): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], delete: [] }
  const groups = groupsOf(input)
  const unclaimed = new Set(input.existing)
  for (const group of groups.values()) {
    const mine = input.existing.filter(
      (slice) =>
        slice.addressType === group.addressType &&
        portsKey((slice.ports ?? []) as BackendPort[]) === portsKey(group.ports),
    )
    for (const slice of mine) unclaimed.delete(slice)
    placeGroup(input.service, group, mine, plan)
  }
  plan.delete.push(...unclaimed)
  return plan
}

function groupsOf({ service, pods, node }: SliceInput): Map<string, Group> {
  const groups = new Map<string, Group>()
  const families = (service.spec?.ipFamilies ?? ['IPv4']) as readonly AddressType[]
  for (const pod of pods) {
    if (!isBackend(pod)) continue
    const ports = portsOf(service, pod)
    for (const addressType of families) {
      const addresses = (pod.status?.podIPs ?? [])
        .map(({ ip }) => ip)
        .filter((ip) => ip.includes(':') === (addressType === 'IPv6'))
      if (addresses.length === 0) continue
      const key = `${addressType}/${portsKey(ports)}`
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] }
      group.endpoints.push(endpointOf(service, pod, node(pod.spec?.nodeName ?? ''), addresses))
      groups.set(key, group)
    }
  }
  // A service without pods has an empty slice per family: that it is empty is known, not unheard of.
  for (const addressType of families) {
    if ([...groups.values()].some((group) => group.addressType === addressType)) continue
    groups.set(addressType, { addressType, ports: [], endpoints: [] })
  }
  return groups
}

function endpointOf(
  service: DeepReadonly<Service>,
  pod: DeepReadonly<Pod>,
  node: DeepReadonly<Node> | undefined,
  addresses: string[],
): Endpoint {
  const { name, namespace, uid } = pod.metadata
  const { nodeName } = pod.spec ?? {}
  const zone = node?.metadata.labels?.[ZONE_LABEL]
  const hostname = hostnameOf(service, pod)
  return {
    addresses,
    conditions: conditionsOf(service, pod),
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
  }
}

/** Endpoints stay in the slice they are in; new ones fill what has room; only then slices are added. */
function placeGroup(
  service: DeepReadonly<Service>,
  group: Group,
  existing: readonly ReadonlySlice[],
  plan: SlicePlan,
): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]))
  const kept = existing.map((slice) => {
    const endpoints: Endpoint[] = []
    for (const endpoint of slice.endpoints ?? []) {
      const key = identity(endpoint)
      const next = wanted.get(key)
      if (next === undefined) continue
      wanted.delete(key)
      endpoints.push(next)
    }
    return { slice, endpoints }
  })
  const left = [...wanted.values()]
  for (const { endpoints } of kept) endpoints.push(...left.splice(0, MAX_ENDPOINTS_PER_SLICE - endpoints.length))
  let filled = false
  for (const { slice, endpoints } of kept) {
    // The last empty slice of a group stays when nothing else is there.
    const isNeeded: boolean = endpoints.length > 0 || (group.endpoints.length === 0 && !filled)
    filled ||= isNeeded
    if (!isNeeded) plan.delete.push(slice)
    else if (!isSame(slice, service, group, endpoints))
      plan.update.push({ ...sliceOf(service, group, endpoints), metadata: metadataOf(service, slice) })
  }
  if (group.endpoints.length === 0 && !filled) plan.create.push(sliceOf(service, group, []))
  while (left.length > 0) plan.create.push(sliceOf(service, group, left.splice(0, MAX_ENDPOINTS_PER_SLICE)))
}

const identity = ({ targetRef, addresses }: DeepReadonly<Endpoint>): string =>
  `${targetRef?.namespace}/${targetRef?.name}/${targetRef?.uid}/${addresses.join()}`

const portsKey = (ports: readonly DeepReadonly<BackendPort>[]): string =>
  JSON.stringify(ports.map((p) => [p.name ?? '', p.protocol, p.port, p.appProtocol ?? '']).sort())

function sliceOf(service: DeepReadonly<Service>, { addressType, ports }: Group, endpoints: Endpoint[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadataOf(service),
    addressType,
    endpoints,
    ports,
  }
}

function metadataOf(service: DeepReadonly<Service>, slice?: ReadonlySlice): EndpointSlice['metadata'] {
  const { name, namespace = '' } = service.metadata
  const shared = {
    namespace,
    labels: labelsOf(service),
    ownerReferences: [controllerReference({ ...service, apiVersion: 'v1', kind: 'Service' })],
  }
  if (slice === undefined) return { ...shared, generateName: `${name}-` } as unknown as EndpointSlice['metadata']
  const { resourceVersion, uid, annotations } = slice.metadata
  return {
    ...shared,
    name: slice.metadata.name,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  }
}

function labelsOf(service: DeepReadonly<Service>): Record<string, string> {
  const { name, labels = {} } = service.metadata
  const own = Object.entries(labels).filter(([key]) => key !== HEADLESS_LABEL)
  return {
    ...Object.fromEntries(own),
    ...(service.spec?.clusterIP === 'None' ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_NAME_LABEL]: name,
    [MANAGED_BY_LABEL]: MANAGER,
  }
}

function isSame(
  slice: ReadonlySlice,
  service: DeepReadonly<Service>,
  _group: Group,
  endpoints: readonly Endpoint[],
): boolean {
  return (
    isDeepStrictEqual(slice.metadata.labels, labelsOf(service)) &&
    isDeepStrictEqual(JSON.parse(JSON.stringify(slice.endpoints ?? [])), JSON.parse(JSON.stringify(endpoints)))
  )
}
