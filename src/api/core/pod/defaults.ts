// Defaults of pods that follow from other fields: pull policies from tags, requests from limits, host ports from the host's network.

import type { Container, EphemeralContainer } from './container.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './spec.ts'
import type { Volume } from './volumes.ts'

type PullPolicy = 'Always' | 'IfNotPresent'

/** `latest`, said or meant, moves: it is pulled every time. */
export function pullPolicyOf(image: string): PullPolicy {
  const digest = image.indexOf('@')
  const reference = digest < 0 ? image : image.slice(0, digest)
  const colon = reference.lastIndexOf(':')
  // A colon before a slash is that of a port.
  const tagged = colon >= 0 && colon < reference.length - 1 && !reference.includes('/', colon)
  const latest = tagged ? reference.endsWith(':latest') : digest < 0
  return latest ? 'Always' : 'IfNotPresent'
}

export function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
}

/** A volume that names no source is an empty directory. */
export function defaultVolume(volume: Volume): void {
  if (!hasSource(volume)) volume.emptyDir = {}
  if (volume.image !== undefined) volume.image.pullPolicy ??= pullPolicyOf(volume.image.reference ?? '')
}

function hasSource(volume: Volume): boolean {
  for (const key in volume) if (key !== 'name') return true
  return false
}

/** The two names of the service account always agree. */
export function defaultPodSpec(spec: PodSpec): void {
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount
}

/** What only pods get; templates keep what their author wrote. */
export function defaultPod(pod: Pod): void {
  const { spec } = pod
  spec.containers?.forEach(defaultRequests)
  spec.initContainers?.forEach(defaultRequests)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork !== true) return
  spec.containers?.forEach(defaultHostPorts)
  spec.initContainers?.forEach(defaultHostPorts)
}

function defaultHostPorts({ ports }: Container): void {
  ports?.forEach((port) => {
    port.hostPort ??= port.containerPort
  })
}

function defaultRequests({ resources }: Container): void {
  if (resources?.limits === undefined) return
  resources.requests = { ...resources.limits, ...resources.requests }
}
