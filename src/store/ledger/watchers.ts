// Watches: first the log from where the watcher left off, then every commit as it becomes durable, without a gap between the two.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { CompactedError, FutureRevisionError, StoreClosedError } from '../errors.ts'
import type { Change, WatchBatch, WatchOptions } from '../store.ts'
import { type BacklogLimits, Watcher } from '../watcher.ts'
import type { Reads } from './reads.ts'

/** How much of the log a watcher that catches up reads at a time. */
const CATCH_UP_ROWS = 500

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
    try {
      yield* watcher.follow(signal)
    } finally {
      this.#live.delete(watcher)
    }
  }
}
