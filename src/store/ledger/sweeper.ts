// What leaves the store: the floor follows the watch window, and superseded versions go when their retention ends, in bounded steps.

import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { FutureRevisionError, StoreClosedError } from '../errors.ts'
import type { Retention, WatchWindow } from '../store.ts'
import type { Batch } from './batch.ts'
import type { Commits } from './commits.ts'
import { splitVersionKey, uint64, uint64At, versionKey } from './keys.ts'
import type { LogHeader } from './records.ts'
import { decodeLogHeader, decodeVersion, loggedBytesOf } from './records.ts'
import type { Row, Tables } from './tables.ts'

/** The most log rows that one step looks at in each of its parts. */
const STEP_ROWS = 500
/** Between two steps while there is more to do, so that writes go first. */
const STEP_PAUSE_MS = 20
/** How often at most the window moves. */
const SHORTEST_REST_MS = 1_000
const RETRY_MS = 5_000
/** The window is moved by count only when it is too large by this part, so that it does not move with every write. */
const COUNT_SLACK = 0.05

export interface SweeperOptions {
  tables: Tables
  commits: Commits
  clock: Clock
  log: Logger
  window: WatchWindow
  retention: (key: string) => Retention
}

/** How far the log has been worked through. Not stored: after a restart the retained log is walked once more, which drops nothing twice. */
interface Progress {
  /** Everything up to here has left the window, and its key's rule was looked at. */
  readonly swept: number
  /** Per maximum age: up to here, what these rules no longer keep is gone. */
  readonly aged: ReadonlyMap<number, number>
}

