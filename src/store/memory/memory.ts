// The memory engine: the store's tables in this process's memory, for tests, simulations and clusters that may be forgotten.

import { openLedger } from '../ledger/ledger.ts'
import type { Mutation, Range, Row, TableName, Tables } from '../ledger/tables.ts'
import { TABLES } from '../ledger/tables.ts'
import type { Store, StoreOptions } from '../store.ts'
import { OrderedMap } from './ordered-map.ts'

/** "Durable" means: applied, all at once, in the next microtask. */
export function openMemoryStore(options: StoreOptions): Store {
  return openLedger(new MemoryTables(), options)
}

export class MemoryTables implements Tables {
  readonly keepsRows = true
  readonly gatheringTurns: number = 0
  readonly #tables = new Map<TableName, OrderedMap>(TABLES.map((name) => [name, new OrderedMap()]))
  #committed: readonly Mutation[] = []

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#table(table).get(text(key))
  }

  *range(table: TableName, { start, end, reverse, limit }: Range): Iterable<Row> {
    const bounds = { start: text(start), ...(end === undefined ? {} : { end: text(end) }) }
    const map = this.#table(table)
    let left = limit ?? Number.POSITIVE_INFINITY
    for (const [key, value] of reverse ? map.descending(bounds) : map.ascending(bounds)) {
      if (left-- <= 0) return
      yield { key: Buffer.from(key, 'latin1'), value }
    }
  }

  async commit(mutations: readonly Mutation[]): Promise<void> {
    this.#committed = mutations
  }

  refresh(): void {
    for (const { table, key, value } of this.#committed) {
      if (value === null) this.#table(table).delete(text(key))
      else this.#table(table).set(text(key), value)
    }
    this.#committed = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tables.clear()
  }

  #table(name: TableName): OrderedMap {
    const table = this.#tables.get(name)
    if (table === undefined) throw new Error(`Cannot read the table "${name}": the store has been closed`)
    return table
  }
}

/** One character per byte: strings then compare as the bytes do. */
function text(bytes: Buffer): string {
  return bytes.toString('latin1')
}
