// Takes a snapshot of a store at one revision, and makes a store hold exactly what a snapshot holds. Any engine, by the contract alone.

import type { Actor, Entry, Store, Write } from '../store.ts'
import { checkSnapshot, readSnapshot, SnapshotEncoder, type SnapshotEntry } from './format.ts'

export { checkSnapshot, SnapshotError, type SnapshotSummary } from './format.ts'

/** Entries that are in memory at a time. */
const PAGE_ENTRIES = 500
const CHUNK_BYTES = 1024 * 1024
/** Writes under way at a time. */
const MAX_WRITES = 64

/** The bytes of a snapshot of everything, as of the newest revision at the first step. Throws `CompactedError` when reading takes longer than the log is kept. */
export async function* snapshotOf(store: Store, nowMs: number): AsyncGenerator<Buffer, void, void> {
  const encoder = new SnapshotEncoder()
  let page = await store.list('', { limit: PAGE_ENTRIES })
  const { revision } = page
  yield encoder.head({ revision, timeMs: nowMs })
  while (true) {
    yield* inChunks(page.entries.values().map((entry) => encoder.entry(entry)))
    const last = page.entries.at(-1)
    if (!page.more || last === undefined) break
    page = await store.list('', { limit: PAGE_ENTRIES, after: last.key, revision })
  }
  yield encoder.end()
}

/** Few large pieces out of many small ones. */
function* inChunks(parts: Iterable<Buffer>): Generator<Buffer, void, void> {
  let chunk: Buffer[] = []
  let bytes = 0
  for (const part of parts) {
    chunk.push(part)
    bytes += part.length
    if (bytes < CHUNK_BYTES) continue
    yield Buffer.concat(chunk)
    chunk = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(chunk)
}

export interface RestoreOptions {
  readonly path: string
  readonly store: Store
  readonly actor: Actor
  /** How long an entry that has to be written may live; undefined = for ever. */
  ttlSecondsOf(key: string): number | undefined
}

export interface Restored {
  readonly written: number
  readonly deleted: number
  readonly unchanged: number
}

/** Something else wrote to the store meanwhile. Restoring again, with nothing else running, mends it. */
export class RestoreDisturbedError extends Error {
  override readonly name = 'RestoreDisturbedError'
  constructor(key: string) {
    super(`Cannot restore "${key}": something else has written it meanwhile`)
  }
}

/**
 * Afterwards the store holds the entries of the snapshot and no others. The file is checked whole before anything is written. Revisions go on from where they are,
 * so that whoever watched sees what has changed; what is right already is not written. Broken off, it can be done again.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<Restored> {
  await checkSnapshot(options.path)
  const result = { written: 0, deleted: 0, unchanged: 0 }
  const writes = new WriteSet(options.store)
  for await (const { wanted, present } of joined(readSnapshot(options.path), entriesOf(options.store))) {
    if (wanted !== undefined && present?.value.equals(wanted.value)) {
      result.unchanged++
      continue
    }
    result[wanted === undefined ? 'deleted' : 'written']++
    await writes.add(writeOf(options, wanted, present))
  }
  await writes.settled()
  return result
}

function writeOf(
  { actor, ttlSecondsOf }: RestoreOptions,
  wanted: SnapshotEntry | undefined,
  present: Entry | undefined,
): Write {
  const key = wanted?.key ?? present?.key ?? ''
  const expected = present?.revision ?? 0
  if (wanted === undefined) return { key, value: null, expected, actor }
  const ttlSeconds = ttlSecondsOf(key)
  return { key, value: wanted.value, expected, actor, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }
}

/** All live entries at one revision, in the order of their keys. */
async function* entriesOf(store: Store): AsyncGenerator<Entry, void, void> {
  let after: { after: string; revision: number } | undefined
  while (true) {
    const { entries, revision, more } = await store.list('', { limit: PAGE_ENTRIES, ...after })
    yield* entries
    const last = entries.at(-1)
    if (!more || last === undefined) return
    after = { after: last.key, revision }
  }
}

interface Pair {
  wanted: SnapshotEntry | undefined
  present: Entry | undefined
}

/** Both sides in step, by key: each key once. */
async function* joined(
  wantedAll: AsyncGenerator<SnapshotEntry, void, void>,
  presentAll: AsyncGenerator<Entry, void, void>,
): AsyncGenerator<Pair, void, void> {
  let wanted = await nextOf(wantedAll)
  let present = await nextOf(presentAll)
  while (wanted !== undefined || present !== undefined) {
    const order = compareKeys(wanted?.key, present?.key)
    yield { wanted: order <= 0 ? wanted : undefined, present: order >= 0 ? present : undefined }
    if (order <= 0) wanted = await nextOf(wantedAll)
    if (order >= 0) present = await nextOf(presentAll)
  }
}

async function nextOf<T>(all: AsyncGenerator<T, void, void>): Promise<T | undefined> {
  const { value, done } = await all.next()
  return done ? undefined : value
}

/** By bytes; what is not there comes last. */
function compareKeys(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Some writes at once, and the first failure of any. */
class WriteSet {
  readonly #store: Store
  readonly #under = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(store: Store) {
    this.#store = store
  }

  async add(write: Write): Promise<void> {
    while (this.#under.size >= MAX_WRITES) await Promise.race(this.#under)
    if (this.#failure) throw this.#failure.error
    const work = this.#write(write)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#under.delete(work))
    this.#under.add(work)
  }

  async settled(): Promise<void> {
    await Promise.all(this.#under)
    if (this.#failure) throw this.#failure.error
  }

  async #write(write: Write): Promise<void> {
    const { ok } = await this.#store.write(write)
    if (!ok) throw new RestoreDisturbedError(write.key)
  }
}
