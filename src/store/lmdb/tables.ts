// The store's tables as LMDB databases: one write transaction per commit, flushed to disk before it becomes visible.

import { closeSync, fstatSync, openSync, readSync, statfsSync, truncateSync } from 'node:fs'
import type { Database, RootDatabase, Transaction } from 'lmdb'
import { open } from 'lmdb'
import { StoreDamagedError, StoreFormatError, StoreFullError, StoreLockedError } from '../errors.ts'
import { FORMAT, FORMAT_KEY } from '../ledger/records.ts'
import type { Mutation, Range, Row, TableName, Tables } from '../ledger/tables.ts'
import { TABLES } from '../ledger/tables.ts'

/** The declarations of the library leave out the options of `put`. */
type Table = Database<Buffer, Buffer> & {
  put(key: Buffer, value: Buffer, options: { append: boolean }): Promise<boolean>
}

/** Fixed, so that a data directory can move between machines whose own page sizes differ; allows keys of up to 1,978 bytes. */
const PAGE_BYTES = 4096
const MAX_READERS = 126
/**
 * Addresses, not memory. A map that is too small for the file is made anew, and the old ones stay for readers: the pages of the file would be counted
 * once for each. A file that outgrows it is still mapped anew.
 */
const MAP_BYTES = 64 * 1024 ** 3
/** Every row of the log comes behind all others: its pages are left full, where they would be split in halves. */
const AT_THE_END = { append: true }
const BINARY = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const

const EIO = 5
const EFBIG = 27
const ENOSPC = 28
const EDQUOT = 122
const MDB_MAP_FULL = -30792

/** Where LMDB's first page carries its mark and the version of its format. */
const MARK_OFFSET = 24
const LMDB_MARK = 0xbeefc0de
const LMDB_VERSION = 2
/** Where each of its first two pages says at which pages its two trees begin, and which transaction it is of. */
const ROOT_OFFSETS = [88, 136]
const TRANSACTION_OFFSET = 152
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512
/** A file that no commit has reached has at most the pages of the first one. */
const MAX_UNBORN_BYTES = 16 * PAGE_BYTES
const NO_PAGE = 2n ** 64n - 1n

/** What this process has open: LMDB itself cannot tell two owners in one process apart. */
const openDirectories = new Set<string>()

export async function openLmdbTables(directory: string, path: string): Promise<Tables> {
  if (openDirectories.has(directory)) throw new StoreLockedError(directory, process.pid)
  refuseForeignFile(directory, path)
  const root = openRoot(directory, path)
  try {
    refuseOtherProcesses(root, directory)
    // A foreign format must not be written to, so its record is read before any table is made.
    const meta = root.openDB<Buffer, Buffer>({ name: 'meta', ...BINARY })
    const found = meta.getBinary(FORMAT_KEY)?.toString()
    if (found === undefined) await meta.put(FORMAT_KEY, Buffer.from(String(FORMAT)))
    else if (found !== String(FORMAT)) throw new StoreFormatError(directory, found, FORMAT)
  } catch (error) {
    await root.close()
    throw error
  }
  openDirectories.add(directory)
  return new LmdbTables(root, directory)
}

function openRoot(directory: string, path: string): RootDatabase<Buffer, Buffer> {
  try {
    return open<Buffer, Buffer>({
      path,
      noSubdir: true,
      pageSize: PAGE_BYTES,
      maxDbs: TABLES.length + 1,
      maxReaders: MAX_READERS,
      mapSize: MAP_BYTES,
      // Commit and flush are one step: nothing is ever visible that is not on disk.
      overlappingSync: false,
      // The ledger batches; with this on, the library makes promises of its own that nobody could catch when the disk is full.
      eventTurnBatching: false,
      ...BINARY,
    })
  } catch (error) {
    throw new Error(`Cannot open the store in "${directory}"`, { cause: error })
  }
}

/** LMDB crashes on some files that are none of its own, so that is found out before it sees them. */
function refuseForeignFile(directory: string, path: string): void {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw new Error(`Cannot open the store in "${directory}"`, { cause: error })
  }
  const head = Buffer.alloc(2 * PAGE_BYTES)
  const read = readSync(file, head)
  const { size } = fstatSync(file)
  closeSync(file)
  // A process that was killed before its first page was written leaves an empty file.
  if (read === 0) return
  if (size <= MAX_UNBORN_BYTES && isUnborn(head, read)) {
    truncateSync(path)
    return
  }
  if (!isMarked(head)) throw new StoreFormatError(directory, 'not one of ours', FORMAT)
  if (read < head.length || isCutShort(head, size)) throw new StoreDamagedError(directory, size)
}

/**
 * LMDB writes its first two pages at once and flushes them before its first commit: where one of them is not whole, the power went before there was
 * anything to lose. What a disk has not written reads as zeros.
 */
function isUnborn(head: Buffer, read: number): boolean {
  // No disk ends a file within a sector: somebody cut this one.
  if (read % SECTOR_BYTES !== 0) return false
  const sectors = Array.from({ length: head.length / SECTOR_BYTES }, (_, i) =>
    head.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES),
  )
  const written = sectors.filter((sector) => sector.some((byte) => byte !== 0))
  const untouched = (sector: Buffer): boolean => isMarked(sector) && sector.readBigUInt64LE(TRANSACTION_OFFSET) === 0n
  const whole = written.length === 2 && read === head.length
  return !whole && written.every(untouched)
}

