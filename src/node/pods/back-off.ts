// How long to wait before something that failed is tried again: doubling, and forgotten after a good while.

import type { Clock } from '../../base/clock.ts'

export const BACK_OFF_MIN_MS = 10_000
export const BACK_OFF_MAX_MS = 300_000
/** Keys remembered; the oldest go first. */
const MAX_KEYS = 10_000

interface Entry {
  waitMs: number
  lastUpdate: number
  reason: string
}

export class BackOff {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds left to wait, counted from `since` (default: the last failure). */
  remaining(key: string, since?: number): number {
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#expired(entry)) return 0
    return Math.max(0, entry.waitMs - (this.#clock.now() - (since ?? entry.lastUpdate)))
  }

  /** The wait that is in force. */
  waitMs(key: string): number {
    return this.#entries.get(key)?.waitMs ?? 0
  }

  reason(key: string): string {
    return this.#entries.get(key)?.reason ?? ''
  }

  /** One more failure: the next wait is twice as long, up to the most. */
  fail(key: string, reason = ''): void {
    const entry = this.#entries.get(key)
    const waitMs =
      entry === undefined || this.#expired(entry) ? BACK_OFF_MIN_MS : Math.min(entry.waitMs * 2, BACK_OFF_MAX_MS)
    this.#entries.delete(key)
    this.#entries.set(key, { waitMs, lastUpdate: this.#clock.now(), reason })
    const oldest = this.#entries.keys().next().value
    if (this.#entries.size > MAX_KEYS && oldest !== undefined) this.#entries.delete(oldest)
  }

  reset(key: string): void {
    this.#entries.delete(key)
  }

  forgetAll(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }

  /** Twice the longest wait without a failure, and all is forgiven. */
  #expired(entry: Entry): boolean {
    return this.#clock.now() - entry.lastUpdate > 2 * BACK_OFF_MAX_MS
  }
}

/** As Go writes durations: `10s`, `1m20s`, `5m0s`, `1.234s`, `45ms`. */
export function durationText(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0s' : `${Math.round(ms * 1000)}µs`
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms) / 1000
  const minutes = Math.floor(seconds / 60)
  const rest = `${Number((seconds % 60).toFixed(3))}s`
  if (minutes === 0) return rest
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${rest}` : `${hours}h${minutes % 60}m${rest}`
}
