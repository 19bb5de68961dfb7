// The live end of etcd's log: one watch for the whole process, kept up across failures, from which every watch of the store is fed.

import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { Backoff } from '../../base/backoff.ts'
import { CompactedError, StoreClosedError } from '../errors.ts'
import type { WatchBatch } from '../store.ts'
import type { Watcher } from '../watcher.ts'
import type { Connection } from './connection.ts'
import type { Layout } from './layout.ts'
import { tail, TailCompacted } from './tail.ts'

const RETRY_MS = { minMs: 20, maxMs: 1_000 }
/** Whoever waits for a revision that does not come gives the log an event of our own after this time: the revision was another user's of the same etcd. */
export const NUDGE_MS = 50

export interface FeedOptions {
  readonly connection: Connection
  readonly layout: Layout
  readonly clock: Clock
  readonly log: Logger
  /** Where the log is known to end when the feed starts. */
  readonly revision: number
  /** Called before the watchers hear of it. */
  onProgress(revision: number): void
  /** The floor was found to be here. */
  onCompacted(revision: number): void
  /** Writes the key of progress. */
  nudge(): Promise<void>
}

export class Feed implements AsyncDisposable {
  readonly #options: FeedOptions
  readonly #live = new Set<Watcher>()
  readonly #stop = new AbortController()
  readonly #backoff = new Backoff(RETRY_MS)
  #waiters: { revision: number; resolve: () => void; reject: (error: Error) => void }[] = []
  #revision: number
  #nudging = false
  readonly #running: Promise<void>

  constructor(options: FeedOptions) {
    this.#options = options
    this.#revision = options.revision
    this.#running = this.#run()
  }

  /** Every watcher has been given everything up to here. */
  get revision(): number {
    return this.#revision
  }

  get closed(): boolean {
    return this.#stop.signal.aborted
  }

  /** Feeds the watcher until it ends. */
  async *follow(watcher: Watcher, signal: AbortSignal): AsyncGenerator<WatchBatch, void, void> {
    this.#live.add(watcher)
    try {
      yield* watcher.follow(signal)
    } finally {
      this.#live.delete(watcher)
    }
  }

  /** Every watcher says how far it is, even when it has nothing to tell. */
  announce(): void {
    for (const watcher of this.#live) watcher.announce()
  }

  /** Resolves when the feed has reached `revision`. */
  async reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return
    if (this.closed) throw new StoreClosedError()
    const timer = this.#options.clock.after(NUDGE_MS, () => this.nudge())
    try {
      await new Promise<void>((resolve, reject) => this.#waiters.push({ revision, resolve, reject }))
    } finally {
      timer.cancel()
    }
  }

  /** Puts an event of our own at the end of the log. */
  nudge(): void {
    if (this.#nudging || this.closed) return
    this.#nudging = true
    const { nudge, log } = this.#options
    nudge()
      .catch((error: unknown) => log.debug('Could not ask etcd for progress', { error }))
      .finally(() => {
        this.#nudging = false
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new StoreClosedError()
    this.#stop.abort(closed)
    for (const watcher of this.#live) watcher.fail(closed)
    for (const { reject } of this.#waiters.splice(0)) reject(closed)
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        for await (const batch of tail({ ...this.#options, after: this.#revision, signal })) this.#publish(batch)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof TailCompacted) this.#lost(error.compacted)
        else log.warn('Lost the watch of etcd', { error })
        await sleep(clock, this.#backoff.next(''), signal).catch(() => {})
      }
    }
  }

  #publish({ changes, revision }: WatchBatch): void {
    this.#backoff.reset('')
    if (revision <= this.#revision) return
    this.#revision = revision
    this.#options.onProgress(revision)
    for (const watcher of this.#live) watcher.offer(changes, revision)
    const ready = this.#waiters.filter((waiter) => waiter.revision <= revision)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision)
    for (const { resolve } of ready) resolve()
  }

  /** We were away for longer than the log is kept: whoever follows has missed something. */
  #lost(compacted: number): void {
    const error = new CompactedError(this.#revision, compacted)
    this.#options.onCompacted(compacted)
    this.#options.log.warn('Fell behind the log of etcd', { error })
    for (const watcher of this.#live) watcher.fail(error)
    this.#revision = Math.max(this.#revision, compacted)
  }
}
