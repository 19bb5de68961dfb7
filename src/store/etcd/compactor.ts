// Keeps etcd's log as short as the watch window says. Of the servers that share an etcd one does it: the one that holds a lease with a known id.

import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { WatchWindow } from '../store.ts'
import type { Connection } from './connection.ts'
import { isFailure } from './etcd-error.ts'
import { COMPACT, LEASE_GRANT, LEASE_KEEP_ALIVE, LEASE_REVOKE } from './methods.ts'
import type { Known } from './reads.ts'

/** How often at most the log is looked at. */
const MAX_TICK_MS = 60_000
/** The one who compacts is replaced when it has not been heard of for as many ticks. */
const TICKS_OF_SILENCE = 3
/** A window of many ticks forgets samples beyond this: the floor then moves in larger steps. */
const MAX_SAMPLES = 1_000

export interface CompactorOptions {
  readonly connection: Connection
  readonly prefix: string
  readonly clock: Clock
  readonly log: Logger
  readonly known: Known
  readonly window: WatchWindow
}

export class Compactor implements AsyncDisposable {
  readonly #options: CompactorOptions
  readonly #tickMs: number
  readonly #lease: bigint
  /** What the newest revision was at times, oldest first. */
  #samples: { timeMs: number; revision: number }[] = []
  #timer: Timer | undefined
  #working: Promise<void> | undefined
  #holds = false
  #closed = false

  constructor(options: CompactorOptions) {
    this.#options = options
    this.#tickMs = Math.max(Math.min(MAX_TICK_MS, options.window.maxAgeMs / 10), 1_000)
    this.#lease = leaseIdOf(options.prefix)
    this.#tick()
  }

  /** Raises the floor. What another server compacted further is right already. */
  async compact(revision: number, physical: boolean): Promise<void> {
    const { connection, known } = this.#options
    if (revision < 1) return
    try {
      await connection.call(COMPACT, { revision, physical }, true)
    } catch (error) {
      if (!isFailure(error, 'compacted')) throw error
    }
    known.compact(revision)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#working
    if (!this.#holds) return
    // So that the next one need not wait for its end.
    await this.#options.connection.call(LEASE_REVOKE, { id: this.#lease }, false).catch(() => {})
  }

  #tick(): void {
    if (this.#closed) return
    const { clock, log, known, window } = this.#options
    const now = clock.now()
    this.#samples.push({ timeMs: now, revision: known.revision })
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift()
    const target = Math.max(this.#passedBy(now - window.maxAgeMs), known.revision - window.maxChanges)
    if (target > known.compacted)
      this.#working ??= this.#compactTo(target)
        .catch((error: unknown) => log.warn('Could not compact etcd', { error }))
        .finally(() => {
          this.#working = undefined
        })
    this.#timer = clock.after(this.#tickMs, () => this.#tick())
  }

  /** The newest revision that is known to be as old. */
  #passedBy(timeMs: number): number {
    const newer = this.#samples.findIndex((sample) => sample.timeMs > timeMs)
    const passed = newer === -1 ? this.#samples.length : newer
    if (passed === 0) return 0
    // The last of them is the sample that still tells.
    this.#samples = this.#samples.slice(passed - 1)
    return this.#samples[0]?.revision ?? 0
  }

  async #compactTo(revision: number): Promise<void> {
    this.#holds = await (this.#holds ? this.#keep() : this.#take())
    if (this.#holds) await this.compact(revision, false)
  }

  /** A lease is made only once, and unlike a key it takes no revision. */
  async #take(): Promise<boolean> {
    const ttl = Math.ceil((TICKS_OF_SILENCE * this.#tickMs) / 1000)
    try {
      await this.#options.connection.call(LEASE_GRANT, { id: this.#lease, ttl }, false)
      return true
    } catch (error) {
      if (isFailure(error, 'lease-exists')) return false
      throw error
    }
  }

  /** False when it has ended: another server may have it now. */
  async #keep(): Promise<boolean> {
    const { stream } = this.#options.connection.open(LEASE_KEEP_ALIVE)
    try {
      stream.write({ id: this.#lease })
      for await (const answer of stream) return answer.ttl > 0
      return false
    } finally {
      stream.on('error', () => {})
      stream.cancel()
    }
  }
}

/** 62 bits of the prefix's digest: two clusters in one etcd compact independently of each other. */
function leaseIdOf(prefix: string): bigint {
  return createHash('sha256').update(`compactor of ${prefix}`).digest().readBigUInt64BE() >> 2n
}
