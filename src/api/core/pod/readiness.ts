// Whether a pod is ready, available, finished: the questions that controllers, proxies and the command line all ask.

import type { DeepReadonly } from '../../../apimachinery/resource.ts'
import type { ContainerStatus } from './container-status.ts'
import type { Pod } from './pod.ts'
import type { PodCondition } from './status.ts'

type ReadonlyPod = DeepReadonly<Pod>

export function podCondition(pod: ReadonlyPod, type: string): DeepReadonly<PodCondition> | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)
}

/** All readiness probes and gates passed. */
export function isPodReady(pod: ReadonlyPod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

/** Ready, and for at least `minReadySeconds`. */
export function isPodAvailable(pod: ReadonlyPod, minReadySeconds: number, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return false
  if (minReadySeconds === 0) return true
  return (
    ready.lastTransitionTime !== undefined && Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 <= nowMs
  )
}

/** Will never run again. */
export function isPodTerminal(pod: ReadonlyPod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function isPodTerminating(pod: ReadonlyPod): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

/** Counts for a controller that keeps a number of pods: neither finished nor on its way out. */
export function isPodActive(pod: ReadonlyPod): boolean {
  return !isPodTerminal(pod) && !isPodTerminating(pod)
}

export function containerStatus(pod: ReadonlyPod, name: string): DeepReadonly<ContainerStatus> | undefined {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {}
  for (const statuses of [containerStatuses, initContainerStatuses, ephemeralContainerStatuses]) {
    const found = statuses?.find((status) => status.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: { readonly restartPolicy?: string }): boolean {
  return container.restartPolicy === 'Always'
}
