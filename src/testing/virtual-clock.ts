// Virtual time for tests: timers fire when the test says that time has passed, in order, with everything they set off in between.

import type { Clock, Timer } from '../base/clock.ts'

interface Pending {
  at: number
  order: number
  fire: () => void
}

export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #start: number
  readonly #pending = new Set<Pending>()

  constructor(now: string | number = '2030-01-01T12:00:00Z') {
    this.#now = typeof now === 'number' ? now : Date.parse(now)
    this.#start = this.#now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#start
  }

  after(ms: number, fire: () => void): Timer {
    const pending: Pending = { at: this.#now + Math.max(0, ms), order: this.#order++, fire }
    this.#pending.add(pending)
    return { cancel: () => this.#pending.delete(pending) }
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#pending.size
  }

  /** Lets `ms` pass: fires what is due in order, and lets the work that each timer sets off come to rest before the next. */
  async advance(ms: number): Promise<void> {
    const goal = this.#now + ms
    await settle()
    for (;;) {
      const next = this.#next(goal)
      if (!next) break
      this.#pending.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fire()
      await settle()
    }
    this.#now = goal
    await settle()
  }

  #next(goal: number): Pending | undefined {
    let first: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.at > goal) continue
      if (!first || pending.at < first.at || (pending.at === first.at && pending.order < first.order)) first = pending
    }
    return first
  }
}

/** Rounds of the event loop after which work in memory that no timer holds up has come to rest. */
const ROUNDS = 24

/** Lets promises and immediates run. No real time passes: this is order, not delay. */
export async function settle(rounds = ROUNDS): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve))
}
