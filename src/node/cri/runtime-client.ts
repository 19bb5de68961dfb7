// The interface between pod logic and whatever runs containers: a CRI runtime over gRPC, or the simulated one of the tests.

import type { ImageSpec, LinuxContainerResources } from './common-messages.ts'
import type {
  Container,
  ContainerConfig,
  ContainerFilter,
  ContainerStatus,
  ContainerStatusResponse,
} from './container-messages.ts'
import type { AuthConfig, Image, ImageFsInfoResponse } from './image-messages.ts'
import type { StatusResponse, VersionResponse } from './runtime-messages.ts'
import type { PodSandbox, PodSandboxConfig, PodSandboxFilter, PodSandboxStatus } from './sandbox-messages.ts'
import type { ContainerStats, ContainerStatsFilter, PodSandboxStats } from './stats-messages.ts'
import type { AttachRequest, ExecRequest, ExecSyncResponse, PortForwardRequest } from './stream-messages.ts'

/** How long a call may take and who may end it. Without `timeoutMs` each call has the limit that upstream's kubelet gives it. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

/**
 * Something happened to the process of a container or sandbox. Hints, not a log: after a gap (`resync`) list again.
 * `pid` is 0 where the runtime does not tell it.
 */
export type RuntimeEvent =
  | { readonly type: 'start'; readonly containerId: string; readonly pid: number }
  /** When this arrives, the status of the container (or sandbox) says so, too. */
  | {
      readonly type: 'exit'
      readonly containerId: string
      readonly pid: number
      readonly exitCode: number
      /** When it ended, in milliseconds since 1970. */
      readonly exitedAt: number
    }
  | { readonly type: 'oom'; readonly containerId: string }
  /** The task is gone; the container record may still be there. */
  | { readonly type: 'delete'; readonly containerId: string }
  /** The stream (re)started: whatever happened before this moment may have been missed. Always the first event. */
  | { readonly type: 'resync' }

/**
 * Everything the agent asks of a runtime. Calls reject with a CriError (see `isNotFound`), or with the signal's reason when it was aborted.
 * Stop and remove calls are idempotent: a sandbox or container that is not there is not an error. A sandbox's id is also the id of its
 * own (pause) container in events.
 */
export interface RuntimeClient extends AsyncDisposable {
  version(options?: CallOptions): Promise<VersionResponse>
  status(options?: CallOptions & { verbose?: boolean }): Promise<StatusResponse>
  updateRuntimeConfig(config: { podCidr: string }, options?: CallOptions): Promise<void>

  /** Creates and starts a sandbox; resolves to its id. */
  runPodSandbox(config: PodSandboxConfig, options?: CallOptions & { runtimeHandler?: string }): Promise<string>
  stopPodSandbox(sandboxId: string, options?: CallOptions): Promise<void>
  removePodSandbox(sandboxId: string, options?: CallOptions): Promise<void>
  podSandboxStatus(sandboxId: string, options?: CallOptions): Promise<PodSandboxStatus>
  listPodSandboxes(filter?: PodSandboxFilter, options?: CallOptions): Promise<readonly PodSandbox[]>

  /** Resolves to the container's id. */
  createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    options?: CallOptions,
  ): Promise<string>
  startContainer(containerId: string, options?: CallOptions): Promise<void>
  /** Sends the stop signal and, after the grace period (0 = at once), SIGKILL; resolves when it has ended. */
  stopContainer(containerId: string, graceSeconds: number, options?: CallOptions): Promise<void>
  removeContainer(containerId: string, options?: CallOptions): Promise<void>
  listContainers(filter?: ContainerFilter, options?: CallOptions): Promise<readonly Container[]>
  containerStatus(containerId: string, options?: CallOptions): Promise<ContainerStatus>
  /** The status with the runtime's own details (`info`: JSON text by name). */
  containerStatusVerbose(containerId: string, options?: CallOptions): Promise<ContainerStatusResponse>
  updateContainerResources(
    containerId: string,
    resources: LinuxContainerResources,
    options?: CallOptions,
  ): Promise<void>
  reopenContainerLog(containerId: string, options?: CallOptions): Promise<void>

  /** Runs a command to its end; DEADLINE_EXCEEDED after `timeoutSeconds` (0 = no limit). Output beyond 16 MiB is cut off. */
  execSync(
    containerId: string,
    command: readonly string[],
    timeoutSeconds: number,
    options?: CallOptions,
  ): Promise<ExecSyncResponse>
  /** Each of these resolves to the URL of the runtime's streaming server, good for one connection within a minute. */
  exec(request: ExecRequest, options?: CallOptions): Promise<string>
  attach(request: AttachRequest, options?: CallOptions): Promise<string>
  portForward(request: PortForwardRequest, options?: CallOptions): Promise<string>

  containerStats(containerId: string, options?: CallOptions): Promise<ContainerStats>
  listContainerStats(filter?: ContainerStatsFilter, options?: CallOptions): Promise<readonly ContainerStats[]>
  podSandboxStats(sandboxId: string, options?: CallOptions): Promise<PodSandboxStats>

  /** Undefined when the image is not there. */
  imageStatus(image: ImageSpec, options?: CallOptions): Promise<Image | undefined>
  listImages(filter?: ImageSpec, options?: CallOptions): Promise<readonly Image[]>
  /** Resolves to the reference (id) of the image. Has no time limit of its own. */
  pullImage(
    image: ImageSpec,
    options?: CallOptions & { auth?: AuthConfig | undefined; sandboxConfig?: PodSandboxConfig | undefined },
  ): Promise<string>
  removeImage(image: ImageSpec, options?: CallOptions): Promise<void>
  imageFsInfo(options?: CallOptions): Promise<ImageFsInfoResponse>

  /** What happens to containers, from now on, until the signal is aborted. Reconnects by itself; each connection begins with `resync`. */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>
}
