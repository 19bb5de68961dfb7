// Finds the ports of a pod: by name, for services and probes.

import type { DeepReadonly } from '../../../apimachinery/resource.ts'
import type { Container } from './container.ts'
import type { Pod } from './pod.ts'

/** The number behind `port` of one container, as a probe names it. */
export function containerPortNumber(container: DeepReadonly<Container>, port: number | string): number | undefined {
  if (typeof port === 'number') return port
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? numeric(port)
}

/** The number that a service's `targetPort` means for this pod. */
export function podPortNumber(
  pod: DeepReadonly<Pod>,
  target: { readonly targetPort?: number | string; readonly port: number; readonly protocol?: string },
): number | undefined {
  const { targetPort = target.port, protocol = 'TCP' } = target
  if (typeof targetPort === 'number') return targetPort === 0 ? target.port : targetPort
  if (targetPort === '') return target.port
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const container of [...(pod.spec.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((p) => p.name === targetPort && (p.protocol ?? 'TCP') === protocol)
    if (found !== undefined) return found.containerPort
  }
  return undefined
}

function numeric(port: string): number | undefined {
  return /^\d{1,5}$/.test(port) ? Number(port) : undefined
}
