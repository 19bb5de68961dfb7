// The embedded store: the contract over one process's ordered tables. Engines differ only in where the tables are.

import { StoreClosedError } from '../errors.ts'
import { prefixBytes } from '../keys.ts'
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
import { DEFAULT_LIMITS, DEFAULT_WATCH_WINDOW, NO_HISTORY } from '../store.ts'
import { checkWrite } from '../write-rules.ts'
import { Commits } from './commits.ts'
import { Expirer } from './expirer.ts'
import { purge } from './purge.ts'
import { Reads } from './reads.ts'
import { decodeState, STATE_KEY } from './records.ts'
import { Sweeper } from './sweeper.ts'
import type { Tables } from './tables.ts'
import { Watchers } from './watchers.ts'

/** Takes ownership of the tables: disposing the store disposes them. */
export function openLedger(tables: Tables, options: StoreOptions): Store {
  return new Ledger(tables, options)
}

class Ledger implements Store {
  readonly #tables: Tables
  readonly #commits: Commits
  readonly #reads: Reads
  readonly #watchers: Watchers
  readonly #sweeper: Sweeper
  readonly #expirer: Expirer
  #closing: Promise<void> | undefined

  constructor(tables: Tables, { clock, log, retention, watchWindow, limits }: StoreOptions) {
    const { waitingWrites, ...backlog } = { ...DEFAULT_LIMITS, ...limits }
    this.#tables = tables
    this.#commits = new Commits({
      tables,
      clock,
      state: decodeState(tables.get('meta', STATE_KEY)),
      waitingWrites,
      onCommit: (batch) => {
        if (batch.changes.length === 0) return
        this.#watchers.publish(batch.changes, batch.revision)
        this.#expirer.notice(batch.earliestExpiryMs)
        this.#sweeper.notice()
      },
    })
    const commits = this.#commits
    this.#reads = new Reads(tables, () => commits.state)
    this.#watchers = new Watchers(this.#reads, backlog)
    this.#expirer = new Expirer({ tables, commits, clock, log })
    this.#sweeper = new Sweeper({
      tables,
      commits,
      clock,
      log,
      window: watchWindow ?? DEFAULT_WATCH_WINDOW,
      retention: retention ?? (() => NO_HISTORY),
    })
    this.#expirer.start()
    this.#sweeper.start()
  }

  get revision(): number {
    return this.#commits.state.revision
  }

  get compacted(): number {
    return this.#commits.state.compacted
  }

  newest(): number {
    this.#refuseClosed()
    return this.revision
  }

  async get(key: string, options?: { revision?: number }): Promise<Entry | undefined> {
    this.#refuseClosed()
    return this.#reads.get(key, options?.revision)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#refuseClosed()
    return this.#reads.list(prefix, options)
  }

  async write(write: Write): Promise<WriteResult> {
    this.#refuseClosed()
    const key = checkWrite(write)
    return await this.#commits.submit((batch) => batch.write(write, key), write.value?.length)
  }

  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch> {
    prefixBytes(prefix)
    return this.#watchers.watch(prefix, options)
  }

  requestProgress(): void {
    this.#watchers.announce()
  }

  async history(target: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#refuseClosed()
    return this.#reads.history(target, options)
  }

  async purge(target: string): Promise<void> {
    this.#refuseClosed()
    await purge(target, { tables: this.#tables, commits: this.#commits })
  }

  async compact(revision: number): Promise<void> {
    this.#refuseClosed()
    await this.#sweeper.compact(revision)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#watchers.close()
    await this.#commits.close()
    await this.#expirer.close()
    await this.#sweeper.close()
    await this.#tables[Symbol.asyncDispose]()
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new StoreClosedError()
  }
}
