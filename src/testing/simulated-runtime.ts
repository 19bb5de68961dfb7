// A simulated node runtime: the RuntimeClient contract over tables in memory and a Clock, for unit tests and clusters of a thousand nodes.

import { type Clock, sleep, type Timer } from '../base/clock.ts'
import {
  type CallOptions,
  type Container,
  type ContainerConfig,
  type ContainerFilter,
  type ContainerStats,
  type ContainerStatsFilter,
  type ContainerStatus,
  type ContainerStatusResponse,
  CriError,
  type ExecSyncResponse,
  type Image,
  type ImageFsInfoResponse,
  type ImageSpec,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxFilter,
  type PodSandboxStats,
  type PodSandboxStatus,
  type RuntimeClient,
  type RuntimeEvent,
  type StatusResponse,
  type VersionResponse,
} from '../node/cri/cri.ts'
import { IMAGE_BYTES, SimulatedImages } from './simulated-images.ts'
import { EventFanOut } from './simulated-runtime-events.ts'
import type { SimulatedRuntimeOptions } from './simulated-runtime-options.ts'
import {
  containerSummary,
  containerStatusOf,
  matches,
  newContainer,
  noStreaming,
  type SimulatedContainer,
  type SimulatedSandbox,
  sandboxKey,
  sandboxStatusOf,
  sandboxSummary,
  selectContainers,
  statsOf,
} from './simulated-runtime-views.ts'

const SIGKILL_CODE = 137
const SIGTERM_CODE = 143

