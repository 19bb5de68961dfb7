// Decides which ports of the node lead to which pods on it (`hostPort`). Pure.

import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import { isIPv4 } from '../netlink/nft/ranges.ts'
import type { Protocol } from './service-ports.ts'

export interface HostPort {
  readonly protocol: Protocol
  /** The node's address it is bound to; absent: all of them. */
  readonly hostIP?: string
  readonly hostPort: number
  readonly podIP: string
  readonly containerPort: number
}

/** The host ports of this node's pods. Two pods with the same one cannot be scheduled together; should it be, the older keeps it. */
export function hostPorts(pods: readonly DeepReadonly<Pod>[], node: string): HostPort[] {
  const taken = new Map<string, HostPort>()
  const byAge = pods
    .filter((pod) => pod.spec?.nodeName === node && !pod.spec.hostNetwork)
    .filter((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed')
    .sort((a, b) => (age(a) < age(b) ? -1 : 1))
  for (const pod of byAge) {
    const podIP = [pod.status?.podIP, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)].find(
      (ip) => ip !== undefined && isIPv4(ip),
    )
    if (podIP === undefined) continue
    for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])])
      for (const port of container.ports ?? []) {
        if (!port.hostPort) continue
        const hostIP =
          port.hostIP === undefined || port.hostIP === '' || port.hostIP === '0.0.0.0' ? undefined : port.hostIP
        if (hostIP !== undefined && !isIPv4(hostIP)) continue
        const protocol = port.protocol === 'UDP' ? 'udp' : port.protocol === 'SCTP' ? 'sctp' : 'tcp'
        const key = `${hostIP ?? ''} ${protocol} ${port.hostPort}`
        if (taken.has(key)) continue
        taken.set(key, {
          protocol,
          ...(hostIP === undefined ? {} : { hostIP }),
          hostPort: port.hostPort,
          podIP,
          containerPort: port.containerPort,
        })
      }
  }
  return [...taken.values()]
}

/** Sorts as text; the UID settles ties. */
const age = ({ metadata }: DeepReadonly<Pod>): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? metadata.name ?? ''}`
