// Defaults of pods that follow from other fields: pull policies from tags, requests from limits, host ports from the host's network.

import type { Container, EphemeralContainer } from './container.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './spec.ts'
import type { Volume } from './volumes.ts'

type PullPolicy = 'Always' | 'IfNotPresent'

/** `latest`, said or meant, moves: it is pulled every time. */
export function pullPolicyOf(image: string): PullPolicy {
  const [reference = '', digest] = image.split('@')
  const tag = /:([^/:]+)$/.exec(reference)?.[1] ?? (digest === undefined ? 'latest' : '')
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

export function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
}

/** A volume that names no source is an empty directory. */
export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {}
  if (volume.image !== undefined) volume.image.pullPolicy ??= pullPolicyOf(volume.image.reference ?? '')
}

/** The two names of the service account always agree. */
export function defaultPodSpec(spec: PodSpec): void {
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount
}

/** What only pods get; templates keep what their author wrote. */
export function defaultPod(pod: Pod): void {
  const { spec } = pod
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  for (const container of all) defaultRequests(container)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork !== true) return
  for (const container of all) {
    for (const port of container.ports ?? []) port.hostPort ??= port.containerPort
  }
}

function defaultRequests({ resources }: Container): void {
  if (resources?.limits === undefined) return
  resources.requests = { ...resources.limits, ...resources.requests }
}
