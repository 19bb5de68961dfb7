// How a simulated runtime's records look in CRI's answers: pure.

import {
  type Container,
  type ContainerConfig,
  type ContainerFilter,
  type ContainerState,
  type ContainerStats,
  type ContainerStatus,
  CriError,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxState,
  type PodSandboxStatus,
} from '../node/cri/cri.ts'
import { containerStatus } from '../node/cri/container-messages.ts'
import { podSandboxStatus } from '../node/cri/sandbox-messages.ts'
import type { ContainerScript } from './simulated-runtime-options.ts'

export interface SimulatedSandbox {
  readonly id: string
  readonly config: PodSandboxConfig
  readonly createdAt: number
  readonly ip: string
  state: PodSandboxState
}

export interface SimulatedContainer {
  readonly id: string
  readonly sandboxId: string
  readonly config: ContainerConfig
  readonly sandboxConfig: PodSandboxConfig
  readonly imageRef: string
  readonly createdAt: number
  state: ContainerState
  startedAt: number
  finishedAt: number
  exitCode: number
  reason: string
  message: string
  resources: LinuxContainerResources
  script: ContainerScript
}

/** A container that was created just now, but for when and from what image. */
export function newContainer(
  id: string,
  sandboxId: string,
  config: ContainerConfig,
  sandboxConfig: PodSandboxConfig,
): Omit<SimulatedContainer, 'imageRef' | 'createdAt'> {
  const times = { startedAt: 0, finishedAt: 0, exitCode: 0, reason: '', message: '' }
  const resources = config.linux?.resources ?? {}
  return { id, sandboxId, config, sandboxConfig, state: 'CONTAINER_CREATED', ...times, resources, script: {} }
}

/** Whether something passes a CRI filter: every condition that is set holds. An id may be given by its beginning. */
export function matches(
  id: string,
  state: string,
  labels: Readonly<Record<string, string>> | undefined,
  filter: {
    readonly id?: string | undefined
    readonly state?: { readonly state?: string | undefined } | undefined
    readonly labelSelector?: Readonly<Record<string, string>> | undefined
  },
): boolean {
  if (filter.id && !id.startsWith(filter.id)) return false
  if (filter.state?.state !== undefined && filter.state.state !== state) return false
  return Object.entries(filter.labelSelector ?? {}).every(([key, value]) => labels?.[key] === value)
}

export function selectContainers(
  containers: Iterable<SimulatedContainer>,
  filter: ContainerFilter,
): readonly SimulatedContainer[] {
  return [...containers]
    .filter(({ sandboxId }) => !filter.podSandboxId || sandboxId === filter.podSandboxId)
    .filter(({ id, state, config }) => matches(id, state, config.labels, filter))
}

/** Through the codec, so that answers have exactly the form a real runtime's have. */
export function sandboxStatusOf({ id, config, createdAt, ip, state }: SimulatedSandbox): PodSandboxStatus {
  return podSandboxStatus.decode(
    podSandboxStatus.encode({
      id,
      metadata: config.metadata,
      state,
      createdAt,
      network: { ip },
      linux: { namespaces: { options: config.linux?.securityContext?.namespaceOptions } },
      labels: config.labels,
      annotations: config.annotations,
    }),
  )
}

export function sandboxSummary(sandbox: SimulatedSandbox): PodSandbox {
  const { id, metadata, state, createdAt, labels, annotations, runtimeHandler } = sandboxStatusOf(sandbox)
  return { id, ...(metadata && { metadata }), state, createdAt, labels, annotations, runtimeHandler }
}

export function containerStatusOf(container: SimulatedContainer): ContainerStatus {
  const { config } = container
  return containerStatus.decode(
    containerStatus.encode({
      id: container.id,
      metadata: config.metadata,
      state: container.state,
      createdAt: container.createdAt,
      startedAt: container.startedAt,
      finishedAt: container.finishedAt,
      exitCode: container.exitCode,
      image: config.image,
      imageRef: container.imageRef,
      reason: container.reason,
      message: container.message,
      labels: config.labels,
      annotations: config.annotations,
      mounts: config.mounts,
      logPath: `${container.sandboxConfig.logDirectory ?? ''}/${config.logPath ?? ''}`,
      resources: { linux: container.resources },
    }),
  )
}

export function containerSummary(container: SimulatedContainer): Container {
  const { id, metadata, image, imageRef, state, createdAt, labels, annotations, imageId } = containerStatusOf(container)
  return {
    id,
    podSandboxId: container.sandboxId,
    ...(metadata && { metadata }),
    ...(image && { image }),
    imageRef,
    state,
    createdAt,
    labels,
    annotations,
    imageId,
  }
}

/** A steady hundredth of a core and ten million bytes while it runs. */
export function statsOf(container: SimulatedContainer, now: number): ContainerStats {
  const { id, metadata, labels, annotations } = containerSummary(container)
  const until = container.finishedAt === 0 ? now : container.finishedAt
  const ranMs = container.startedAt === 0 ? 0 : until - container.startedAt
  const running = container.state === 'CONTAINER_RUNNING'
  return {
    attributes: { id, ...(metadata && { metadata }), labels, annotations },
    cpu: { timestamp: now, usageCoreNanoSeconds: ranMs * 10_000 },
    memory: { timestamp: now, workingSetBytes: running ? 10_000_000 : 0 },
  }
}

/** What CRI reserves: a second sandbox of the same pod and attempt is refused. */
export function sandboxKey({ metadata = {} }: PodSandboxConfig): string {
  return `${metadata.name}_${metadata.namespace}_${metadata.uid}_${metadata.attempt ?? 0}`
}

export function noStreaming(method: string): CriError {
  return new CriError('UNIMPLEMENTED', 'a simulated runtime has no streaming server', method)
}
