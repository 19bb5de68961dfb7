// Keeps the node from running out of memory and disk: tells the pressure, makes room, and ends the pods that take too much.

import { sleep } from '../../base/clock.ts'
import { errorText } from '../../base/log.ts'
import type { NodeContext } from '../context.ts'
import type { ImageKeeper } from '../images/image-keeper.ts'
import { podReference, type NodePod, uidOf } from '../pods/model.ts'
import type { Failure } from '../pods/run.ts'
import {
  evictionMessage,
  exceededLimit,
  hasDiskLimit,
  type MetThreshold,
  type Observations,
  type PodUsage,
  rankPods,
  type Threshold,
  thresholdsMet,
} from './decide.ts'
import { observePod } from './observe.ts'

export interface EvictionOptions {
  readonly context: NodeContext
  readonly thresholds: readonly Threshold[]
  readonly observe: () => Observations
  readonly images: Pick<ImageKeeper, 'collect' | 'removeUnused'>
  /** The pods that take part of what the node has. */
  readonly pods: () => readonly NodePod[]
  readonly fail: (podUid: string, failure: Failure) => boolean
  /** The conditions of the node changed. */
  readonly onChange: () => void
}

const LOOK_MS = 10_000
/** Pressure is told for so long after it was last seen, so that it does not come and go. */
const TRANSITION_MS = 5 * 60_000
const IMAGES_MS = 5 * 60_000
/** Who is ended for the node's sake has this long. */
const GRACE_SECONDS = 1

export class Eviction implements AsyncDisposable {
  readonly #options: EvictionOptions
  readonly #stop = new AbortController()
  /** When each condition was last seen. */
  readonly #seenAt = new Map<string, number>()
  #told = ''
  readonly #running: Promise<unknown>

  constructor(options: EvictionOptions) {
    this.#options = options
    this.#running = Promise.all([this.#watch(), this.#collectImages()])
  }

  /** `MemoryPressure`, `DiskPressure`, `PIDPressure`. */
  pressures(): string[] {
    const now = this.#options.context.clock.now()
    return [...this.#seenAt]
      .filter(([, at]) => now - at < TRANSITION_MS)
      .map(([condition]) => condition)
      .sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #watch(): Promise<void> {
    await this.#every(LOOK_MS, 'Failed to look for what the node is short of', () => this.#look())
  }

  async #collectImages(): Promise<void> {
    await this.#every(IMAGES_MS, 'Failed to collect unused images', () =>
      this.#options.images.collect(this.#stop.signal),
    )
  }

  async #every(ms: number, complaint: string, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options.context
    while (!this.#stop.signal.aborted) {
      try {
        await work()
      } catch (error) {
        if (!this.#stop.signal.aborted) log.warn(complaint, { reason: errorText(error) })
      }
      await sleep(clock, ms, this.#stop.signal).catch(() => {})
    }
  }

  async #look(): Promise<void> {
    const { observe, thresholds, images, context } = this.#options
    const met = this.#note(thresholdsMet(observe(), thresholds))
    // Who is over a limit of its own goes first: that may be enough.
    if (await this.#evictOverLimit()) return
    const [worst] = met
    if (worst === undefined) return
    this.#tellNode(worst)
    if (worst.condition === 'DiskPressure') {
      await images.removeUnused(this.#stop.signal)
      if (!thresholdsMet(observe(), thresholds).some(({ signal }) => signal === worst.signal)) return
    }
    const usages = await this.#usages(this.#options.pods(), worst.condition === 'DiskPressure')
    for (const usage of rankPods(usages, worst.resource))
      if (this.#evict(usage, evictionMessage(usage, worst), true)) return
    context.log.error('The node is short of a resource, and no pod can be evicted', { resource: worst.resource })
  }

  #note(met: MetThreshold[]): MetThreshold[] {
    const { context, onChange } = this.#options
    for (const { condition } of met) this.#seenAt.set(condition, context.clock.now())
    const now = this.pressures().join()
    if (now !== this.#told) {
      this.#told = now
      onChange()
    }
    return met
  }

  async #evictOverLimit(): Promise<boolean> {
    const limited = this.#options.pods().filter(hasDiskLimit)
    let evicted = false
    for (const usage of await this.#usages(limited, true)) {
      const message = exceededLimit(usage)
      if (message !== undefined && this.#evict(usage, message, false)) evicted = true
    }
    return evicted
  }

  async #usages(pods: readonly NodePod[], disk: boolean): Promise<PodUsage[]> {
    const usages: PodUsage[] = []
    for (const pod of pods)
      usages.push(await observePod(this.#options.context, pod, { disk, signal: this.#stop.signal }))
    return usages
  }

  #evict({ pod }: PodUsage, message: string, disruption: boolean): boolean {
    const { fail, context } = this.#options
    const failure = {
      reason: 'Evicted',
      message,
      graceSeconds: GRACE_SECONDS,
      ...(disruption ? { disruption: true as const } : {}),
    }
    if (!fail(uidOf(pod), failure)) return false
    context.events.event(podReference(pod), 'Warning', 'Evicted', message)
    context.log.info('Evicted a pod', { pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, message })
    return true
  }

  #tellNode({ resource }: MetThreshold): void {
    const { nodeName, events } = this.#options.context
    const about = { kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeName }
    events.event(about, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`)
  }
}
