// A pod as the scheduler counts it: its requests as numbers, its host ports.

import { quantityMillis, quantityValue } from '../apimachinery/quantity.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import { podRequests } from '../api/core/pod/requests.ts'

/** Amounts by resource: cpu in thousandths, everything else in its own unit. */
export type Amounts = Readonly<Record<string, number>>

export interface HostPort {
  protocol: string
  ip: string
  port: number
}

export interface PodInfo {
  readonly pod: DeepReadonly<Pod>
  readonly key: string
  readonly requests: Amounts
  /** Requests with the least that scoring takes every pod to use. */
  readonly scored: { readonly cpu: number; readonly memory: number }
  readonly hostPorts: readonly HostPort[]
}

/** What a container without requests counts as when nodes are compared (upstream non-zero defaults): 100m and 200 MB. */
const DEFAULT_CPU = 100
const DEFAULT_MEMORY = 200 * 1024 * 1024

export const podKey = ({ metadata }: DeepReadonly<Pod>): string => `${metadata.namespace ?? ''}/${metadata.name}`

export function amounts(list: Readonly<Record<string, string>> | undefined): Record<string, number> {
  const result: Record<string, number> = {}
  for (const [name, text] of Object.entries(list ?? {}))
    result[name] = name === 'cpu' ? quantityMillis(text) : quantityValue(text)
  return result
}

export function podInfo(pod: DeepReadonly<Pod>): PodInfo {
  const requests = amounts(podRequests(pod.spec))
  let cpu = 0
  let memory = 0
  for (const { resources } of pod.spec.containers) {
    cpu += resources?.requests?.['cpu'] === undefined ? DEFAULT_CPU : quantityMillis(resources.requests['cpu'])
    memory +=
      resources?.requests?.['memory'] === undefined ? DEFAULT_MEMORY : quantityValue(resources.requests['memory'])
  }
  const scored = { cpu: Math.max(cpu, requests['cpu'] ?? 0), memory: Math.max(memory, requests['memory'] ?? 0) }
  return { pod, key: podKey(pod), requests, scored, hostPorts: hostPorts(pod) }
}

export function hostPorts({ spec }: DeepReadonly<Pod>): HostPort[] {
  const ports: HostPort[] = []
  for (const container of [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort) ports.push({ protocol: protocol ?? 'TCP', ip: hostIP || '0.0.0.0', port: hostPort })
    }
  }
  return ports
}
