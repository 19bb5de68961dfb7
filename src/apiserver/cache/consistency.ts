// Compares the watch cache with the store: a cache that has lost or kept a change would answer with it for ever.

import { createHash } from 'node:crypto'
import { inspect, isDeepStrictEqual } from 'node:util'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Metric, Metrics } from '../../base/metrics.ts'
import { CompactedError, type Entry, StoreClosedError } from '../../store/store.ts'
import type { Cacher, FilledCache } from './cacher.ts'
import type { ResourceCache } from './resource-cache.ts'

/** Upstream's. */
export const CHECK_INTERVAL_MS = 5 * 60_000
/** Entries that are read from the store at a time. */
const PAGE_ENTRIES = 500
/** So many keys of a cache that differs are named. */
const MAX_NAMED = 10

export interface Difference {
  resource: string
  revision: number
  /** What the cache and the store say of some keys, in words. */
  differs: string[]
}

interface Verdict {
  filled: FilledCache
  verdict: 'same' | 'differs' | 'unknown'
}

export interface ConsistencyOptions {
  cacher: Cacher
  clock: Clock
  log: Logger
  metrics: Metrics
}

/** Looks every five minutes; a cache that differs is told of, counted and rebuilt. */
export class ConsistencyChecks implements AsyncDisposable {
  readonly #options: ConsistencyOptions
  readonly #stop = new AbortController()
  readonly #counted: Metric
  readonly #running: Promise<void>

  constructor(options: ConsistencyOptions) {
    this.#options = options
    this.#counted = options.metrics.counter(
      'apiserver_storage_consistency_checks_total',
      'Comparisons of the watch cache with the store, by resource and outcome.',
      ['group', 'resource', 'status'],
    )
    this.#running = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await sleep(clock, CHECK_INTERVAL_MS, signal)
        await this.#check()
      } catch (error) {
        if (!signal.aborted) log.error('Could not compare the watch cache with the store', { error })
      }
    }
  }

  async #check(): Promise<void> {
    const { cacher, log } = this.#options
    for await (const { filled, verdict } of compare(cacher, { bytes: false })) {
      const { group, plural: resource } = filled.place
      const status = { same: 'success', differs: 'failure', unknown: 'error' }[verdict]
      this.#counted.add(1, group, resource, status)
      if (this.#stop.signal.aborted) return
      if (verdict !== 'differs') continue
      const { differs } = await describe(cacher, filled)
      log.error('Found a watch cache that differs from the store', { group, resource, differs })
      await cacher.rebuild(filled.cache)
    }
  }
}

/** Every cache that is not what the store holds at its revision, to the byte, or whose objects do not read as their bytes; for tests. */
export async function findDifferences(cacher: Cacher): Promise<Difference[]> {
  const found = [...cacher.filled()].flatMap(misread)
  for await (const { filled, verdict } of compare(cacher, { bytes: true })) {
    if (verdict === 'differs') found.push(await describe(cacher, filled))
  }
  return found
}

async function* compare(cacher: Cacher, wanted: { bytes: boolean }): AsyncIterable<Verdict> {
  // Each cache is read in one go at its own moment: only the store's side takes time.
  for (const { cache } of [...cacher.filled()]) {
    const filled = [...cacher.filled()].find((one) => one.cache === cache)
    if (!filled) continue
    const bytes = wanted.bytes && isAsStored(filled)
    const cached = new Digest()
    for (const object of cache.values()) cached.add(object, bytes)
    const stored = new Digest()
    try {
      for await (const entry of entriesOf(cacher, filled)) stored.add(bytes ? asCached(cache, entry) : entry, bytes)
      yield { filled, verdict: cached.equals(stored) ? 'same' : 'differs' }
    } catch (error) {
      // The store has moved on: what it held then cannot be read any more.
      if (!(error instanceof CompactedError || error instanceof StoreClosedError)) throw error
      yield { filled, verdict: 'unknown' }
    }
  }
}

/** What is kept of an object that was not parsed but handed over by who made it must be the same. */
function misread({ cache, place, revision }: FilledCache): Difference[] {
  const wrong = [...cache.values()].filter(
    (stored) => stored.isParsed && !isDeepStrictEqual(stored.object, JSON.parse(stored.bytes.toString())),
  )
  if (wrong.length === 0) return []
  const differs = wrong.slice(0, MAX_NAMED).map(({ key, bytes, object }) => {
    return `${key}: ${bytes.toString()} is kept as ${inspect(object, { depth: null, breakLength: Infinity })}`
  })
  return [{ resource: `${place.plural}.${place.group}`, revision, differs }]
}

/** What a conversion makes of the stored bytes may have been another's work when the cache took it in. */
function isAsStored({ place }: FilledCache): boolean {
  return place.read === undefined
}

async function* entriesOf(cacher: Cacher, { cache, revision }: FilledCache): AsyncIterable<Entry> {
  let after: string | undefined
  for (;;) {
    const page = await cacher.stored(cache, {
      revision,
      limit: PAGE_ENTRIES,
      ...(after === undefined ? {} : { after }),
    })
    yield* page.entries
    after = page.entries.at(-1)?.key
    if (!page.more || after === undefined) return
  }
}

function asCached(cache: ResourceCache, { key, revision, value }: Entry): Entry & { bytes: Buffer } {
  return { key, revision, value, createRevision: 0, bytes: cache.objectFrom(key, revision, value).bytes }
}

/** A second look, key by key, at the state of that time against the cache of that time. */
async function describe(cacher: Cacher, filled: FilledCache): Promise<Difference> {
  const { cache, place, revision } = filled
  const cached = new Map([...cache.values()].map((object) => [object.key, object]))
  const now = [...cacher.filled()].find((one) => one.cache === cache)?.revision ?? revision
  const differs: string[] = []
  for await (const entry of entriesOf(cacher, { cache, place, revision: now })) {
    const object = cached.get(entry.key)
    cached.delete(entry.key)
    if (object?.revision !== entry.revision) {
      differs.push(`${entry.key}: cached at ${object?.revision ?? 'none'}, stored at ${entry.revision}`)
    } else if (isAsStored(filled) && !object.bytes.equals(asCached(cache, entry).bytes)) {
      differs.push(`${entry.key}: other bytes at ${entry.revision}`)
    }
  }
  for (const { key, revision: at } of cached.values()) differs.push(`${key}: cached at ${at}, not stored`)
  return { resource: `${place.plural}.${place.group}`, revision: now, differs: differs.slice(0, MAX_NAMED) }
}

const PRIME = 0x01000193
const OTHER_PRIME = 0x85ebca6b

/** 64 bits over all keys with their revisions, in whatever order they come: FNV-1a twice, added up. */
class Digest {
  #count = 0
  #low = 0
  #high = 0

  add({ key, revision, bytes }: { key: string; revision: number; bytes?: Buffer }, withBytes: boolean): void {
    let low = 0x811c9dc5
    let high = 0x9747b28c
    const mix = (value: number): void => {
      low = Math.imul(low ^ value, PRIME)
      high = Math.imul(high ^ value, OTHER_PRIME)
    }
    for (let i = 0; i < key.length; i++) mix(key.charCodeAt(i))
    mix(revision | 0)
    mix((revision / 2 ** 32) | 0)
    if (withBytes && bytes) mix(createHash('sha1').update(bytes).digest().readInt32LE())
    this.#count++
    this.#low = (this.#low + low) | 0
    this.#high = (this.#high + (high ^ (high >>> 15))) | 0
  }

  equals(other: Digest): boolean {
    return this.#count === other.#count && this.#low === other.#low && this.#high === other.#high
  }
}
