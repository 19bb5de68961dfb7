// What the agent knows of a pod: the object as the API has it, and what the runtime holds of it.

import { createHash } from 'node:crypto'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Container, EphemeralContainer } from '../../api/core/pod/container.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { ContainerState, PodSandboxState } from '../cri/cri.ts'

export type NodePod = DeepReadonly<Pod>
/** A container of any sort: init, ordinary or ephemeral. */
export type NodeContainer = DeepReadonly<Container | EphemeralContainer>

/** The labels and annotations by which what runs is recognised again, as upstream's kubelet writes them. */
export const LABELS = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const
export const ANNOTATIONS = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  gracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const

export interface SandboxView {
  readonly id: string
  readonly state: PodSandboxState
  readonly attempt: number
  readonly createdAt: number
  /** Empty while it has none, and for pods on the host's network. */
  readonly ips: readonly string[]
}

export interface ContainerView {
  readonly id: string
  readonly name: string
  readonly sandboxId: string
  readonly state: ContainerState
  /** How often it was started again: the first is 0. */
  readonly attempt: number
  readonly hash: string
  readonly createdAt: number
  readonly startedAt: number
  readonly finishedAt: number
  readonly exitCode: number
  readonly reason: string
  readonly message: string
  readonly image: string
  readonly imageRef: string
  readonly logPath: string
  readonly graceSeconds?: number
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
}

/** What the runtime holds of one pod; newest first. */
export interface PodView {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly sandboxes: readonly SandboxView[]
  readonly containers: readonly ContainerView[]
}

export const latest = (view: PodView, name: string): ContainerView | undefined =>
  view.containers.find((container) => container.name === name)

/** The sandbox that counts, if it can be used. */
export function readySandbox(view: PodView, hostNetwork: boolean): SandboxView | undefined {
  const sandbox = view.sandboxes[0]
  if (sandbox?.state !== 'SANDBOX_READY') return undefined
  return hostNetwork || sandbox.ips.length > 0 ? sandbox : undefined
}

/** Changes when a running container must be replaced: with its name or its image, as upstream. */
export function containerHash({ name, image }: NodeContainer): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8)
}

/** How upstream names a pod in messages: `web_default(3f0c…)`. */
export const podText = ({ metadata: { name, namespace, uid } }: NodePod): string =>
  `${name}_${namespace ?? ''}(${uid ?? ''})`

export const uidOf = (pod: NodePod): string => pod.metadata.uid ?? ''

export type ContainerSort = 'init' | 'container' | 'ephemeral'

export function* allContainers(pod: NodePod): Generator<{ container: NodeContainer; sort: ContainerSort }> {
  for (const container of pod.spec.initContainers ?? []) yield { container, sort: 'init' }
  for (const container of pod.spec.containers) yield { container, sort: 'container' }
  for (const container of pod.spec.ephemeralContainers ?? []) yield { container, sort: 'ephemeral' }
}

export function findContainer(pod: NodePod, name: string): NodeContainer | undefined {
  for (const { container } of allContainers(pod)) if (container.name === name) return container
  return undefined
}

/** What is referred to by events about one container of a pod. */
export function containerReference(pod: NodePod, name: string) {
  const { namespace, uid, resourceVersion } = pod.metadata
  const list = pod.spec.initContainers?.some((c) => c.name === name)
    ? 'initContainers'
    : pod.spec.ephemeralContainers?.some((c) => c.name === name)
      ? 'ephemeralContainers'
      : 'containers'
  return {
    ...podReference(pod),
    fieldPath: `spec.${list}{${name}}`,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
}

export function podReference({ metadata: { name, namespace, uid, resourceVersion } }: NodePod) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
}
