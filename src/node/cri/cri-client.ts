// The RuntimeClient over gRPC: a CRI v1 runtime behind a unix socket, with containerd's own event service for what CRI does not tell.

import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { ImageSpec, LinuxContainerResources } from './common-messages.ts'
import type {
  Container,
  ContainerConfig,
  ContainerFilter,
  ContainerStatus,
  ContainerStatusResponse,
} from './container-messages.ts'
import { CriError, isNotFound } from './cri-error.ts'
import { GrpcChannel } from './grpc-channel.ts'
import type { AuthConfig, Image, ImageFsInfoResponse } from './image-messages.ts'
import * as methods from './methods.ts'
import type { CallOptions, RuntimeClient, RuntimeEvent } from './runtime-client.ts'
import { runtimeEvents } from './runtime-events.ts'
import type { StatusResponse, VersionResponse } from './runtime-messages.ts'
import type { PodSandbox, PodSandboxConfig, PodSandboxFilter, PodSandboxStatus } from './sandbox-messages.ts'
import type { ContainerStats, ContainerStatsFilter, PodSandboxStats } from './stats-messages.ts'
import type { AttachRequest, ExecRequest, ExecSyncResponse, PortForwardRequest } from './stream-messages.ts'

/** The kubelet's `runtimeRequestTimeout`. */
const REQUEST_TIMEOUT_MS = 120_000
/** A sandbox start includes CNI; upstream doubles the limit for it. */
const SANDBOX_TIMEOUT_MS = 240_000

/** How long and how often to look whether CRI has taken note of an exit; it takes a few milliseconds. */
const EXIT_SHOWS_TIMEOUT_MS = 30_000
const EXIT_SHOWS_MIN_INTERVAL_MS = 2
const EXIT_SHOWS_MAX_INTERVAL_MS = 100
const MAX_QUEUED_EVENTS = 10_000

export interface CriClientOptions {
  /** The path of the runtime's unix socket. */
  readonly socket: string
  readonly clock: Clock
  readonly log: Logger
}

export class CriClient implements RuntimeClient {
  readonly #channel: GrpcChannel
  readonly #clock: Clock
  readonly #log: Logger

  constructor({ socket, clock, log }: CriClientOptions) {
    // The namespace is for containerd's own services; its CRI is always in k8s.io.
    this.#channel = new GrpcChannel({ socket, clock, metadata: { 'containerd-namespace': 'k8s.io' } })
    this.#clock = clock
    this.#log = log
  }

  /** Resolves when the socket accepts connections; the runtime may still be loading. */
  connected(signal: AbortSignal): Promise<void> {
    return this.#channel.ready(signal)
  }

  version(options?: CallOptions): Promise<VersionResponse> {
    return this.#channel.call(methods.version, {}, options, REQUEST_TIMEOUT_MS)
  }

  status({ verbose = false, ...options }: CallOptions & { verbose?: boolean } = {}): Promise<StatusResponse> {
    return this.#channel.call(methods.status, { verbose }, options, REQUEST_TIMEOUT_MS)
  }

