// Pods that wait for a node: ready by priority and age, waiting out a back-off, or set aside until something changes that could help them.

import { Backoff } from '../base/backoff.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { ClusterChange, Plugin } from './framework.ts'
import type { PodInfo } from './pod-info.ts'

/** Upstream's podInitialBackoffSeconds and podMaxBackoffSeconds. */
const BACKOFF = { minMs: 1000, maxMs: 10_000 }
/** A pod that nothing seemed to help is tried again after this long all the same. */
const FORGOTTEN_MS = 5 * 60_000

interface Waiting {
  info: PodInfo
  /** When it was first seen, for order among equals. */
  since: number
  order: number
}

interface SetAside extends Waiting {
  plugins: ReadonlySet<string>
  at: number
}

export class SchedulingQueue {
  readonly #clock: Clock
  readonly #plugins: ReadonlyMap<string, Plugin>
  readonly #backoff = new Backoff(BACKOFF)
  readonly #ready = new Map<string, Waiting>()
  /** A heap would be built and torn down by every burst; the order is computed when the list is next needed. */
  #sorted: Waiting[] | undefined
  #next = 0
  readonly #backingOff = new Map<string, { waiting: Waiting; timer: Timer }>()
  readonly #setAside = new Map<string, SetAside>()
  #order = 0
  #wake: (() => void) | undefined
  #closed = false
  #sweep: Timer

  constructor(clock: Clock, plugins: readonly Plugin[]) {
    this.#clock = clock
    this.#plugins = new Map(plugins.map((p) => [p.name, p]))
    this.#sweep = this.#armSweep()
  }

  /** Pods ready to be decided. */
  get ready(): number {
    return this.#ready.size
  }

  /** Nothing is ready; pods set aside or backing off do not count. */
  get idle(): boolean {
    return this.#ready.size === 0
  }

  /** A new pod, or one that changed itself: it is tried at once. */
  add(info: PodInfo): void {
    const known = this.#ready.get(info.key)
    if (known) {
      known.info = info
      return
    }
    const waiting = this.#take(info.key) ?? { info, since: this.#clock.now(), order: this.#order++ }
    this.#enqueue({ ...waiting, info })
  }

  remove(key: string): void {
    this.#take(key)
    if (this.#ready.delete(key)) this.#sorted = undefined
    this.#backoff.reset(key)
  }

  /** The pod was refused by these plugins: it waits for a change that could help, at least its back-off. */
  setAside(info: PodInfo, plugins: ReadonlySet<string>): void {
    if (this.#closed) return
    this.#setAside.set(info.key, {
      info,
      since: this.#clock.now(),
      order: this.#order++,
      plugins,
      at: this.#clock.monotonic(),
    })
  }

  /** Something went wrong that is not the pod's fault: it comes back after its back-off. */
  retry(info: PodInfo): void {
    this.#backOff({ info, since: this.#clock.now(), order: this.#order++ })
  }

  /** Brings back the pods that the change could help. */
  changed(change: ClusterChange): void {
    for (const [key, aside] of this.#setAside) {
      const helped =
        aside.plugins.size === 0 ||
        [...aside.plugins].some((name) => this.#plugins.get(name)?.worthRetrying?.(aside.info, change) ?? true)
      if (!helped) continue
      this.#setAside.delete(key)
      this.#backOff(aside)
    }
  }

  /** The next pod by priority, then by age. undefined when the queue is closed. */
  async pop(): Promise<PodInfo | undefined> {
    for (;;) {
      if (this.#closed) return undefined
      const next = this.#first()
      if (next) return next
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  close(): void {
    this.#closed = true
    this.#sweep.cancel()
    for (const { timer } of this.#backingOff.values()) timer.cancel()
    this.#backingOff.clear()
    this.#wake?.()
  }

  #first(): PodInfo | undefined {
    if (!this.#sorted) {
      this.#sorted = [...this.#ready.values()].sort(
        (a, b) => priorityOf(b) - priorityOf(a) || a.since - b.since || a.order - b.order,
      )
      this.#next = 0
    }
    const next = this.#sorted[this.#next++]
    if (!next) {
      this.#sorted = undefined
      return undefined
    }
    this.#ready.delete(next.info.key)
    return next.info
  }

  #enqueue(waiting: Waiting): void {
    if (this.#closed) return
    this.#ready.set(waiting.info.key, waiting)
    // A pod of ordinary priority that is younger than all others goes to the end of a list that is sorted already.
    const last = this.#sorted?.at(-1)
    if (this.#sorted && last && priorityOf(last) >= priorityOf(waiting) && last.since <= waiting.since)
      this.#sorted.push(waiting)
    else this.#sorted = undefined
    this.#wake?.()
  }

  #backOff(waiting: Waiting): void {
    if (this.#closed) return
    const { key } = waiting.info
    const timer = this.#clock.after(this.#backoff.next(key), () => {
      this.#backingOff.delete(key)
      this.#enqueue(waiting)
    })
    this.#backingOff.set(key, { waiting, timer })
  }

  #take(key: string): Waiting | undefined {
    const aside = this.#setAside.get(key)
    this.#setAside.delete(key)
    const backing = this.#backingOff.get(key)
    backing?.timer.cancel()
    this.#backingOff.delete(key)
    return aside ?? backing?.waiting
  }

  #armSweep(): Timer {
    return this.#clock.after(FORGOTTEN_MS / 10, () => {
      const now = this.#clock.monotonic()
      for (const [key, aside] of this.#setAside) {
        if (now - aside.at < FORGOTTEN_MS) continue
        this.#setAside.delete(key)
        this.#enqueue(aside)
      }
      this.#sweep = this.#armSweep()
    })
  }
}

const priorityOf = ({ info }: Waiting): number => info.pod.spec.priority ?? 0
