// The embedded default engine: the store's tables in an LMDB environment, one file in a data directory that one process owns.

import { chmodSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { openLedger } from '../ledger/ledger.ts'
import type { Store, StoreOptions } from '../store.ts'
import { openLmdbTables } from './tables.ts'

export interface LmdbStoreOptions extends StoreOptions {
  /** Made, for its owner only, when it does not exist. */
  directory: string
}

/** Throws `StoreLockedError` when another process has the directory open, `StoreFormatError` when another version wrote it. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  // The store holds Secrets: whoever made the directory, only its owner may read it.
  chmodSync(options.directory, 0o700)
  const directory = realpathSync(options.directory)
  const tables = await openLmdbTables(directory, join(directory, 'store.mdb'))
  return openLedger(tables, options)
}
