// The pods of one node: those the API gives it, and those that the runtime or the disk still hold of earlier ones. One worker each.

import { rm } from 'node:fs/promises'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { sleep } from '../../base/clock.ts'
import { type Node, nodes } from '../../api/core/node/node.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { isPodTerminal } from '../../api/core/pod/readiness.ts'
import { type Service, services } from '../../api/core/service/service.ts'
import { type Informer, startInformer } from '../../client/informer.ts'
import { admit, type Rejection } from '../admission/admit.ts'
import type { NodeContext } from '../context.ts'
import { keepLogs, LOG_KEEPING, type LogKeeping } from '../logs/log-keeper.ts'
import { ProbeKeeper } from '../probes/probe-keeper.ts'
import type { Prober } from '../probes/prober.ts'
import { StatusWriter } from '../status/writer.ts'
import { ObjectWatch } from '../volumes/object-watch.ts'
import { PodVolumes } from '../volumes/pod-volumes.ts'
import { BackOff } from './back-off.ts'
import { LABELS, type NodePod, podReference, uidOf } from './model.ts'
import { podLogDirectory } from './paths.ts'
import { burstableMilli } from './resources.ts'
import type { Failure, WorkerParts } from './run.ts'
import { listRuntimePods } from './view.ts'
import { type PodRef, PodWorker } from './worker.ts'

/** Events are the news; this is the safety net. */
const RELIST_MS = 60_000
const MAX_OOM_REMEMBERED = 1000

export interface PodSetOptions {
  readonly prober: Prober
  readonly pid: number
  readonly logs?: LogKeeping | undefined
  /** What the node is short of, by its conditions' names. */
  readonly pressures?: () => readonly string[]
}

export class PodSet implements AsyncDisposable {
  readonly #context: NodeContext
  readonly #options: PodSetOptions
  readonly #stop = new AbortController()
  readonly #workers = new Map<string, PodWorker>()
  /** Which pod a sandbox or container belongs to. */
  readonly #owners = new Map<string, string>()
  readonly #oomKilled = new Set<string>()
  /** Who waits for the end of which container. */
  readonly #waiting = new Map<string, Set<AbortController>>()
  readonly #informer: Informer<Pod>
  readonly #services: Informer<Service>
  readonly #node: Informer<Node>
  readonly #parts: WorkerParts
  readonly #running: Promise<unknown>
  readonly settled: Promise<void>
  #markSettled: () => void = () => {}

