// The engine for many servers: the store in an etcd cluster, which several API servers share.

import { type Clock, sleep } from '../../base/clock.ts'
import { CompactedError, FutureRevisionError, StoreClosedError } from '../errors.ts'
import { isPrefix, keyBytes, prefixBytes } from '../keys.ts'
import type {
  Entry,
  HistoryOptions,
  HistoryPage,
  ListOptions,
  ListResult,
  Store,
  StoreOptions,
  WatchBatch,
  WatchOptions,
  Write,
  WriteResult,
} from '../store.ts'
import { DEFAULT_LIMITS, DEFAULT_WATCH_WINDOW } from '../store.ts'
import { type BacklogLimits, Watcher } from '../watcher.ts'
import { checkWrite } from '../write-rules.ts'
import { Coalesced } from './coalesced.ts'
import { Compactor } from './compactor.ts'
import { Connection, type EtcdTls } from './connection.ts'
import { isFailure } from './etcd-error.ts'
import { Feed, NUDGE_MS } from './feed.ts'
import { Layout } from './layout.ts'
import { TXN } from './methods.ts'
import { Known, Reads } from './reads.ts'
import { Writes } from './writes.ts'

export { type EtcdTls, parseEndpoints } from './connection.ts'

export interface EtcdStoreOptions extends StoreOptions {
  /** `https://host:port` of the cluster's members. */
  endpoints: readonly string[]
  /** Below which keys; several clusters may share one etcd. */
  prefix: string
  tls?: EtcdTls
}

const NOTHING = Buffer.alloc(0)
/** Between two tries of a watch that catches up. */
const RETRY_MS = 100