export class SimulatedRuntime implements RuntimeClient {
  readonly #options: SimulatedRuntimeOptions
  readonly #clock: Clock
  readonly #sandboxes = new Map<string, SimulatedSandbox>()
  readonly #containers = new Map<string, SimulatedContainer>()
  readonly #images: SimulatedImages
  readonly #faults = new Map<string, CriError[]>()
  readonly #timers = new Set<Timer>()
  readonly #events = new EventFanOut()
  #addresses = 1

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#images = new SimulatedImages({
      names: options.images ?? [],
      newId: () => this.#id(),
      registry: options.registry ?? (() => true),
    })
  }

  // What tests do to it.

  /** The next call of `method` (a name of CRI, such as `StartContainer`) fails with this error. */
  failNext(error: CriError): void {
    this.#faults.set(error.method, [...(this.#faults.get(error.method) ?? []), error])
  }

  /** Ends a container's process from inside. */
  exit(containerId: string, exitCode: number): void {
    this.#end(this.#container(containerId, 'exit'), exitCode)
  }

  /** The kernel kills a container for its memory limit. */
  oom(containerId: string): void {
    this.#events.publish({ type: 'oom', containerId })
    this.#end(this.#container(containerId, 'oom'), SIGKILL_CODE, 'OOMKilled')
  }

  /** A sandbox's own process dies. */
  killSandbox(sandboxId: string): void {
    this.#endSandbox(this.#sandbox(sandboxId, 'kill'))
  }

  /** The event stream breaks and begins anew. */
  breakEvents(): void {
    this.#events.publish({ type: 'resync' })
  }

  // The contract.

  async version(options?: CallOptions): Promise<VersionResponse> {
    this.#begin('Version', options)
    return { version: '0.1.0', runtimeName: 'simulated', runtimeVersion: '1.0.0', runtimeApiVersion: 'v1' }
  }

  async status(options?: CallOptions): Promise<StatusResponse> {
    this.#begin('Status', options)
    const conditions = ['RuntimeReady', 'NetworkReady'].map((type) => ({ type, status: true, reason: '', message: '' }))
    return { status: { conditions }, info: {}, runtimeHandlers: [] }
  }

  async updateRuntimeConfig(_config: { podCidr: string }, options?: CallOptions): Promise<void> {
    this.#begin('UpdateRuntimeConfig', options)
  }

  async runPodSandbox(config: PodSandboxConfig, options?: CallOptions): Promise<string> {
    this.#begin('RunPodSandbox', options)
    const key = sandboxKey(config)
    for (const other of this.#sandboxes.values())
      if (sandboxKey(other.config) === key)
        throw new CriError(
          'UNKNOWN',
          `failed to reserve sandbox name "${key}": name is reserved for "${other.id}"`,
          'RunPodSandbox',
        )
    await this.#take(this.#options.delays?.sandboxMs, options)
    const hostNetwork = config.linux?.securityContext?.namespaceOptions?.network === 'NODE'
    const ip = hostNetwork ? '' : (this.#options.podIp?.(config) ?? this.#nextAddress())
    const id = this.#id()
    this.#sandboxes.set(id, { id, config, createdAt: this.#clock.now(), state: 'SANDBOX_READY', ip })
    this.#events.publish({ type: 'start', containerId: id, pid: 1 })
    return id
  }

  async stopPodSandbox(sandboxId: string, options?: CallOptions): Promise<void> {
    this.#begin('StopPodSandbox', options)
    const sandbox = this.#sandboxes.get(sandboxId)
    if (sandbox === undefined) return
    for (const container of this.#containersOf(sandboxId)) this.#end(container, SIGKILL_CODE)
    this.#endSandbox(sandbox)
  }

  async removePodSandbox(sandboxId: string, options?: CallOptions): Promise<void> {
    this.#begin('RemovePodSandbox', options)
    await this.stopPodSandbox(sandboxId, options)
    for (const { id } of this.#containersOf(sandboxId)) this.#containers.delete(id)
    this.#sandboxes.delete(sandboxId)
  }

  async podSandboxStatus(sandboxId: string, options?: CallOptions): Promise<PodSandboxStatus> {
    this.#begin('PodSandboxStatus', options)
    return sandboxStatusOf(this.#sandbox(sandboxId, 'PodSandboxStatus'))
  }

  async listPodSandboxes(filter: PodSandboxFilter = {}, options?: CallOptions): Promise<readonly PodSandbox[]> {
    this.#begin('ListPodSandbox', options)
    return [...this.#sandboxes.values()]
      .filter((sandbox) => matches(sandbox.id, sandbox.state, sandbox.config.labels, filter))
      .map(sandboxSummary)
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    options?: CallOptions,
  ): Promise<string> {
    this.#begin('CreateContainer', options)
    const sandbox = this.#sandbox(sandboxId, 'CreateContainer')
    if (sandbox.state !== 'SANDBOX_READY')
      throw new CriError('UNKNOWN', `failed to find sandbox task: no running task found`, 'CreateContainer')
    const image = this.#images.find(config.image ?? {})
    if (image === undefined)
      throw new CriError(
        'NOT_FOUND',
        `failed to resolve image "${config.image?.image ?? ''}": not found`,
        'CreateContainer',
      )
    const id = this.#id()
    const record = newContainer(id, sandboxId, config, sandboxConfig)
    this.#containers.set(id, { ...record, imageRef: image.id, createdAt: this.#clock.now() })
    return id
  }

  async startContainer(containerId: string, options?: CallOptions): Promise<void> {
    this.#begin('StartContainer', options)
    const container = this.#container(containerId, 'StartContainer')
    if (container.state !== 'CONTAINER_CREATED')
      throw new CriError('UNKNOWN', `container is in ${container.state} state`, 'StartContainer')
    await this.#take(this.#options.delays?.startMs, options)
    container.script = this.#options.script?.(container.config, container.sandboxConfig) ?? {}
    if (container.script.startError !== undefined) {
      this.#finish(container, 128, 'StartError', container.script.startError)
      throw new CriError('UNKNOWN', container.script.startError, 'StartContainer')
    }
    container.state = 'CONTAINER_RUNNING'
    container.startedAt = this.#clock.now()
    this.#events.publish({ type: 'start', containerId, pid: 1 })
    const { exitAfterMs, exitCode = 0 } = container.script
    if (exitAfterMs !== undefined) this.#later(exitAfterMs, () => this.#end(container, exitCode))
  }

  async stopContainer(containerId: string, graceSeconds: number, options?: CallOptions): Promise<void> {
    this.#begin('StopContainer', options)
    const container = this.#containers.get(containerId)
    if (container?.state !== 'CONTAINER_RUNNING') return
    const takes = container.script.stopTakesMs ?? 0
    const graceMs = graceSeconds * 1000
    const obeys = takes !== 'ignore' && takes <= graceMs && graceMs > 0
    await this.#take(obeys ? takes : graceMs, options)
    const code = obeys ? (container.script.exitCode ?? SIGTERM_CODE) : SIGKILL_CODE
    this.#end(container, code)
  }

  async removeContainer(containerId: string, options?: CallOptions): Promise<void> {
    this.#begin('RemoveContainer', options)
    const container = this.#containers.get(containerId)
    if (container?.state === 'CONTAINER_RUNNING') this.#end(container, SIGKILL_CODE)
    this.#containers.delete(containerId)
  }

  async listContainers(filter: ContainerFilter = {}, options?: CallOptions): Promise<readonly Container[]> {
    this.#begin('ListContainers', options)
    return selectContainers(this.#containers.values(), filter).map(containerSummary)
  }

  async containerStatus(containerId: string, options?: CallOptions): Promise<ContainerStatus> {
    this.#begin('ContainerStatus', options)
    return containerStatusOf(this.#container(containerId, 'ContainerStatus'))
  }

  async containerStatusVerbose(containerId: string, options?: CallOptions): Promise<ContainerStatusResponse> {
    return { status: await this.containerStatus(containerId, options), info: {} }
  }

  async updateContainerResources(
    containerId: string,
    resources: LinuxContainerResources,
    options?: CallOptions,
  ): Promise<void> {
    this.#begin('UpdateContainerResources', options)
    const container = this.#container(containerId, 'UpdateContainerResources')
    container.resources = { ...container.resources, ...resources }
  }

  async reopenContainerLog(containerId: string, options?: CallOptions): Promise<void> {
    this.#begin('ReopenContainerLog', options)
    this.#running(containerId, 'ReopenContainerLog')
  }

  async execSync(
    containerId: string,
    command: readonly string[],
    _timeoutSeconds: number,
    options?: CallOptions,
  ): Promise<ExecSyncResponse> {
    this.#begin('ExecSync', options)
    const { config } = this.#running(containerId, 'ExecSync')
    const { exitCode, stdout = '' } = this.#options.execute?.(command, config) ?? { exitCode: 0 }
    return { stdout: Buffer.from(stdout), stderr: Buffer.alloc(0), exitCode }
  }

  readonly exec = (): Promise<string> => Promise.reject(noStreaming('Exec'))
  readonly attach = (): Promise<string> => Promise.reject(noStreaming('Attach'))
  readonly portForward = (): Promise<string> => Promise.reject(noStreaming('PortForward'))

  async containerStats(containerId: string, options?: CallOptions): Promise<ContainerStats> {
    this.#begin('ContainerStats', options)
    return statsOf(this.#container(containerId, 'ContainerStats'), this.#clock.now())
  }

  async listContainerStats(
    filter: ContainerStatsFilter = {},
    options?: CallOptions,
  ): Promise<readonly ContainerStats[]> {
    this.#begin('ListContainerStats', options)
    const now = this.#clock.now()
    return selectContainers(this.#containers.values(), filter).map((container) => statsOf(container, now))
  }

  async podSandboxStats(sandboxId: string, options?: CallOptions): Promise<PodSandboxStats> {
    this.#begin('PodSandboxStats', options)
    const { id, metadata, labels, annotations } = sandboxSummary(this.#sandbox(sandboxId, 'PodSandboxStats'))
    const containers = await this.listContainerStats({ podSandboxId: sandboxId })
    return { attributes: { id, ...(metadata && { metadata }), labels, annotations }, linux: { containers } }
  }

  async imageStatus(image: ImageSpec, options?: CallOptions): Promise<Image | undefined> {
    this.#begin('ImageStatus', options)
    return this.#images.find(image)
  }

  async listImages(filter?: ImageSpec, options?: CallOptions): Promise<readonly Image[]> {
    this.#begin('ListImages', options)
    return this.#images.list(filter)
  }

  async pullImage(image: ImageSpec, options?: CallOptions): Promise<string> {
    this.#begin('PullImage', options)
    await this.#take(this.#options.delays?.pullMs, options)
    return this.#images.pull(image).id
  }

  async removeImage(image: ImageSpec, options?: CallOptions): Promise<void> {
    this.#begin('RemoveImage', options)
    this.#images.remove(image)
  }

  async imageFsInfo(options?: CallOptions): Promise<ImageFsInfoResponse> {
    this.#begin('ImageFsInfo', options)
    const usage = {
      timestamp: this.#clock.now(),
      fsId: { mountpoint: '/' },
      usedBytes: this.#images.size * IMAGE_BYTES,
    }
    return { imageFilesystems: [usage], containerFilesystems: [] }
  }

  events(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    return this.#events.subscribe(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  #begin(method: string, options: CallOptions | undefined): void {
    options?.signal?.throwIfAborted()
    const fault = this.#faults.get(method)?.shift()
    if (fault !== undefined) throw fault
  }

  async #take(ms: number | undefined, options: CallOptions | undefined): Promise<void> {
    if (ms !== undefined && ms > 0) await sleep(this.#clock, ms, options?.signal)
  }

  #later(ms: number, fire: () => void): void {
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer)
      fire()
    })
    this.#timers.add(timer)
  }

  #end(container: SimulatedContainer, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    if (container.state !== 'CONTAINER_RUNNING') return
    this.#finish(container, exitCode, reason, '')
    const { id: containerId, finishedAt: exitedAt } = container
    this.#events.publish({ type: 'exit', containerId, pid: 1, exitCode, exitedAt })
    this.#events.publish({ type: 'delete', containerId })
  }

  #finish(container: SimulatedContainer, exitCode: number, reason: string, message: string): void {
    Object.assign(container, { state: 'CONTAINER_EXITED', finishedAt: this.#clock.now(), exitCode, reason, message })
  }

  #endSandbox(sandbox: SimulatedSandbox): void {
    if (sandbox.state === 'SANDBOX_NOTREADY') return
    sandbox.state = 'SANDBOX_NOTREADY'
    const exitedAt = this.#clock.now()
    this.#events.publish({ type: 'exit', containerId: sandbox.id, pid: 1, exitCode: SIGKILL_CODE, exitedAt })
    this.#events.publish({ type: 'delete', containerId: sandbox.id })
  }

  #containersOf(sandboxId: string): SimulatedContainer[] {
    return [...this.#containers.values()].filter((container) => container.sandboxId === sandboxId)
  }

  #sandbox(id: string, method: string): SimulatedSandbox {
    const sandbox = this.#sandboxes.get(id)
    if (sandbox !== undefined) return sandbox
    throw new CriError('NOT_FOUND', `an error occurred when try to find sandbox: not found`, method)
  }

  #container(id: string, method: string): SimulatedContainer {
    const container = this.#containers.get(id)
    if (container !== undefined) return container
    throw new CriError('NOT_FOUND', `an error occurred when try to find container "${id}": not found`, method)
  }

  #running(id: string, method: string): SimulatedContainer {
    const container = this.#container(id, method)
    if (container.state === 'CONTAINER_RUNNING') return container
    throw new CriError('UNKNOWN', `container is in ${container.state} state`, method)
  }

  #id(): string {
    return Buffer.from(this.#options.random.bytes(32)).toString('hex')
  }

  #nextAddress(): string {
    const n = this.#addresses++
    return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
  }
}
