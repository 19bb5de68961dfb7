// Tables whose process dies amid a commit: nobody hears whether the commit happened.

import type { Random } from '../base/random.ts'
import type { Mutation, Range, Row, TableName, Tables } from './ledger/tables.ts'

export class CrashError extends Error {
  constructor() {
    super('The process died')
    this.name = 'CrashError'
  }
}

/** Every commit may be the last one. */
export class CrashingTables implements Tables {
  readonly #tables: Tables
  readonly #random: Random
  readonly #chance: number

  constructor(tables: Tables, { random, chance }: { random: Random; chance: number }) {
    this.#tables = tables
    this.#random = random
    this.#chance = chance
  }

  get keepsRows(): boolean {
    return this.#tables.keepsRows
  }

  get gatheringTurns(): number {
    return this.#tables.gatheringTurns
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#tables.get(table, key)
  }

  range(table: TableName, range: Range): Iterable<Row> {
    return this.#tables.range(table, range)
  }

  async commit(mutations: readonly Mutation[]): Promise<void> {
    const dies = this.#random.next() < this.#chance
    if (dies && this.#random.next() < 0.5) throw new CrashError()
    await this.#tables.commit(mutations)
    if (!dies) return
    this.#tables.refresh()
    throw new CrashError()
  }

  refresh(): void {
    this.#tables.refresh()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#tables[Symbol.asyncDispose]())
  }
}