export class Sweeper {
  readonly #options: SweeperOptions
  #progress: Progress = { swept: 0, aged: new Map() }
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: SweeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#arm(STEP_PAUSE_MS)
  }

  /** Tells of new log rows. */
  notice(): void {
    if (this.#running || this.#closed) return
    const { commits, window } = this.#options
    if (commits.state.revision - commits.state.compacted > window.maxChanges * (1 + COUNT_SLACK)) {
      this.#timer?.cancel()
      this.#timer = undefined
      this.#run()
    } else if (this.#timer === undefined) this.#armForDue()
  }

  /** Raises the floor, then frees what lies below it. */
  async compact(revision: number): Promise<void> {
    await this.#options.commits.submit((batch) => {
      if (revision > batch.revision) throw new FutureRevisionError(revision, batch.revision)
      batch.compact(revision)
    })
    this.#timer?.cancel()
    this.#timer = undefined
    if (!this.#running) this.#arm(0)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
  }

  #arm(ms: number): void {
    if (this.#closed) return
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = undefined
      this.#run()
    })
  }

  #run(): void {
    this.#running = this.#step().finally(() => {
      this.#running = undefined
    })
  }

  async #step(): Promise<void> {
    try {
      const { progress, more } = await this.#options.commits.submit((batch) => this.#plan(batch))
      this.#progress = progress
      if (more) this.#arm(STEP_PAUSE_MS)
      else this.#armForDue()
    } catch (error) {
      if (this.#closed || error instanceof StoreClosedError) return
      this.#options.log.warn('Could not compact the store', { error })
      this.#arm(RETRY_MS)
    }
  }

  #plan(batch: Batch): { progress: Progress; more: boolean } {
    const { clock } = this.#options
    const now = clock.now()
    const floor = this.#moveFloor(batch, now)
    const swept = this.#sweep(batch, floor.revision)
    const aged = new Map(swept.aged)
    let more = floor.more || swept.more
    for (const [maxAgeMs, from] of aged) {
      const step = this.#age(batch, { maxAgeMs, from, to: swept.revision, now })
      aged.set(maxAgeMs, step.revision)
      more ||= step.more
    }
    return { progress: { swept: swept.revision, aged }, more }
  }

  #moveFloor(batch: Batch, now: number): { revision: number; more: boolean } {
    const { tables, window } = this.#options
    let revision = Math.max(batch.compacted, batch.revision - window.maxChanges)
    let rows = 0
    for (const row of tables.range('log', { start: uint64(revision + 1), limit: STEP_ROWS })) {
      if (decodeLogHeader(row.value).timeMs + window.maxAgeMs > now) break
      revision = uint64At(row.key, 0)
      rows++
    }
    batch.compact(revision)
    return { revision, more: rows === STEP_ROWS }
  }

  #sweep(batch: Batch, floor: number): { revision: number; aged: Map<number, number>; more: boolean } {
    const { tables, retention } = this.#options
    const aged = new Map(this.#progress.aged)
    let revision = this.#progress.swept
    let rows = 0
    for (const row of tables.range('log', { start: uint64(revision + 1), end: uint64(floor + 1), limit: STEP_ROWS })) {
      revision = uint64At(row.key, 0)
      rows++
      const header = decodeLogHeader(row.value)
      const rule = retention(header.key)
      if (keepsNothing(rule)) {
        dropSuperseded(batch, header, revision)
        continue
      }
      if (!aged.has(rule.maxAgeMs)) aged.set(rule.maxAgeMs, revision - 1)
      this.#trim(batch, { header, row, maxBytes: rule.maxBytes })
    }
    const more = rows === STEP_ROWS
    return { revision: more ? revision : Math.max(revision, floor), aged, more }
  }

  /** Drops the oldest versions of a key until its history fits. */
  #trim(batch: Batch, { header, row, maxBytes }: { header: LogHeader; row: Row; maxBytes: number }): void {
    const { tables } = this.#options
    const revision = uint64At(row.key, 0)
    const logged = loggedBytesOf(row.value)
    const gone = header.type === 'delete'
    // A live version is not history: what counts ends with the one before it.
    const end = gone ? { revision: revision + 1, logged } : { revision, logged: logged - row.value.length }
    const range = { start: versionKey(header.keyBytes, 0), end: versionKey(header.keyBytes, end.revision) }
    for (const version of tables.range('versions', range)) {
      const { loggedBytes, size } = decodeVersion(version.value)
      if (end.logged - (loggedBytes - size) <= maxBytes) return
      dropVersion(batch, header.keyBytes, splitVersionKey(version.key).revision)
    }
  }

  #age(
    batch: Batch,
    at: { maxAgeMs: number; from: number; to: number; now: number },
  ): { revision: number; more: boolean } {
    const { tables, retention } = this.#options
    let revision = at.from
    let rows = 0
    for (const row of tables.range('log', { start: uint64(at.from + 1), end: uint64(at.to + 1), limit: STEP_ROWS })) {
      const header = decodeLogHeader(row.value)
      if (header.timeMs + at.maxAgeMs > at.now) return { revision, more: false }
      revision = uint64At(row.key, 0)
      rows++
      const rule = retention(header.key)
      if (rule.maxAgeMs === at.maxAgeMs && !keepsNothing(rule)) dropSuperseded(batch, header, revision)
    }
    return { revision, more: rows === STEP_ROWS }
  }

  /** Sleeps until the oldest row can be due; a store in which nothing ages has no timer. */
  #armForDue(): void {
    const { commits, clock, window } = this.#options
    const first = (after: number, end: number | undefined, maxAgeMs: number): number => {
      const range = { start: uint64(after + 1), limit: 1, ...(end === undefined ? {} : { end: uint64(end + 1) }) }
      for (const row of this.#options.tables.range('log', range)) return decodeLogHeader(row.value).timeMs + maxAgeMs
      return Number.POSITIVE_INFINITY
    }
    let due = first(commits.state.compacted, undefined, window.maxAgeMs)
    for (const [maxAgeMs, from] of this.#progress.aged) due = Math.min(due, first(from, this.#progress.swept, maxAgeMs))
    if (due === Number.POSITIVE_INFINITY) return
    const rest = Math.max(SHORTEST_REST_MS, window.maxAgeMs / 60)
    this.#arm(Math.max(due - clock.now(), rest))
  }
}

function keepsNothing(rule: Retention): boolean {
  return rule.maxAgeMs <= 0 || rule.maxBytes <= 0
}

/** The version that this change replaced; and the mark of a deletion, which replaces nothing that could be read. */
function dropSuperseded(batch: Batch, header: LogHeader, revision: number): void {
  if (header.previousRevision > 0) dropVersion(batch, header.keyBytes, header.previousRevision)
  if (header.type === 'delete') dropVersion(batch, header.keyBytes, revision)
}

export function dropVersion(batch: Batch, key: Buffer, revision: number): void {
  batch.delete('log', uint64(revision))
  batch.delete('versions', versionKey(key, revision))
}
