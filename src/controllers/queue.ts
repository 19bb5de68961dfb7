// A queue of keys: each key waits at most once, is worked on by one worker at a time, and comes back later when work on it failed.

import type { Clock, Timer } from '../base/clock.ts'
import { Backoff } from '../base/backoff.ts'

/** Upstream's per-item limits: 5 ms doubling to 1000 s. */
const BACKOFF = { minMs: 5, maxMs: 1000_000 }

export class WorkQueue {
  readonly #clock: Clock
  readonly #backoff = new Backoff(BACKOFF)
  #ready: string[] = []
  readonly #waiting = new Set<string>()
  readonly #active = new Set<string>()
  /** Keys that changed while they were being worked on. */
  readonly #again = new Set<string>()
  readonly #timers = new Map<string, { at: number; timer: Timer }>()
  #takers: ((key: string | undefined) => void)[] = []
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get length(): number {
    return this.#waiting.size
  }

  /** Nothing waits and nothing is being worked on; keys that wait for a time do not count. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#active.size === 0
  }

  add(key: string): void {
    if (this.#closed || this.#waiting.has(key)) return
    if (this.#active.has(key)) {
      this.#again.add(key)
      return
    }
    const taker = this.#takers.shift()
    if (taker) {
      this.#active.add(key)
      taker(key)
      return
    }
    this.#waiting.add(key)
    this.#ready.push(key)
  }

  /** Adds the key after `ms`; of several waits the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return
    if (ms <= 0) {
      this.add(key)
      return
    }
    const at = this.#clock.monotonic() + ms
    const known = this.#timers.get(key)
    if (known && known.at <= at) return
    known?.timer.cancel()
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(key)
      this.add(key)
    })
    this.#timers.set(key, { at, timer })
  }

  /** Adds the key after a delay that grows with every failure in a row. */
  addLater(key: string): void {
    this.addAfter(key, this.#backoff.next(key))
  }

  /** Work on the key succeeded: its next failure waits briefly again. */
  forget(key: string): void {
    this.#backoff.reset(key)
  }

  /** The next key, when there is one; undefined when the queue is closed. Call `done` when finished with it. */
  take(): Promise<string | undefined> {
    const key = this.#ready.shift()
    if (key !== undefined) {
      this.#waiting.delete(key)
      this.#active.add(key)
      return Promise.resolve(key)
    }
    if (this.#closed) return Promise.resolve(undefined)
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  done(key: string): void {
    this.#active.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#ready = []
    this.#waiting.clear()
    for (const taker of this.#takers) taker(undefined)
    this.#takers = []
  }
}
