// What a pod may ask about itself: fields of its object, and what its containers request and may use. Pure.

import { parseQuantity, quantityMillis, quantityValue } from '../../apimachinery/quantity.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../api/core/pod/key-selectors.ts'
import { findContainer, type NodeContainer, type NodePod } from './model.ts'

export interface PodPlace {
  readonly nodeName: string
  readonly hostIPs: readonly string[]
  readonly podIPs: readonly string[]
  /** What a container without a limit may use at most. */
  readonly allocatable: Readonly<Record<string, string>>
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/

export function fieldValue(pod: NodePod, { fieldPath }: DeepReadonly<ObjectFieldSelector>, place: PodPlace): string {
  const { metadata, spec } = pod
  const subscript = SUBSCRIPT.exec(fieldPath)
  if (subscript !== null) {
    const [, map = '', key = ''] = subscript
    return (map === 'labels' ? metadata.labels : metadata.annotations)?.[key] ?? ''
  }
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return mapText(metadata.labels ?? {})
    case 'metadata.annotations':
      return mapText(metadata.annotations ?? {})
    case 'spec.nodeName':
      return spec.nodeName ?? place.nodeName
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return place.hostIPs[0] ?? ''
    case 'status.hostIPs':
      return place.hostIPs.join(',')
    case 'status.podIP':
      return place.podIPs[0] ?? ''
    case 'status.podIPs':
      return place.podIPs.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

/** `key="value"` lines in order of the keys, values quoted as Go's %q does. */
function mapText(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

export function resourceValue(
  pod: NodePod,
  container: NodeContainer | undefined,
  { containerName, resource, divisor = '0' }: DeepReadonly<ResourceFieldSelector>,
  place: PodPlace,
): string {
  const subject = containerName ? findContainer(pod, containerName) : container
  if (subject === undefined) throw new Error(`container ${containerName ?? ''} not found`)
  const [kind = '', ...rest] = resource.split('.')
  const name = rest.join('.')
  const amount = amountOf(subject, kind, name, place)
  const unit = parseQuantity(divisor).nanos === 0n ? '1' : divisor
  const size = name === 'cpu' ? quantityMillis : quantityValue
  const divided = size(amount) / size(unit)
  return String(Math.ceil(divided))
}

function amountOf({ resources = {} }: NodeContainer, kind: string, name: string, place: PodPlace): string {
  const { limits = {}, requests = {} } = resources
  if (kind === 'requests') return requests[name] ?? '0'
  if (kind === 'limits') return limits[name] ?? place.allocatable[name] ?? '0'
  throw new Error(`unsupported container resource : ${kind}.${name}`)
}