  constructor(context: NodeContext, options: PodSetOptions) {
    this.#context = context
    this.#options = options
    const { client, clock, log, nodeName, random, events } = context
    const wake = (uid: string): void => this.#workers.get(uid)?.wake()
    this.#informer = startInformer({ client, resource: pods, fieldSelector: `spec.nodeName=${nodeName}`, clock, log })
    this.#services = startInformer({ client, resource: services, clock, log })
    this.#node = startInformer({ client, resource: nodes, fieldSelector: `metadata.name=${nodeName}`, clock, log })
    this.#parts = {
      context,
      prober: options.prober,
      pid: options.pid,
      images: { context, backOff: new BackOff(clock), pulling: new Map() },
      crashes: new BackOff(clock),
      volumes: new PodVolumes(context),
      objects: new ObjectWatch({ client, clock, log, onChange: wake }),
      probes: new ProbeKeeper({ prober: options.prober, clock, random, events, onChange: wake }),
      status: new StatusWriter(client),
      oomKilled: this.#oomKilled,
      services: () => this.#services.list(),
      track: (uid, ids) => {
        for (const id of ids) this.#owners.set(id, uid)
      },
      cleanUp: (ref) => this.#cleanUp(ref),
    }
    this.settled = new Promise((resolve) => {
      this.#markSettled = resolve
    })
    this.#running = this.#run()
  }

  /** The pods that this node knows. */
  list(): DeepReadonly<Pod>[] {
    return this.#informer.list()
  }

  get(namespace: string, name: string): DeepReadonly<Pod> | undefined {
    return this.#informer.get({ namespace, name })
  }

  /** The pods that take part of what the node has. */
  active(): NodePod[] {
    return [...this.#workers.values()].flatMap(({ counts, pod }) => (counts && pod !== undefined ? [pod] : []))
  }

  /** Ends a pod for the node's reasons; false when it is not there, or ending already. */
  fail(uid: string, failure: Failure): boolean {
    return this.#workers.get(uid)?.fail(failure) ?? false
  }

  /** Resolves when every pod has been looked at once, and no worker is busy. */
  async idle(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.idle()))
  }

  /** A signal that says when a container has ended. */
  endOf({ id, state }: { id: string; state: string }): { signal: AbortSignal } & Disposable {
    const end = new AbortController()
    const waiting = this.#waiting.get(id) ?? new Set()
    if (state === 'CONTAINER_RUNNING') this.#waiting.set(id, waiting.add(end))
    else end.abort()
    return {
      signal: end.signal,
      [Symbol.dispose]: () => {
        waiting.delete(end)
        if (waiting.size === 0) this.#waiting.delete(id)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#parts.probes[Symbol.dispose]()
    await Promise.all([
      this.#informer[Symbol.asyncDispose](),
      this.#services[Symbol.asyncDispose](),
      this.#node[Symbol.asyncDispose](),
      this.#parts.objects[Symbol.asyncDispose](),
      this.#running,
      ...[...this.#workers.values()].map(({ done }) => done),
    ])
  }

  async #run(): Promise<void> {
    const stopped = new Promise<void>((resolve) =>
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    // Without services a container's environment would lack them; without pods everything that runs would look like an orphan.
    await Promise.race([Promise.all([this.#informer.synced, this.#services.synced, this.#node.synced]), stopped])
    if (this.#stop.signal.aborted) return
    // Who came first has its place first.
    const createdAt = (pod: NodePod): string => pod.metadata.creationTimestamp ?? ''
    const first = [...this.#informer.list()].sort((a, b) => createdAt(a).localeCompare(createdAt(b)))
    for (const pod of first.filter(({ status }) => status?.startTime !== undefined)) this.#given(pod)
    for (const pod of first.filter(({ status }) => status?.startTime === undefined)) this.#given(pod)
    this.#informer.onChange(({ type, object, previous }) => {
      // A name may have passed to another pod between two looks.
      if (previous !== undefined && uidOf(previous) !== uidOf(object))
        this.#workers.get(uidOf(previous))?.remove(previous)
      if (type === 'deleted') this.#removed(object)
      else this.#given(object)
      this.#shareCpu()
    })
    void this.idle().then(this.#markSettled)
    const isOurs = (uid: string): boolean => this.#workers.has(uid)
    const logs = keepLogs(this.#context, this.#options.logs ?? LOG_KEEPING, isOurs, this.#stop.signal)
    await Promise.all([this.#followEvents(), this.#relist(), logs])
  }

  #given(pod: NodePod): void {
    const uid = uidOf(pod)
    const known = this.#workers.get(uid)
    if (known !== undefined) {
      known.update(pod)
      return
    }
    const { name, namespace = '' } = pod.metadata
    const rejection = this.#admit(pod)
    if (rejection !== undefined) {
      const { reason, message } = rejection
      this.#context.events.event(podReference(pod), 'Warning', reason, message)
    }
    this.#start({ uid, name, namespace }, pod, rejection === undefined ? undefined : { ...rejection, rejected: true })
  }

  /** What was taken once stays, whatever the node is short of by now. */
  #admit(pod: NodePod): Rejection | undefined {
    const { deletionTimestamp } = pod.metadata
    if (deletionTimestamp !== undefined || isPodTerminal(pod) || pod.status?.startTime !== undefined) return undefined
    const { allocatable, nodeName } = this.#context
    const others = this.active()
    const node = this.#node.get({ name: nodeName })
    return admit({ pod, others, allocatable, node, pressures: this.#options.pressures?.() ?? [] })
  }

  #removed(pod: NodePod): void {
    this.#workers.get(uidOf(pod))?.remove(pod)
  }

  #start(ref: PodRef, pod: NodePod | undefined, failure?: Failure): void {
    const worker = new PodWorker(this.#parts, ref, pod, this.#stop.signal, failure)
    this.#workers.set(ref.uid, worker)
    void worker.done.then(() => {
      if (this.#workers.get(ref.uid) === worker) this.#workers.delete(ref.uid)
    })
  }

  #shareCpu(): void {
    this.#context.cgroups.updateBurstable(burstableMilli(this.#informer.list()))
  }

  async #followEvents(): Promise<void> {
    const { runtime, log } = this.#context
    try {
      for await (const event of runtime.events(this.#stop.signal)) {
        if (event.type === 'resync') {
          for (const worker of this.#workers.values()) worker.wake()
          continue
        }
        if (event.type === 'oom') this.#rememberOom(event.containerId)
        // Starts are the agent's own doing; what a deletion leaves is seen by whoever deleted.
        if (event.type !== 'exit') continue
        for (const end of this.#waiting.get(event.containerId) ?? []) end.abort()
        const uid = this.#owners.get(event.containerId)
        if (uid !== undefined) this.#workers.get(uid)?.wake()
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) log.error('Lost the events of the runtime', { error })
    }
  }

  #rememberOom(id: string): void {
    this.#oomKilled.add(id)
    const oldest = this.#oomKilled.values().next().value
    if (this.#oomKilled.size > MAX_OOM_REMEMBERED && oldest !== undefined) this.#oomKilled.delete(oldest)
  }

  async #relist(): Promise<void> {
    const { clock, log } = this.#context
    while (!this.#stop.signal.aborted) {
      try {
        await this.#findOrphans()
        for (const worker of this.#workers.values()) if (!worker.finished) worker.wake()
      } catch (error) {
        if (!this.#stop.signal.aborted) log.warn('Failed to list what the runtime holds', { error })
      }
      await sleep(clock, RELIST_MS, this.#stop.signal).catch(() => {})
    }
  }

  /** Pods that were deleted while no agent ran: in the runtime, on disk, in the cgroups. */
  async #findOrphans(): Promise<void> {
    const found = await listRuntimePods(this.#context.runtime, this.#stop.signal)
    for (const { uid, name, namespace, ids } of found.values()) {
      for (const id of ids) this.#owners.set(id, uid)
      if (!this.#workers.has(uid)) this.#start({ uid, name, namespace }, undefined)
    }
    await this.#findEnded()
    const live = new Set([...found.values()].flatMap(({ ids }) => ids))
    for (const [id, uid] of this.#owners) if (!live.has(id) && !this.#workers.has(uid)) this.#owners.delete(id)
    for (const uid of await this.#parts.volumes.list())
      if (!this.#workers.has(uid)) await this.#parts.volumes.tearDown(uid)
    for (const group of this.#context.cgroups.listPods())
      if (!this.#workers.has(group.uid)) await this.#context.cgroups.deletePod(group, this.#stop.signal)
  }

  /** Whoever waits for the end of a container hears of it, even if its event was missed. */
  async #findEnded(): Promise<void> {
    if (this.#waiting.size === 0) return
    const filter = { state: { state: 'CONTAINER_RUNNING' as const } }
    const running = await this.#context.runtime.listContainers(filter, { signal: this.#stop.signal })
    const ids = new Set(running.map(({ id }) => id))
    for (const [id, ends] of this.#waiting) if (!ids.has(id)) for (const end of ends) end.abort()
  }

  async #cleanUp(ref: PodRef): Promise<void> {
    const { runtime, directories } = this.#context
    const found = (await listRuntimePods(runtime)).get(ref.uid)
    const sandboxes = await runtime.listPodSandboxes({ labelSelector: { [LABELS.podUid]: ref.uid } })
    for (const { id } of sandboxes) await runtime.removePodSandbox(id)
    for (const id of found?.ids ?? []) {
      if (!sandboxes.some((s) => s.id === id)) await runtime.removeContainer(id)
      this.#owners.delete(id)
      this.#oomKilled.delete(id)
    }
    if (ref.name !== '' && ref.namespace !== '')
      await rm(podLogDirectory(directories, ref), { recursive: true, force: true })
    this.#parts.status.forget(ref.uid)
    this.#parts.crashes.forgetAll(`${ref.uid}/`)
    this.#parts.images.backOff.forgetAll(`${ref.uid}_`)
  }
}
