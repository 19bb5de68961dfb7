// The pods behind a service: which of their ports, under which addresses, in which condition. Pure.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOfMap } from '../../apimachinery/selectors/labels.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import { isSidecar } from '../../api/core/pod/readiness.ts'
import type { ServicePort } from '../../api/core/service/fields.ts'
import type { Service } from '../../api/core/service/service.ts'

type ReadonlyPod = DeepReadonly<Pod>
type ReadonlyService = DeepReadonly<Service>

export interface BackendPort {
  name: string
  protocol: 'TCP' | 'UDP' | 'SCTP'
  port: number
  appProtocol?: string
}

export interface Conditions {
  ready: boolean
  serving: boolean
  terminating: boolean
}

/** The service has pods of its own to lead to. */
export function hasBackends(service: ReadonlyService): boolean {
  const { selector, type } = service.spec ?? {}
  return type !== 'ExternalName' && Object.keys(selector ?? {}).length > 0
}

export function selects(service: ReadonlyService, pod: ReadonlyPod): boolean {
  return hasBackends(service) && selectorOfMap(service.spec?.selector).matches(pod.metadata.labels)
}

/** Finished pods and those without an address are not behind anything. */
export function isBackend(pod: ReadonlyPod): boolean {
  return !isPodTerminal(pod) && (pod.status?.podIPs?.length ?? 0) > 0
}

export function conditionsOf(service: ReadonlyService, pod: ReadonlyPod): Conditions {
  const serving = isPodReady(pod)
  const terminating = isPodTerminating(pod)
  return { ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating }
}

/** The service's ports as this pod has them; a named port that it does not have is left out. */
export function portsOf(service: ReadonlyService, pod: ReadonlyPod): BackendPort[] {
  const ports: BackendPort[] = []
  for (const port of service.spec?.ports ?? []) {
    const number = podPort(port, pod)
    if (number === undefined) continue
    const { name = '', protocol = 'TCP', appProtocol } = port
    ports.push({ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) })
  }
  return ports
}

function podPort(
  { targetPort, port, protocol = 'TCP' }: DeepReadonly<ServicePort>,
  pod: ReadonlyPod,
): number | undefined {
  if (typeof targetPort === 'number') return targetPort === 0 ? port : targetPort
  if (targetPort === undefined || targetPort === '') return port
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar)
  for (const { ports = [] } of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = ports.find((p) => p.name === targetPort && (p.protocol ?? 'TCP') === protocol)
    if (found) return found.containerPort
  }
  return undefined
}

/** The pod's name in the service's domain, when it has one there. */
export function hostnameOf(service: ReadonlyService, pod: ReadonlyPod): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {}
  return hostname && subdomain === service.metadata.name ? hostname : undefined
}
