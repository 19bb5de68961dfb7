// Time to live: deletes entries when theirs has passed, as ordinary writes of the user `system:ttl`.

import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { StoreClosedError } from '../errors.ts'
import type { Actor } from '../store.ts'
import { TTL_USER } from '../store.ts'
import type { Batch } from './batch.ts'
import type { Commits } from './commits.ts'
import { uint64, uint64At } from './keys.ts'
import type { Tables } from './tables.ts'

/** The most entries that one commit deletes. */
const STEP_ENTRIES = 500
const RETRY_MS = 1_000

const ACTOR: Actor = { user: TTL_USER, verb: 'delete', requestID: '' }

export interface ExpirerOptions {
  tables: Tables
  commits: Commits
  clock: Clock
  log: Logger
}

export class Expirer {
  readonly #options: ExpirerOptions
  #timer: Timer | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: ExpirerOptions) {
    this.#options = options
  }

  start(): void {
    this.#armForDue()
  }

  /** Tells of an expiry that was added. */
  notice(expiresMs: number): void {
    if (expiresMs < this.#dueMs) this.#arm(expiresMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
  }

  #arm(dueMs: number): void {
    if (this.#closed) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    const { clock } = this.#options
    this.#timer = clock.after(Math.max(dueMs - clock.now(), 0), () => {
      this.#running = this.#expire().finally(() => {
        this.#running = undefined
      })
    })
  }

  #armForDue(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const row of this.#options.tables.range('expiry', { start: uint64(0), limit: 1 })) {
      this.#arm(uint64At(row.key, 0))
    }
  }

  async #expire(): Promise<void> {
    const { commits, clock, log } = this.#options
    try {
      await commits.submit((batch) => this.#plan(batch, clock.now()))
      this.#armForDue()
    } catch (error) {
      if (this.#closed || error instanceof StoreClosedError) return
      log.warn('Could not delete expired entries', { error })
      this.#arm(clock.now() + RETRY_MS)
    }
  }

  #plan(batch: Batch, now: number): void {
    const range = { start: uint64(0), end: uint64(now + 1), limit: STEP_ENTRIES }
    for (const row of this.#options.tables.range('expiry', range)) {
      // A write earlier in this commit may have replaced the entry: then there is nothing left to expire.
      const write = { key: row.value.toString(), value: null, expected: uint64At(row.key, 8), actor: ACTOR }
      if (!batch.write(write, row.value).ok) batch.delete('expiry', row.key)
    }
  }
}
