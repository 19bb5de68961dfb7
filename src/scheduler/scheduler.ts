// The scheduler: watches pods and nodes, decides, binds. Decisions run ahead of their bindings on assumed pods.

import type { Clock } from '../base/clock.ts'
import { rfc3339 } from '../base/clock.ts'
import { errorText, type Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { isConflict, isNotFound } from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { type Node, nodes } from '../api/core/node/node.ts'
import { type Pod, pods } from '../api/core/pod/pod.ts'
import { isPodTerminal, podCondition } from '../api/core/pod/readiness.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import { type Informer, type InformerChange, startInformer } from '../client/informer.ts'
import { Cycle } from './cycle.ts'
import type { Plugin } from './framework.ts'
import { ALL_PLUGINS } from './plugins/all.ts'
import { type PodInfo, podInfo, podKey } from './pod-info.ts'
import { SchedulingQueue } from './queue.ts'
import { Snapshot } from './snapshot.ts'

export interface SchedulerOptions {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  events: EventRecorder
  /** Pods of this `spec.schedulerName` are ours. */
  name?: string
  plugins?: readonly Plugin[]
}

export interface Scheduler extends AsyncDisposable {
  readonly synced: Promise<void>
  /** No pod is ready to be decided and no binding is under way. */
  readonly idle: boolean
}

export const DEFAULT_SCHEDULER = 'default-scheduler'
/** Bindings under way at once; decisions wait beyond. */
const MAX_BINDINGS = 128

export function startScheduler(options: SchedulerOptions): Scheduler {
  return new RunningScheduler(options)
}

class RunningScheduler implements Scheduler {
  readonly synced: Promise<void>
  readonly #options: SchedulerOptions
  readonly #name: string
  readonly #plugins: readonly Plugin[]
  readonly #snapshot = new Snapshot()
  readonly #queue: SchedulingQueue
  readonly #cycle: Cycle
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  readonly #bindings = new Set<Promise<void>>()

  constructor(options: SchedulerOptions) {
    const { client, clock, log, random } = options
    this.#options = options
    this.#name = options.name ?? DEFAULT_SCHEDULER
    this.#plugins = options.plugins ?? ALL_PLUGINS
    this.#queue = new SchedulingQueue(clock, this.#plugins)
    this.#cycle = new Cycle({ snapshot: this.#snapshot, plugins: this.#plugins, random })
    this.#nodes = startInformer({ client, resource: nodes, clock, log })
    this.#pods = startInformer({ client, resource: pods, clock, log })
    this.#nodes.onChange((change) => this.#nodeChanged(change))
    this.#pods.onChange((change) => this.#podChanged(change))
    this.synced = Promise.all([this.#nodes.synced, this.#pods.synced]).then(() => {})
    this.#running = this.#run()
  }

  get idle(): boolean {
    return this.#queue.idle && this.#bindings.size === 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#queue.close()
    await Promise.all([this.#pods[Symbol.asyncDispose](), this.#nodes[Symbol.asyncDispose]()])
    await this.#running
    await Promise.all(this.#bindings)
  }

  async #run(): Promise<void> {
    const stopped = new Promise<void>((resolve) =>
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    await Promise.race([this.synced, stopped])
    for (;;) {
      const info = await this.#queue.pop()
      if (!info) return
      try {
        this.#schedule(info)
      } catch (error) {
        this.#options.log.error('Failed to decide on a pod', { pod: info.key, error })
        this.#queue.retry(info)
      }
      if (this.#bindings.size >= MAX_BINDINGS) await Promise.race(this.#bindings)
    }
  }

  #schedule(info: PodInfo): void {
    const { pod } = info
    // It may have been deleted or bound while it waited.
    if (!this.#isOurs(pod) || this.#snapshot.has(info.key)) return
    const decision = this.#cycle.decide(info)
    if (decision.node === undefined) {
      this.#queue.setAside(info, decision.plugins)
      this.#options.log.debug('Found no node for a pod', { pod: info.key, reason: decision.message })
      this.#track(this.#tellUnschedulable(pod, 'Unschedulable', decision.message))
      return
    }
    this.#snapshot.assume(info, decision.node)
    this.#track(this.#bind(info, decision.node))
  }

  #track(work: Promise<void>): void {
    this.#bindings.add(work)
    void work.finally(() => this.#bindings.delete(work))
  }

  async #bind(info: PodInfo, node: string): Promise<void> {
    const { client, events, log } = this.#options
    const { pod } = info
    const { namespace = '', name, uid } = pod.metadata
    try {
      await client.post(pods, { namespace, name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, ...(uid ? { uid } : {}) },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      })
      log.info('Bound pod', { pod: info.key, node })
      events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#snapshot.forget(info.key)
      // It is gone, or somebody else bound it: the watch tells.
      if (isNotFound(error) || isConflict(error)) return
      log.warn('Failed to bind a pod', { pod: info.key, node, error })
      events.event(pod, 'Warning', 'FailedScheduling', `binding rejected: ${errorText(error)}`)
      this.#queue.retry(info)
    }
  }

  /** The condition PodScheduled=False, and an event; both only when they say something new. */
  async #tellUnschedulable(pod: DeepReadonly<Pod>, reason: string, message: string): Promise<void> {
    const { client, clock, events, log } = this.#options
    const { namespace = '', name } = pod.metadata
    const known = podCondition(pod, 'PodScheduled')
    if (reason === 'Unschedulable') events.event(pod, 'Warning', 'FailedScheduling', message)
    if (known?.status === 'False' && known.reason === reason && known.message === message) return
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastProbeTime: null,
      lastTransitionTime: rfc3339(clock.now()),
    }
    try {
      await client.patch(
        pods,
        { namespace, name },
        { type: 'strategic', body: { status: { conditions: [condition] } } },
        { subresource: 'status' },
      )
    } catch (error) {
      if (!this.#stop.signal.aborted && !isNotFound(error))
        log.warn('Failed to say why a pod has no node', { pod: podKey(pod), error })
    }
  }

  #isOurs({ spec, metadata }: DeepReadonly<Pod>): boolean {
    return spec.schedulerName === this.#name && !metadata.deletionTimestamp
  }

  #podChanged({ type, object, previous }: InformerChange<Pod>): void {
    const key = podKey(object)
    const gone = type === 'deleted' || isPodTerminal(object)
    if (gone) {
      this.#queue.remove(key)
      if (this.#snapshot.removePod(key)) this.#queue.changed({ kind: 'pod-removed', pod: object })
      return
    }
    if (object.spec.nodeName) {
      this.#queue.remove(key)
      this.#snapshot.setPod(object)
      return
    }
    if (!this.#isOurs(object) || this.#snapshot.has(key)) return
    // Our own writes to its status are no reason to try again.
    if (previous && sameWishes(previous, object)) return
    const gate = this.#plugins.map((p) => p.gate?.(object)).find((message) => message !== undefined)
    if (gate !== undefined) {
      this.#track(
        this.#tellUnschedulable(object, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates'),
      )
      return
    }
    this.#queue.add(podInfo(object))
  }

  #nodeChanged({ type, object, previous }: InformerChange<Node>): void {
    if (type === 'deleted') {
      this.#snapshot.removeNode(object.metadata.name)
      return
    }
    this.#snapshot.setNode(object)
    if (!previous) this.#queue.changed({ kind: 'node-added', node: object })
    else if (!sameOffer(previous, object)) this.#queue.changed({ kind: 'node-changed', node: object, previous })
  }
}

/** Nothing that scheduling depends on is different. */
function sameWishes(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): boolean {
  return (
    a.metadata.generation === b.metadata.generation &&
    JSON.stringify(a.metadata.labels) === JSON.stringify(b.metadata.labels) &&
    a.metadata.uid === b.metadata.uid
  )
}

/** A heartbeat changes neither what a node has nor whom it takes. */
function sameOffer(a: DeepReadonly<Node>, b: DeepReadonly<Node>): boolean {
  const offer = ({ metadata, spec, status }: DeepReadonly<Node>): string =>
    JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable])
  return offer(a) === offer(b)
}
