// One watch that has caught up: what its consumer has not taken yet waits here, up to a limit.

import { SlowWatcherError } from './errors.ts'
import type { Change, StoreLimits, WatchBatch } from './store.ts'

export type BacklogLimits = Pick<StoreLimits, 'watchBacklogChanges' | 'watchBacklogBytes'>

export class Watcher {
  readonly prefix: string
  readonly #limits: BacklogLimits
  #changes: Change[] = []
  #bytes = 0
  #seen: number
  #failure: Error | undefined
  #announce = false
  #wake: (() => void) | undefined

  /** `seen`: the revision up to which the consumer has everything. */
  constructor(prefix: string, seen: number, limits: BacklogLimits) {
    this.prefix = prefix
    this.#seen = seen
    this.#limits = limits
  }

  /** Changes in order; those that the consumer has seen already are dropped. */
  offer(changes: readonly Change[], revision: number): void {
    if (this.#failure) return
    const before = this.#changes.length
    for (const change of changes) {
      if (change.revision <= this.#seen || !change.key.startsWith(this.prefix)) continue
      this.#changes.push(change)
      this.#bytes += (change.value?.length ?? 0) + (change.previous?.value.length ?? 0)
    }
    this.#seen = Math.max(this.#seen, revision)
    const { watchBacklogChanges, watchBacklogBytes } = this.#limits
    if (this.#changes.length > watchBacklogChanges) {
      this.fail(new SlowWatcherError(this.prefix, `${watchBacklogChanges} changes`))
    } else if (this.#bytes > watchBacklogBytes) {
      this.fail(new SlowWatcherError(this.prefix, `${watchBacklogBytes} bytes`))
    } else if (this.#changes.length > before) this.#wake?.()
  }

  announce(): void {
    this.#announce = true
    this.#wake?.()
  }

  fail(error: Error): void {
    this.#failure ??= error
    this.#changes = []
    this.#wake?.()
  }

  /** Yields what arrives until the signal is aborted or the watch fails. */
  async *follow(signal: AbortSignal): AsyncGenerator<WatchBatch, void, void> {
    const wake = (): void => this.#wake?.()
    signal.addEventListener('abort', wake)
    try {
      while (true) {
        signal.throwIfAborted()
        const batch = this.#take()
        if (batch === undefined) await this.#arrival()
        else yield batch
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /** What has arrived; undefined when nothing has. */
  #take(): WatchBatch | undefined {
    if (this.#failure) throw this.#failure
    if (this.#changes.length === 0 && !this.#announce) return undefined
    const batch = { changes: this.#changes, revision: this.#seen }
    this.#changes = []
    this.#bytes = 0
    this.#announce = false
    return batch
  }

  /** Resolves when there may be something to take. */
  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
