// Time as a parameter: the wall clock, a monotonic clock and timers behind one interface, so that a whole cluster can run in virtual time.

/** A pending timer. `cancel` is idempotent and safe after it fired. */
export interface Timer {
  cancel(): void
}

/** The only source of time for everything outside `base/` and `cmd/`. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump (NTP); never measure durations with it. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls `fire` once after `ms` milliseconds. A timer never keeps a process alive by itself unless `keepAlive` is set. */
  after(ms: number, fire: () => void, options?: { keepAlive?: boolean }): Timer
}

/** The largest delay a JavaScript timer honours; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire, options) {
    const deadline = performance.now() + ms
    let handle: NodeJS.Timeout
    const arm = (): void => {
      const left = deadline - performance.now()
      handle = setTimeout(() => (left > MAX_TIMER_MS ? arm() : fire()), Math.min(Math.max(left, 0), MAX_TIMER_MS))
      if (!options?.keepAlive) handle.unref()
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(
      ms,
      () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      },
      { keepAlive: true },
    )
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** RFC 3339 with second precision, the form of `metav1.Time`: `2030-01-01T12:00:00Z`. */
export function rfc3339(ms: number): string {
  const second = Math.floor(ms / 1000)
  // Most times that are written are now: formatting is only done when the second changes.
  if (second !== formatted.second) {
    formatted.second = second
    formatted.text = `${new Date(ms).toISOString().slice(0, 19)}Z`
  }
  return formatted.text
}

const formatted = { second: Number.NaN, text: '' }

/** RFC 3339 with microseconds, the form of `metav1.MicroTime`: `2030-01-01T12:00:00.000000Z`. */
export function rfc3339Micro(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`
}
