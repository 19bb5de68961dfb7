// From a pod's requests and limits to what its cgroup and its containers are told. Pure.

import { quantityMillis, quantityValue } from '../../apimachinery/quantity.ts'
import { podLimits, podRequests, qosClass } from '../../api/core/pod/requests.ts'
import { type CgroupSettings, type ContainerResources, kernelPageSize, podSettings } from '../cgroup/resources.ts'
import type { NodeContainer, NodePod } from './model.ts'

type Amounts = Readonly<Record<string, string>>

export function containerAmounts({ resources = {} }: NodeContainer): ContainerResources {
  return amounts(resources.requests ?? {}, resources.limits ?? {})
}

function amounts(requests: Amounts, limits: Amounts): ContainerResources {
  const cpuRequest = requests['cpu']
  const cpuLimit = limits['cpu']
  const memoryRequest = requests['memory']
  const memoryLimit = limits['memory']
  return {
    ...(cpuRequest === undefined ? {} : { cpuRequestMilli: quantityMillis(cpuRequest) }),
    ...(cpuLimit === undefined ? {} : { cpuLimitMilli: quantityMillis(cpuLimit) }),
    ...(memoryRequest === undefined ? {} : { memoryRequestBytes: quantityValue(memoryRequest) }),
    ...(memoryLimit === undefined ? {} : { memoryLimitBytes: quantityValue(memoryLimit) }),
    ...hugepages(limits),
  }
}

const HUGEPAGES = 'hugepages-'

function hugepages(limits: Amounts): Pick<ContainerResources, 'hugepageLimits'> {
  const own = Object.entries(limits).filter(([name]) => name.startsWith(HUGEPAGES))
  if (own.length === 0) return {}
  const named = own.map(([name, value]) => [kernelPageSize(name.slice(HUGEPAGES.length)), quantityValue(value)])
  return { hugepageLimits: Object.fromEntries(named) }
}

export function podCgroupSettings({ spec }: NodePod): CgroupSettings {
  const limited = (name: string): boolean =>
    spec.resources?.limits?.[name] !== undefined ||
    [...spec.containers, ...(spec.initContainers ?? [])].every((c) => c.resources?.limits?.[name] !== undefined)
  return podSettings(qosClass(spec), amounts(podRequests(spec), podLimits(spec)), {
    cpuLimit: limited('cpu'),
    memoryLimit: limited('memory'),
  })
}

/** Milli-CPUs that the burstable pods request together. */
export function burstableMilli(pods: Iterable<NodePod>): number {
  let milli = 0
  for (const { spec } of pods)
    if (qosClass(spec) === 'Burstable') milli += quantityMillis(podRequests(spec)['cpu'] ?? '0')
  return milli
}