function isMarked(page: Buffer): boolean {
  return page.readUInt32LE(MARK_OFFSET) === LMDB_MARK && page.readUInt32LE(MARK_OFFSET + 4) === LMDB_VERSION
}

/**
 * The file is mapped: reading a page behind its end would end the process with a signal. Only pages that are certainly written are asked for: the last one that
 * is counted need not be there.
 */
function isCutShort(head: Buffer, size: number): boolean {
  const transaction = (page: number): bigint => head.readBigUInt64LE(page + TRANSACTION_OFFSET)
  const newest = transaction(PAGE_BYTES) > transaction(0) ? PAGE_BYTES : 0
  const roots = ROOT_OFFSETS.map((offset) => head.readBigUInt64LE(newest + offset)).filter((page) => page !== NO_PAGE)
  return roots.some((page) => (page + 1n) * BigInt(PAGE_BYTES) > size)
}

/**
 * The lock: every process that has the environment open holds a slot in LMDB's table of readers, and the kernel gives it up for those that died.
 * Each takes its own slot before it looks for others, so of two that come at once at least one sees the other.
 */
function refuseOtherProcesses(root: RootDatabase<Buffer, Buffer>, directory: string): void {
  const own = root.useReadTransaction()
  try {
    root.readerCheck()
    for (const line of root.readerList().split('\n')) {
      const pid = Number.parseInt(line, 10)
      if (Number.isInteger(pid) && pid !== process.pid) throw new StoreLockedError(directory, pid)
    }
  } finally {
    own.done()
  }
}

class LmdbTables implements Tables {
  readonly keepsRows = false
  readonly gatheringTurns = 8
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #directory: string
  readonly #tables: ReadonlyMap<TableName, Table>
  /** The state that reads see, held until `refresh`. It also holds this process's slot in the table of readers. */
  #seen: Transaction

  constructor(root: RootDatabase<Buffer, Buffer>, directory: string) {
    this.#root = root
    this.#directory = directory
    this.#tables = new Map(TABLES.map((name) => [name, root.openDB<Buffer, Buffer>({ name, ...BINARY }) as Table]))
    this.#seen = root.useReadTransaction()
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#table(table).get(key, { transaction: this.#seen })
  }

  range(table: TableName, { start, end, reverse, limit }: Range): Iterable<Row> {
    const bounds = reverse ? backwards(start, end) : { start: start.length > 0 ? start : FIRST, ...(end && { end }) }
    const options = { ...bounds, transaction: this.#seen, ...(limit === undefined ? {} : { limit }) }
    return this.#table(table).getRange(options)
  }

  async commit(mutations: readonly Mutation[]): Promise<void> {
    try {
      const appended: Promise<boolean>[] = []
      const batch = this.#root.batch(() => {
        for (const { table, key, value } of mutations) {
          // Their promises are the batch's own.
          if (value === null) void this.#table(table).remove(key)
          else if (table === 'log') appended.push(this.#table(table).put(key, value, AT_THE_END))
          else void this.#table(table).put(key, value)
        }
      })
      const [, ...isAppended] = await Promise.all([batch, ...appended])
      if (isAppended.includes(false)) throw new Error('a row of the log does not come behind the others')
    } catch (error) {
      const cause = await commitError(error)
      if (this.#isFull(codeOf(cause))) throw new StoreFullError({ cause })
      throw new Error(`Cannot commit to the store in "${this.#directory}"`, { cause })
    }
  }

  refresh(): void {
    this.#seen.done()
    this.#root.resetReadTxn()
    this.#seen = this.#root.useReadTransaction()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#seen.done()
    await this.#root.close()
    openDirectories.delete(this.#directory)
  }

  /** LMDB reports a write that the file system cut short, which is how most say that they are full, as an input/output error. */
  #isFull(code: number | undefined): boolean {
    if (code === ENOSPC || code === EDQUOT || code === EFBIG || code === MDB_MAP_FULL) return true
    if (code !== EIO) return false
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize < NEARLY_NOTHING_BYTES
  }

  #table(name: TableName): Table {
    const table = this.#tables.get(name)
    if (table === undefined) throw new Error(`Bug: no table "${name}"`)
    return table
  }
}

/** Less than the largest commit: an input/output error with so little room left is taken for a full disk. */
const NEARLY_NOTHING_BYTES = 64 * 1024 * 1024
const FIRST = Buffer.of(0)

/** LMDB walks backwards from `start` (inclusive) to `end` (exclusive, here made inclusive). */
function backwards(
  start: Buffer,
  end: Buffer | undefined,
): { start?: Buffer; end: Buffer; inclusiveEnd: boolean; reverse: boolean; exclusiveStart: boolean } {
  return {
    ...(end === undefined ? {} : { start: end }),
    end: start,
    inclusiveEnd: true,
    exclusiveStart: true,
    reverse: true,
  }
}

async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error
  try {
    return await error.commitError
  } catch (cause) {
    return cause
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}