  async updateRuntimeConfig(config: { podCidr: string }, options?: CallOptions): Promise<void> {
    await this.#channel.call(
      methods.updateRuntimeConfig,
      { runtimeConfig: { networkConfig: config } },
      options,
      REQUEST_TIMEOUT_MS,
    )
  }

  async runPodSandbox(
    config: PodSandboxConfig,
    { runtimeHandler = '', ...options }: CallOptions & { runtimeHandler?: string } = {},
  ): Promise<string> {
    const request = { config, runtimeHandler }
    return (await this.#channel.call(methods.runPodSandbox, request, options, SANDBOX_TIMEOUT_MS)).id
  }

  async stopPodSandbox(sandboxId: string, options?: CallOptions): Promise<void> {
    await ignoreNotFound(this.#channel.call(methods.stopPodSandbox, { id: sandboxId }, options, REQUEST_TIMEOUT_MS))
  }

  async removePodSandbox(sandboxId: string, options?: CallOptions): Promise<void> {
    await ignoreNotFound(this.#channel.call(methods.removePodSandbox, { id: sandboxId }, options, REQUEST_TIMEOUT_MS))
  }

  async podSandboxStatus(sandboxId: string, options?: CallOptions): Promise<PodSandboxStatus> {
    const { status } = await this.#channel.call(methods.sandboxStatus, { id: sandboxId }, options, REQUEST_TIMEOUT_MS)
    return present(status, 'PodSandboxStatus')
  }

  async listPodSandboxes(filter: PodSandboxFilter = {}, options?: CallOptions): Promise<readonly PodSandbox[]> {
    return (await this.#channel.call(methods.listPodSandbox, { filter }, options, REQUEST_TIMEOUT_MS)).items
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    options?: CallOptions,
  ): Promise<string> {
    const request = { podSandboxId: sandboxId, config, sandboxConfig }
    return (await this.#channel.call(methods.createContainer, request, options, REQUEST_TIMEOUT_MS)).id
  }

  async startContainer(containerId: string, options?: CallOptions): Promise<void> {
    await this.#channel.call(methods.startContainer, { id: containerId }, options, REQUEST_TIMEOUT_MS)
  }

  async stopContainer(containerId: string, graceSeconds: number, options?: CallOptions): Promise<void> {
    const request = { id: containerId, timeout: graceSeconds }
    const limit = REQUEST_TIMEOUT_MS + graceSeconds * 1000
    await ignoreNotFound(this.#channel.call(methods.stopContainer, request, options, limit))
  }

  async removeContainer(containerId: string, options?: CallOptions): Promise<void> {
    await ignoreNotFound(this.#channel.call(methods.removeContainer, { id: containerId }, options, REQUEST_TIMEOUT_MS))
  }

  async listContainers(filter: ContainerFilter = {}, options?: CallOptions): Promise<readonly Container[]> {
    return (await this.#channel.call(methods.listContainers, { filter }, options, REQUEST_TIMEOUT_MS)).containers
  }

  async containerStatus(containerId: string, options?: CallOptions): Promise<ContainerStatus> {
    const { status } = await this.#channel.call(
      methods.statusOfContainer,
      { id: containerId },
      options,
      REQUEST_TIMEOUT_MS,
    )
    return present(status, 'ContainerStatus')
  }

  containerStatusVerbose(containerId: string, options?: CallOptions): Promise<ContainerStatusResponse> {
    const request = { id: containerId, verbose: true }
    return this.#channel.call(methods.statusOfContainer, request, options, REQUEST_TIMEOUT_MS)
  }

  async updateContainerResources(
    containerId: string,
    linux: LinuxContainerResources,
    options?: CallOptions,
  ): Promise<void> {
    await this.#channel.call(methods.updateContainerResources, { id: containerId, linux }, options, REQUEST_TIMEOUT_MS)
  }

  async reopenContainerLog(containerId: string, options?: CallOptions): Promise<void> {
    await this.#channel.call(methods.reopenContainerLog, { id: containerId }, options, REQUEST_TIMEOUT_MS)
  }

  execSync(
    containerId: string,
    command: readonly string[],
    timeoutSeconds: number,
    options?: CallOptions,
  ): Promise<ExecSyncResponse> {
    const request = { id: containerId, command, timeout: timeoutSeconds }
    // The runtime ends the command itself; this limit is for a runtime that does not answer.
    const limit = timeoutSeconds === 0 ? undefined : REQUEST_TIMEOUT_MS + timeoutSeconds * 1000
    return this.#channel.call(methods.execSync, request, options, limit)
  }

  async exec(request: ExecRequest, options?: CallOptions): Promise<string> {
    return (await this.#channel.call(methods.exec, request, options, REQUEST_TIMEOUT_MS)).url
  }

  async attach(request: AttachRequest, options?: CallOptions): Promise<string> {
    return (await this.#channel.call(methods.attach, request, options, REQUEST_TIMEOUT_MS)).url
  }

  async portForward(request: PortForwardRequest, options?: CallOptions): Promise<string> {
    return (await this.#channel.call(methods.portForward, request, options, REQUEST_TIMEOUT_MS)).url
  }

  async containerStats(containerId: string, options?: CallOptions): Promise<ContainerStats> {
    const { stats } = await this.#channel.call(
      methods.statsOfContainer,
      { id: containerId },
      options,
      REQUEST_TIMEOUT_MS,
    )
    return present(stats, 'ContainerStats')
  }

  async listContainerStats(
    filter: ContainerStatsFilter = {},
    options?: CallOptions,
  ): Promise<readonly ContainerStats[]> {
    return (await this.#channel.call(methods.listContainerStats, { filter }, options, REQUEST_TIMEOUT_MS)).stats
  }

  async podSandboxStats(sandboxId: string, options?: CallOptions): Promise<PodSandboxStats> {
    const { stats } = await this.#channel.call(methods.statsOfSandbox, { id: sandboxId }, options, REQUEST_TIMEOUT_MS)
    return present(stats, 'PodSandboxStats')
  }

  async imageStatus(image: ImageSpec, options?: CallOptions): Promise<Image | undefined> {
    return (await this.#channel.call(methods.imageStatus, { image }, options, REQUEST_TIMEOUT_MS)).image
  }

  async listImages(filter?: ImageSpec, options?: CallOptions): Promise<readonly Image[]> {
    const request = filter === undefined ? {} : { filter: { image: filter } }
    return (await this.#channel.call(methods.listImages, request, options, REQUEST_TIMEOUT_MS)).images
  }

  async pullImage(
    image: ImageSpec,
    {
      auth,
      sandboxConfig,
      ...options
    }: CallOptions & { auth?: AuthConfig | undefined; sandboxConfig?: PodSandboxConfig | undefined } = {},
  ): Promise<string> {
    return (await this.#channel.call(methods.pullImage, { image, auth, sandboxConfig }, options)).imageRef
  }

  async removeImage(image: ImageSpec, options?: CallOptions): Promise<void> {
    await ignoreNotFound(this.#channel.call(methods.removeImage, { image }, options, REQUEST_TIMEOUT_MS))
  }

  imageFsInfo(options?: CallOptions): Promise<ImageFsInfoResponse> {
    return this.#channel.call(methods.imageFsInfo, {}, options, REQUEST_TIMEOUT_MS)
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent, void, undefined> {
    const left = new AbortController()
    const stop = AbortSignal.any([signal, left.signal])
    const queue: RuntimeEvent[] = []
    let wake: () => void = () => {}
    const push = (event: RuntimeEvent): void => {
      // Whoever is so far behind has to list again anyway.
      if (queue.length >= MAX_QUEUED_EVENTS) queue.splice(0, queue.length, { type: 'resync' })
      else queue.push(event)
      wake()
    }
    let ended = false
    let failure: unknown
    void this.#follow(stop, push)
      .catch((error: unknown) => {
        failure = error
      })
      .finally(() => {
        ended = true
        wake()
      })
    try {
      for (;;) {
        const event = queue.shift()
        if (event !== undefined) yield event
        else if (ended) break
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      left.abort()
    }
    if (failure !== undefined) throw failure
  }

  /**
   * An exit that CRI does not show yet holds up nothing of other containers: on a busy machine that may take seconds. The events of one
   * container keep their order.
   */
  async #follow(signal: AbortSignal, push: (event: RuntimeEvent) => void): Promise<void> {
    const exits = new Map<string, Promise<void>>()
    for await (const event of runtimeEvents(this.#channel, { clock: this.#clock, log: this.#log, signal })) {
      if (event.type === 'exit') {
        const id = event.containerId
        const shown = this.#exitShows(id, signal)
          .catch(() => {})
          .then(() => {
            if (exits.get(id) === shown) exits.delete(id)
            push(event)
          })
        exits.set(id, shown)
        continue
      }
      const before = 'containerId' in event ? exits.get(event.containerId) : undefined
      if (before === undefined) push(event)
      else void before.then(() => push(event))
    }
  }

  /**
   * CRI learns of an exit from the same event, and shows it after it has tidied up: who asks for the status on hearing of it must not be told
   * "running" (or, of one that ended as it began, "created").
   */
  async #exitShows(id: string, signal: AbortSignal): Promise<void> {
    const deadline = this.#clock.monotonic() + EXIT_SHOWS_TIMEOUT_MS
    for (let waitMs = EXIT_SHOWS_MIN_INTERVAL_MS; this.#clock.monotonic() < deadline; ) {
      const alive = await this.#isAlive(id, signal).catch((error: unknown) => {
        if (!(error instanceof CriError)) throw error
        return true
      })
      if (!alive) return
      await sleep(this.#clock, waitMs, signal)
      waitMs = Math.min(waitMs * 2, EXIT_SHOWS_MAX_INTERVAL_MS)
    }
  }

  /** False also for what is neither a container nor a sandbox. */
  async #isAlive(id: string, signal: AbortSignal): Promise<boolean> {
    const [container] = await this.listContainers({ id }, { signal })
    if (container !== undefined)
      return container.state === 'CONTAINER_RUNNING' || container.state === 'CONTAINER_CREATED'
    const [sandbox] = await this.listPodSandboxes({ id }, { signal })
    return sandbox?.state === 'SANDBOX_READY'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }
}

/** What has gone already needs no stopping or removing. */
async function ignoreNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function present<T>(value: T | undefined, method: string): T {
  if (value === undefined) throw new CriError('INTERNAL', 'the runtime answered without a result', method)
  return value
}
