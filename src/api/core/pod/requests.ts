// What a pod takes of a node: the sum of its containers, or what its init phase needs if that is more, and its quality of service.

import { addQuantities, compareQuantities, isZeroQuantity, maxQuantity } from '../../../apimachinery/quantity.ts'
import type { DeepReadonly } from '../../../apimachinery/resource.ts'
import type { Container } from './container.ts'
import { isSidecar } from './readiness.ts'
import type { PodSpec } from './spec.ts'

/** Amounts by resource: `{ cpu: '500m', memory: '1Gi' }`. */
export type ResourceList = Record<string, string>
type Kind = 'requests' | 'limits'
type ReadonlyList = Readonly<Record<string, string>>
type ReadonlySpec = DeepReadonly<PodSpec>

export function addResources(a: ReadonlyList, b: ReadonlyList): ResourceList {
  return combine(a, b, addQuantities)
}

export function maxResources(a: ReadonlyList, b: ReadonlyList): ResourceList {
  return combine(a, b, maxQuantity)
}

function combine(a: ReadonlyList, b: ReadonlyList, pick: (a: string, b: string) => string): ResourceList {
  const result: ResourceList = { ...a }
  for (const [name, amount] of Object.entries(b)) {
    const other = result[name]
    result[name] = other === undefined ? amount : pick(other, amount)
  }
  return result
}

/** What the scheduler sets aside for the pod. */
export function podRequests(spec: ReadonlySpec): ResourceList {
  return total(spec, 'requests')
}

export function podLimits(spec: ReadonlySpec): ResourceList {
  return total(spec, 'limits')
}

/**
 * Containers run together and add up. Init containers run one after the other, each beside the sidecars that were started before it;
 * the pod must fit at its widest moment.
 */
function total(spec: ReadonlySpec, kind: Kind): ResourceList {
  const of = (container: DeepReadonly<Container>): ReadonlyList => container.resources?.[kind] ?? {}
  let running: ResourceList = {}
  for (const container of spec.containers ?? []) running = addResources(running, of(container))
  let sidecars: ResourceList = {}
  let widest: ResourceList = {}
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      running = addResources(running, of(container))
      sidecars = addResources(sidecars, of(container))
      widest = maxResources(widest, sidecars)
    } else widest = maxResources(widest, addResources(sidecars, of(container)))
  }
  let result = maxResources(running, widest)
  // Said for the whole pod, an amount counts instead of the sum.
  result = { ...result, ...spec.resources?.[kind] }
  if (spec.overhead === undefined) return result
  if (kind === 'requests') return addResources(result, spec.overhead)
  for (const [name, amount] of Object.entries(spec.overhead)) {
    const limit = result[name]
    if (limit !== undefined) result[name] = addQuantities(limit, amount)
  }
  return result
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'
const QOS_RESOURCES = ['cpu', 'memory'] as const

/** Guaranteed: cpu and memory limited everywhere, to what is requested. BestEffort: nothing said anywhere. */
export function qosClass(spec: ReadonlySpec): QosClass {
  let said = false
  let guaranteed = true
  const weigh = ({ resources }: Pick<ReadonlySpec, 'resources'>): void => {
    for (const name of QOS_RESOURCES) {
      const request = positive(resources?.requests?.[name])
      const limit = positive(resources?.limits?.[name])
      if (request !== undefined || limit !== undefined) said = true
      if (limit === undefined || (request !== undefined && compareQuantities(request, limit) !== 0)) guaranteed = false
    }
  }
  if (spec.resources === undefined) {
    spec.containers?.forEach(weigh)
    spec.initContainers?.forEach(weigh)
  } else weigh(spec)
  if (!said) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

function positive(amount: string | undefined): string | undefined {
  return amount === undefined || isZeroQuantity(amount) ? undefined : amount
}
