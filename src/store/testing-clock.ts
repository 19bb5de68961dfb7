// A clock for the store's tests: it stands still until it is told to advance.

import type { Clock, Timer } from '../base/clock.ts'

export class ManualClock implements Clock {
  #now: number
  #timers: { due: number; fire: () => void }[] = []

  constructor(now = Date.parse('2030-01-01T12:00:00Z')) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(ms: number, fire: () => void): Timer {
    const timer = { due: this.#now + ms, fire }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  /** Fires what becomes due, in order; each timer sees the time it was set for. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (true) {
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = Math.max(this.#now, next.due)
      next.fire()
    }
    this.#now = end
  }
}
