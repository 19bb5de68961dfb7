// The loop of what keeps a part of the kernel equal to something watched: gather changes, apply, retry, look for drift.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { errorText } from '../base/log.ts'

export interface ApplyLoopOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Nothing is applied before: half of what is known would take away what the other half needs. */
  readonly synced: Promise<unknown>
  /** Makes the kernel what it should be. Never runs twice at once. What it throws is logged and tried again. */
  apply(signal: AbortSignal): Promise<void>
  /** Says what in the kernel is no longer as it was applied; anything makes `apply` run. Asked now and then. */
  drift?(signal: AbortSignal): Promise<readonly string[]>
}

export interface ApplyLoop extends AsyncDisposable {
  /** Resolves after the first success. */
  readonly ready: Promise<void>
  /** Asks for a round; rounds asked for together are one. */
  changed(): void
  /** Resolves when what is known at the call is in the kernel, or the loop has stopped. */
  settled(): Promise<void>
}

/** Changes that come together, as in a rollout, are written together. */
const GATHER_MS = 20
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 30_000
const DRIFT_CHECK_MS = 60_000
const DRIFT_LINES_LOGGED = 10

export function startApplyLoop(options: ApplyLoopOptions): ApplyLoop {
  return new Loop(options)
}

class Loop implements ApplyLoop {
  readonly ready: Promise<void>
  readonly #options: ApplyLoopOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #isDirty = true
  #wake: () => void = () => {}
  #waiters: (() => void)[] = []
  #markReady: () => void = () => {}

  constructor(options: ApplyLoopOptions) {
    this.#options = options
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve
    })
    this.#running = this.#run()
  }

  changed(): void {
    this.#isDirty = true
    this.#wake()
  }

  settled(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.changed()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const signal = this.#stop.signal
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([this.#options.synced, stopped])
    let retryMs = RETRY_MIN_MS
    while (!signal.aborted) {
      if (this.#isDirty) {
        retryMs = (await this.#round(signal)) ? RETRY_MIN_MS : await this.#backOff(retryMs)
        continue
      }
      const { drift } = this.#options
      const woken = await this.#pause(drift === undefined ? undefined : DRIFT_CHECK_MS)
      if (woken) await this.#hold(GATHER_MS)
      else await this.#checkDrift(signal)
    }
    // Nobody waits for a loop that is gone.
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  /** Whether it worked. */
  async #round(signal: AbortSignal): Promise<boolean> {
    this.#isDirty = false
    const waiters = this.#waiters.splice(0)
    try {
      await this.#options.apply(signal)
      this.#markReady()
      for (const resolve of waiters) resolve()
      return true
    } catch (error) {
      this.#waiters.push(...waiters)
      this.#isDirty = true
      if (!signal.aborted) this.#options.log.error('Could not apply network state', { error: errorText(error) })
      return false
    }
  }

  async #backOff(retryMs: number): Promise<number> {
    await this.#hold(retryMs)
    return Math.min(retryMs * 2, RETRY_MAX_MS)
  }

  async #checkDrift(signal: AbortSignal): Promise<void> {
    const { drift, log } = this.#options
    try {
      const lines = (await drift?.(signal)) ?? []
      if (lines.length === 0 || signal.aborted) return
      log.warn('Found network state changed by somebody else', { drift: lines.slice(0, DRIFT_LINES_LOGGED) })
      this.#isDirty = true
    } catch (error) {
      if (!signal.aborted) log.warn('Could not read network state back', { error: errorText(error) })
    }
  }

  /** Waits until something changes (true) or the time is over (false). */
  #pause(ms: number | undefined): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = ms === undefined ? undefined : this.#options.clock.after(ms, () => resolve(false))
    const signal = this.#stop.signal
    const wake = (): void => {
      timer?.cancel()
      signal.removeEventListener('abort', wake)
      resolve(true)
    }
    this.#wake = wake
    signal.addEventListener('abort', wake, { once: true })
    if (this.#isDirty || signal.aborted) wake()
    return promise
  }

  /** Waits whatever changes, unless it is to stop. */
  #hold(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const signal = this.#stop.signal
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = this.#options.clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    return promise
  }
}
