// The watch cache: every object of one tenant in memory, fed by one watch of the store, and the only thing that reads are served from.

import { sleep, type Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Change, Entry, ListResult, Store } from '../../store/store.ts'
import { frameLine } from './stored.ts'
import { ParsedForms } from './parsed-forms.ts'
import { ResourceCache } from './resource-cache.ts'

/** How often an idle watch hears how far the server has come (upstream: about a minute). */
const BOOKMARK_INTERVAL_MS = 60_000
/** How far back the store's log is read at start, so that watches resume across a restart. */
const RESUME_CHANGES = 20_000
/** Entries that are read from the store at a time. */
const PAGE_ENTRIES = 500
/** A read at a revision that the server has not reached waits this long (upstream: 3 s). */
export const FRESHNESS_TIMEOUT_MS = 3000

export interface ResourcePlace {
  group: string
  plural: string
  namespaced: boolean
  apiVersion: string
  kind: string
  /** How stored bytes read in this version, where a resource has several: each version has a cache of its own. */
  read?: (stored: Buffer) => Buffer
}

interface Registered {
  cache: ResourceCache
  place: ResourcePlace
  /** While the cache is being loaded: what the store has told meanwhile. */
  pending: Change[] | undefined
  /** The revision of the load: later changes are applied, earlier ones only remembered. */
  loadedAt: number
}

export interface FilledCache {
  cache: ResourceCache
  place: ResourcePlace
  revision: number
}

export class Cacher implements AsyncDisposable {
  readonly #store: Store
  readonly #tenant: string
  readonly #clock: Clock
  readonly #log: Logger
  /** By prefix; one for each served version. */
  readonly #caches = new Map<string, Registered[]>()
  readonly #forms = new ParsedForms()
  readonly #stop = new AbortController()
  #revision = 0
  #floor = 0
  #waiters: { revision: number; resolve: () => void }[] = []
  #feeding: Promise<void> | undefined
  #bookmarks: Promise<void> | undefined

  constructor(options: { store: Store; tenant: string; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#tenant = options.tenant
    this.#clock = options.clock
    this.#log = options.log
  }

  /** The newest revision that reads see. */
  get revision(): number {
    return this.#revision
  }

  /** `tenant/group/resource/`, the core group as `core`. */
  prefix(place: { group: string; plural: string }): string {
    return `${this.#tenant}/${place.group || 'core'}/${place.plural}/`
  }

  /** Loads one resource; before `start` for the built-in ones, at any time for custom ones. */
  async add(place: ResourcePlace): Promise<ResourceCache> {
    const prefix = this.prefix(place)
    const versions = this.#caches.get(prefix) ?? []
    const known = versions.find((v) => v.place.apiVersion === place.apiVersion)
    if (known) return known.cache
    const cache = new ResourceCache(prefix, place.namespaced, { read: place.read, forms: this.#forms })
    // Changes that pass by while the list is read wait in `pending`; those that the list already holds are dropped.
    const registered: Registered = { cache, place, pending: [], loadedAt: 0 }
    this.#caches.set(prefix, [...versions, registered])
    await this.#fill(registered)
    return cache
  }

  /** The caches that are filled, each with the revision that it shows. They go on: read them before the next `await`. */
  *filled(): Iterable<FilledCache> {
    for (const { cache, place, pending, loadedAt } of this.#registered()) {
      if (!pending) yield { cache, place, revision: Math.max(this.#revision, loadedAt) }
    }
  }

  /** A page of what the store holds for a cache, as of a revision. */
  stored(cache: ResourceCache, page: { revision: number; limit: number; after?: string }): Promise<ListResult> {
    return this.#store.list(cache.prefix, page)
  }

  /** Fills a cache anew, while readers see what it held. Its watches end, and cannot resume from before. */
  async rebuild(cache: ResourceCache): Promise<void> {
    const registered = this.#caches.get(cache.prefix)?.find((version) => version.cache === cache)
    if (!registered || registered.pending) return
    registered.pending = []
    await this.#fill(registered)
    cache.endWatches()
  }

  async #fill(registered: Registered): Promise<void> {
    const { cache } = registered
    // Readers of a cache that is filled anew see what it held until everything is there.
    const gathered: Entry[] | undefined = cache.size > 0 ? [] : undefined
    const revision = await this.#readAll(cache, (entry) => {
      if (gathered) gathered.push(entry)
      else cache.load(entry)
    })
    if (gathered) {
      cache.clear()
      for (const entry of gathered) cache.load(entry)
    }
    const pending = registered.pending ?? []
    registered.pending = undefined
    registered.loadedAt = revision
    cache.filled(revision)
    for (const change of pending) if (change.revision > revision) applyChange(cache, change)
  }

  /** All of one revision, page by page: whole it would be as much memory again. */
  async #readAll(cache: ResourceCache, take: (entry: Entry) => void): Promise<number> {
    let page = await this.#store.list(cache.prefix, { limit: PAGE_ENTRIES })
    const { revision } = page
    for (;;) {
      for (const entry of page.entries) take(entry)
      const after = page.entries.at(-1)?.key
      if (!page.more || after === undefined) return revision
      page = await this.#store.list(cache.prefix, { limit: PAGE_ENTRIES, after, revision })
    }
  }

  remove(place: { group: string; plural: string; apiVersion: string }): void {
    const prefix = this.prefix(place)
    const versions = this.#caches.get(prefix) ?? []
    const left = versions.filter((v) => v.place.apiVersion !== place.apiVersion)
    for (const version of versions) {
      if (left.includes(version)) continue
      version.cache.endWatches()
      version.cache.clear()
    }
    if (left.length > 0) this.#caches.set(prefix, left)
    else this.#caches.delete(prefix)
  }

  /** Starts following the store. When it returns, reads are complete up to `revision`, and watches can resume from before the start. */
  async start(): Promise<void> {
    const loads = [...this.#registered()].map((r) => r.loadedAt)
    const loaded = Math.min(...loads, this.#store.revision)
    this.#floor = Math.max(this.#store.compacted, loaded - RESUME_CHANGES, 0)
    this.#revision = this.#floor
    for (const { cache } of this.#registered()) cache.setFloor(this.#floor)
    this.#feeding = this.#feed()
    this.#bookmarks = this.#sendBookmarks()
    // A watch that resumed before the log has been read back would miss what the window does not hold yet.
    const replayed = this.reached(loaded)
    this.#store.requestProgress()
    await replayed
  }

  /** Resolves when reads see `revision`; rejects never: it waits until the store delivers it or the cache is closed. */
  reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ revision, resolve }))
  }

