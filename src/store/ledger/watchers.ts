// Watches: first the log from where the watcher left off, then every commit as it becomes durable, without a gap between the two.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { CompactedError, FutureRevisionError, SlowWatcherError, StoreClosedError } from '../errors.ts'
import type { Change, StoreLimits, WatchBatch, WatchOptions } from '../store.ts'
import type { Reads } from './reads.ts'

/** How much of the log a watcher that catches up reads at a time. */
const CATCH_UP_ROWS = 500

type BacklogLimits = Pick<StoreLimits, 'watchBacklogChanges' | 'watchBacklogBytes'>

/** A watch that has caught up: what it has not consumed yet waits here. */
class Watcher {
  readonly prefix: string
  readonly #limits: BacklogLimits
  #changes: Change[] = []
  #bytes = 0
  #seen: number
  #failure: Error | undefined
  #announce = false
  #wake: (() => void) | undefined

  constructor(prefix: string, seen: number, limits: BacklogLimits) {
    this.prefix = prefix
    this.#seen = seen
    this.#limits = limits
  }

  offer(changes: readonly Change[], revision: number): void {
    if (this.#failure) return
    const before = this.#changes.length
    for (const change of changes) {
      if (!change.key.startsWith(this.prefix)) continue
      this.#changes.push(change)
      this.#bytes += (change.value?.length ?? 0) + (change.previous?.value.length ?? 0)
    }
    this.#seen = revision
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

  readonly wake = (): void => this.#wake?.()

  /** What has arrived; undefined when nothing has. */
  take(): WatchBatch | undefined {
    if (this.#failure) throw this.#failure
    if (this.#changes.length === 0 && !this.#announce) return undefined
    const batch = { changes: this.#changes, revision: this.#seen }
    this.#changes = []
    this.#bytes = 0
    this.#announce = false
    return batch
  }

  /** Resolves when there may be something to take. */
  arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

export class Watchers {
  readonly #reads: Reads
  readonly #limits: BacklogLimits
  readonly #live = new Set<Watcher>()
  #closed = false

  constructor(reads: Reads, limits: BacklogLimits) {
    this.#reads = reads
    this.#limits = limits
  }

  publish(changes: readonly Change[], revision: number): void {
    for (const watcher of this.#live) watcher.offer(changes, revision)
  }

  announce(): void {
    for (const watcher of this.#live) watcher.announce()
  }

  close(): void {
    this.#closed = true
    for (const watcher of this.#live) watcher.fail(new StoreClosedError())
  }

  async *watch(prefix: string, { after, signal }: WatchOptions): AsyncGenerator<WatchBatch, void, void> {
    signal.throwIfAborted()
    if (after > this.#reads.state.revision) throw new FutureRevisionError(after, this.#reads.state.revision)
    yield* this.#catchUp(prefix, { after, signal })
  }

  async *#catchUp(prefix: string, { after, signal }: WatchOptions): AsyncGenerator<WatchBatch, void, void> {
    let seen = after
    let told = after
    while (true) {
      signal.throwIfAborted()
      if (this.#closed) throw new StoreClosedError()
      const { revision, compacted } = this.#reads.state
      if (seen < compacted) throw new CompactedError(seen, compacted)
      // No await between this look at the revision and joining: nothing falls between the log and the live changes.
      if (seen >= revision) break
      const batch = this.#reads.changesAfter(prefix, seen, CATCH_UP_ROWS)
      seen = batch.revision
      if (batch.changes.length === 0) {
        await nextTurn()
        continue
      }
      yield batch
      told = seen
    }
    const watcher = new Watcher(prefix, seen, this.#limits)
    // What was read last held nothing for this prefix: say how far it went.
    if (seen > told) watcher.announce()
    yield* this.#follow(watcher, signal)
  }

  async *#follow(watcher: Watcher, signal: AbortSignal): AsyncGenerator<WatchBatch, void, void> {
    this.#live.add(watcher)
    signal.addEventListener('abort', watcher.wake)
    try {
      while (true) {
        signal.throwIfAborted()
        const batch = watcher.take()
        if (batch === undefined) await watcher.arrival()
        else yield batch
      }
    } finally {
      signal.removeEventListener('abort', watcher.wake)
      this.#live.delete(watcher)
    }
  }
}
