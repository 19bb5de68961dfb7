// Group commit: everything that arrives while one commit is on its way to the disk shares the next one, which waits a little for those who are about to write again.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { StoreBusyError, StoreClosedError, StoreFailedError, StoreFullError } from '../errors.ts'
import { Arena } from './arena.ts'
import { Batch } from './batch.ts'
import type { State } from './records.ts'
import type { Tables } from './tables.ts'

/** What one commit takes at most, so that the first in it does not wait for all. */
const MAX_COMMIT_JOBS = 1_000
const MAX_COMMIT_BYTES = 32 * 1024 * 1024
/** Fewer writers are not waited for: a few of them, as at a server's start, would lose more time than all gain. */
const MIN_GATHERED = 8

/** Adds to the commit, synchronously; what it returns is handed over once the commit is durable. */
export type Plan<T> = (batch: Batch) => T

interface Job {
  readonly bytes: number
  plan(batch: Batch): void
  durable(): void
  reject(error: unknown): void
}

export interface CommitsOptions {
  tables: Tables
  clock: Clock
  state: State
  waitingWrites: number
  /** Called synchronously when a commit has become visible, before those who wait for it hear of it. */
  onCommit(batch: Batch): void
}

export class Commits {
  readonly #options: CommitsOptions
  readonly #arena = new Arena()
  #state: State
  #jobs: Job[] = []
  #running: Promise<void> | undefined
  /** As many as are likely to want the next commit. */
  #likely = 0
  #closed = false
  #failure: StoreFailedError | undefined

  constructor(options: CommitsOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** What is durable. */
  get state(): State {
    return this.#state
  }

  submit<T>(plan: Plan<T>, bytes = 0): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreClosedError())
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#jobs.length >= this.#options.waitingWrites) {
      return Promise.reject(new StoreBusyError(this.#options.waitingWrites))
    }
    return new Promise((resolve, reject) => {
      let planned: () => void
      this.#jobs.push({
        bytes,
        plan: (batch) => {
          const result = plan(batch)
          planned = () => resolve(result)
        },
        durable: () => planned(),
        reject,
      })
      this.#running ??= this.#run()
    })
  }

  /** Refuses new work; resolves when all accepted work is settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // Let the writes of the same turn join the first commit.
    await Promise.resolve()
    while (this.#jobs.length > 0) {
      await this.#gather()
      await this.#commit(this.#take())
    }
    this.#running = undefined
  }

  /**
   * Those whose writes have just become durable mostly write again at once, each by a request of its own. Without a wait they would always miss the next commit,
   * and two halves of them would take turns at commits that are half empty.
   */
  async #gather(): Promise<void> {
    if (this.#likely < MIN_GATHERED) return
    const { gatheringTurns } = this.#options.tables
    for (let turn = 0; turn < gatheringTurns && this.#jobs.length < this.#likely; turn++) await nextTurn()
  }

  #take(): Job[] {
    let count = 0
    let bytes = 0
    for (const job of this.#jobs) {
      if (count >= MAX_COMMIT_JOBS || (count > 0 && bytes + job.bytes > MAX_COMMIT_BYTES)) break
      count++
      bytes += job.bytes
    }
    return this.#jobs.splice(0, count)
  }

  async #commit(jobs: Job[]): Promise<void> {
    const { tables, clock, onCommit } = this.#options
    this.#arena.reset()
    const batch = new Batch(tables, this.#state, clock.now(), tables.keepsRows ? undefined : this.#arena.take)
    const planned: Job[] = []
    for (const job of jobs) {
      try {
        if (this.#failure) throw this.#failure
        job.plan(batch)
        planned.push(job)
      } catch (error) {
        job.reject(error)
      }
    }
    if (!batch.empty) {
      const state = batch.seal(this.#state)
      try {
        await tables.commit(batch.mutations)
      } catch (error) {
        if (!(error instanceof StoreFullError)) this.#failure = new StoreFailedError(error)
        for (const job of planned) job.reject(this.#failure ?? error)
        return
      }
      tables.refresh()
      this.#state = state
      onCommit(batch)
    }
    // Before anybody hears of it: who writes again then is no one new.
    this.#likely = jobs.length + this.#jobs.length
    for (const job of planned) job.durable()
  }
}