  /** Like `reached`, but gives up after the freshness time-out: false. */
  async reachedSoon(revision: number): Promise<boolean> {
    if (this.#revision >= revision) return true
    this.#store.requestProgress()
    const done = new AbortController()
    const late = sleep(this.#clock, FRESHNESS_TIMEOUT_MS, done.signal).then(
      () => false,
      () => false,
    )
    const soon = await Promise.race([this.reached(revision).then(() => true), late])
    done.abort()
    return soon
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    for (const { cache } of this.#registered()) cache.endWatches()
    await this.#feeding
    await this.#bookmarks
    for (const waiter of this.#waiters) waiter.resolve()
    this.#waiters = []
  }

  *#registered(): Iterable<Registered> {
    for (const versions of this.#caches.values()) yield* versions
  }

  async #feed(): Promise<void> {
    const prefix = `${this.#tenant}/`
    try {
      for await (const batch of this.#store.watch(prefix, { after: this.#floor, signal: this.#stop.signal })) {
        // Who reads in this process has heard of the batch before.
        this.#forms.dropRetired()
        for (const change of batch.changes) this.#take(change)
        if (batch.revision > this.#revision) this.#advance(batch.revision)
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return
      // A cache that has lost its store would answer with the past: the process ends and starts afresh.
      this.#log.error('Lost the watch of the store', { error })
      throw error
    }
  }

  #take(change: Change): void {
    for (const { cache, pending, loadedAt } of this.#caches.get(resourcePrefix(change.key)) ?? []) {
      if (pending) pending.push(change)
      else if (change.revision > loadedAt) applyChange(cache, change)
      else cache.remember(change)
    }
  }

  #advance(revision: number): void {
    this.#revision = revision
    if (this.#waiters.length === 0) return
    const ready = this.#waiters.filter((w) => w.revision <= revision)
    this.#waiters = this.#waiters.filter((w) => w.revision > revision)
    for (const waiter of ready) waiter.resolve()
  }

  async #sendBookmarks(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await sleep(this.#clock, BOOKMARK_INTERVAL_MS, this.#stop.signal)
      } catch {
        return
      }
      this.#forms.dropRetired()
      this.#forms.age()
      for (const { cache, place } of this.#registered()) cache.bookmark(bookmarkFrame(place, this.#revision))
    }
  }
}

/** A BOOKMARK: an object of the kind with nothing in it but the revision, and with the end of WatchList's snapshot marked. */
export function bookmarkFrame(
  place: { apiVersion: string; kind: string },
  revision: number,
  endOfInitialEvents = false,
): { type: 'BOOKMARK'; line: Buffer; object: unknown } {
  const object = {
    kind: place.kind,
    apiVersion: place.apiVersion,
    metadata: {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(endOfInitialEvents ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  }
  return { type: 'BOOKMARK', line: frameLine('BOOKMARK', Buffer.from(JSON.stringify(object))), object }
}

/** `tenant/group/resource/` of a key. */
function resourcePrefix(key: string): string {
  let slash = key.indexOf('/')
  slash = key.indexOf('/', slash + 1)
  slash = key.indexOf('/', slash + 1)
  return key.slice(0, slash + 1)
}

function applyChange(cache: ResourceCache, { key, revision, value }: Change): void {
  cache.apply(key, revision, value)
}