/** Throws `EtcdError` when no endpoint answers. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const { endpoints, tls, clock, log, prefix } = options
  const connection = new Connection({ endpoints, clock, log, ...(tls ? { tls } : {}) })
  const layout = new Layout(prefix)
  const known = new Known()
  try {
    // The feed asks for an event when its end is waited for; reads of the log wait for the same end.
    const parts: { feed?: Feed } = {}
    const lateTail = () => clock.after(NUDGE_MS, () => parts.feed?.nudge())
    const closed = new AbortController()
    const reads = new Reads({ connection, layout, known, lateTail, closed: closed.signal })
    const revision = await reads.newest()
    await reads.learnFloor()
    parts.feed = new Feed({
      connection,
      layout,
      clock,
      log,
      revision,
      onProgress: (reached) => known.reach(reached),
      onCompacted: (floor) => known.compact(floor),
      nudge: async () => {
        const put = { put: { key: layout.progress, value: NOTHING } }
        await connection.call(TXN, { success: [put] }, true)
      },
    })
    return new EtcdStore(options, { connection, layout, known, reads, feed: parts.feed, closed })
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

interface Parts {
  readonly connection: Connection
  readonly layout: Layout
  readonly known: Known
  readonly reads: Reads
  readonly feed: Feed
  readonly closed: AbortController
}

class EtcdStore implements Store {
  readonly #parts: Parts
  readonly #writes: Writes
  readonly #compactor: Compactor
  readonly #backlog: BacklogLimits
  readonly #clock: Clock
  readonly #progress: Coalesced<void>
  /** Counts requests for progress, so that a watch that was catching up meanwhile answers too. */
  #asked = 0
  #closing: Promise<void> | undefined

  constructor({ clock, log, prefix, watchWindow, limits }: EtcdStoreOptions, parts: Parts) {
    const { waitingWrites, ...backlog } = { ...DEFAULT_LIMITS, ...limits }
    this.#parts = parts
    this.#backlog = backlog
    this.#clock = clock
    this.#writes = new Writes({ ...parts, clock, waitingWrites })
    this.#compactor = new Compactor({ ...parts, prefix, clock, log, window: watchWindow ?? DEFAULT_WATCH_WINDOW })
    this.#progress = new Coalesced(async () => {
      try {
        await parts.feed.reached(await parts.reads.newest())
        parts.feed.announce()
      } catch (error) {
        if (this.#closing === undefined) log.warn('Could not learn how far etcd is', { error })
      }
    })
  }

  get revision(): number {
    return this.#parts.known.revision
  }

  get compacted(): number {
    return this.#parts.known.compacted
  }

  async newest(): Promise<number> {
    this.#refuseClosed()
    return this.#parts.reads.newest()
  }

  async get(key: string, options?: { revision?: number }): Promise<Entry | undefined> {
    this.#refuseClosed()
    return this.#parts.reads.get(key, options?.revision)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#refuseClosed()
    return this.#parts.reads.list(prefix, options)
  }

  async write(write: Write): Promise<WriteResult> {
    this.#refuseClosed()
    checkWrite(write)
    return this.#writes.write(write)
  }

  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch> {
    prefixBytes(prefix)
    return this.#watch(prefix, options)
  }

  requestProgress(): void {
    this.#asked++
    if (this.#closing === undefined) void this.#progress.get()
  }

  async history(target: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#refuseClosed()
    try {
      return await this.#parts.reads.history(target, options)
    } catch (error) {
      // The floor rose meanwhile; now it is known.
      if (!(error instanceof CompactedError)) throw error
      return await this.#parts.reads.history(target, options)
    }
  }

  async purge(target: string): Promise<void> {
    this.#refuseClosed()
    if (!isPrefix(target)) keyBytes(target)
    await this.#compactor.compact(await this.newest(), true)
  }

  async compact(revision: number): Promise<void> {
    this.#refuseClosed()
    if (revision <= this.compacted) return
    if (revision > this.revision) await this.newest()
    if (revision > this.revision) throw new FutureRevisionError(revision, this.revision)
    await this.#compactor.compact(revision, false)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async *#watch(prefix: string, { after, signal }: WatchOptions): AsyncGenerator<WatchBatch, void, void> {
    signal.throwIfAborted()
    this.#refuseClosed()
    const { feed, reads } = this.#parts
    const asked = this.#asked
    // Without an await where nothing has to be asked: a watch of the present misses nothing that comes after this call.
    if (after > this.revision || after < this.compacted) await reads.refuse(after)
    const position = { seen: after, told: after, target: this.revision }
    while (position.seen < Math.max(position.target, feed.revision)) yield* this.#catchUp(prefix, position, signal)
    this.#refuseClosed()
    const { seen, told } = position
    const watcher = new Watcher(prefix, seen, this.#backlog)
    if (seen > told || this.#asked > asked) watcher.announce()
    yield* feed.follow(watcher, signal)
  }

  /** Follows the log until it has reached what was known at the start and the feed, or until the way to etcd breaks. */
  async *#catchUp(
    prefix: string,
    position: { seen: number; told: number; target: number },
    signal: AbortSignal,
  ): AsyncGenerator<WatchBatch, void, void> {
    const { feed, reads } = this.#parts
    try {
      for await (const { changes: all, revision } of reads.tail(position.seen, signal)) {
        if (position.seen < this.compacted) throw new CompactedError(position.seen, this.compacted)
        position.seen = revision
        const changes = all.filter(({ key }) => key.startsWith(prefix))
        if (changes.length > 0) {
          position.told = revision
          yield { changes, revision }
        }
        // No await between this look at the feed and joining it.
        if (position.seen >= Math.max(position.target, feed.revision)) return
      }
    } catch (error) {
      if (!isFailure(error, 'unreachable', 'never-sent')) throw error
      await sleep(this.#clock, RETRY_MS, signal)
    }
  }

  async #close(): Promise<void> {
    const { connection, feed, closed } = this.#parts
    await this.#writes.settled()
    closed.abort(new StoreClosedError())
    await feed[Symbol.asyncDispose]()
    await this.#compactor[Symbol.asyncDispose]()
    await connection[Symbol.asyncDispose]()
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new StoreClosedError()
  }
}
