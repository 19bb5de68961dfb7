// All objects of one resource, by key and in order, with the window of recent changes that watches resume from.

import type { WatchFrame } from '../../client/door.ts'
import { loneFrame, StoredObject } from './stored.ts'
import type { Selection } from './watcher.ts'
import { Watcher } from './watcher.ts'

/** Recent changes kept per resource for watches to resume from … */
export const MAX_WINDOW_CHANGES = 16_384
/** … as long as their objects take no more than this: a client that keeps changing a large object must not fill the memory. */
export const MAX_WINDOW_BYTES = 64 * 1024 * 1024

interface CacheChange {
  revision: number
  /** The object after the change; for a deletion the last state, at the deletion's revision. */
  object: StoredObject
  deleted: boolean
  previous: StoredObject | undefined
}

export interface Page {
  items: readonly StoredObject[]
  /** The key of the last item when there is more behind it. */
  next: string | undefined
  remaining: number
}

export class ResourceCache {
  /** `tenant/group/resource/`; keys go on with `namespace/name` or `name`. */
  readonly prefix: string
  readonly #namespaced: boolean
  readonly #objects = new Map<string, StoredObject>()
  /** Sorted keys by namespace ('' for cluster-scoped resources); an unsorted one is absent from `#sorted`. */
  readonly #byNamespace = new Map<string, Set<string>>()
  readonly #sorted = new Map<string, readonly string[]>()
  #window: CacheChange[] = []
  #windowBytes = 0
  /** Watches can resume from here on: every change after this revision is in the window. */
  #windowFloor = 0
  /** The revision of the last change of this resource. */
  #changedAt = 0
  readonly #watchers = new Set<Watcher>()
  /** Watchers of one object by its name, so that thousands of them cost a change of another object nothing. */
  readonly #byName = new Map<string, Set<Watcher>>()

  /** How stored bytes read in this cache's version; absent where there is one version only. */
  readonly #read: ((stored: Buffer) => Buffer) | undefined

  constructor(prefix: string, namespaced: boolean, read?: (stored: Buffer) => Buffer) {
    this.prefix = prefix
    this.#namespaced = namespaced
    this.#read = read
  }

  /** What the store holds, as this cache's readers see it. */
  objectFrom(key: string, revision: number, stored: Buffer): StoredObject {
    return StoredObject.fromStore(key, revision, this.#read ? this.#read(stored) : stored)
  }

  /** The load is complete, and of this revision. The last change before it may have been a deletion, which leaves nothing to tell when it was. */
  filled(revision: number): void {
    this.#windowFloor = revision
    this.#changedAt = revision
  }

  /** Says from where on the window is complete. */
  setFloor(revision: number): void {
    this.#windowFloor = revision
  }

  get size(): number {
    return this.#objects.size
  }

  /** Watches can resume from here on. */
  get floor(): number {
    return this.#windowFloor
  }

  get changedAt(): number {
    return this.#changedAt
  }

  get watcherCount(): number {
    let count = this.#watchers.size
    for (const named of this.#byName.values()) count += named.size
    return count
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key)
  }

  values(): Iterable<StoredObject> {
    return this.#objects.values()
  }

  /** Forgets everything; watches are not told. */
  clear(): void {
    this.#objects.clear()
    this.#byNamespace.clear()
    this.#sorted.clear()
    this.#window = []
    this.#windowBytes = 0
  }

  /** Fills the cache while it is being loaded; no event is sent. */
  load(object: StoredObject): void {
    this.#insert(object)
  }

  /** Remembers a change from before the cache was loaded, so that watches can resume across a restart of the server. */
  remember(change: CacheChange): void {
    this.#extendWindow(change)
  }

  /** What the objects in the window take; the newest states are counted although the cache holds them too. */
  get windowBytes(): number {
    return this.#windowBytes
  }

  /** Applies a committed change and tells the watchers. */
  apply(key: string, revision: number, value: Buffer | undefined, previousValue: Buffer | undefined): void {
    const previous = this.#objects.get(key)
    const last = value ?? previousValue
    if (last === undefined) return
    const object = this.objectFrom(key, revision, last)
    if (value === undefined) this.#remove(key)
    else this.#insert(object)
    const change: CacheChange = { revision, object, deleted: value === undefined, previous }
    this.#changedAt = revision
    this.#extendWindow(change)
    const place = this.#placeOf(key)
    for (const watcher of this.#watchers) deliver(watcher, change, place)
    const named = this.#byName.get(place.name)
    if (named) for (const watcher of named) deliver(watcher, change, place)
    object.dropFrames()
    previous?.dropParsed()
  }

  /** A page of the selection in key order, starting behind `after`. */
  list(selection: Selection, limit = 0, after?: string): Page {
    const keys = this.#keys(selection)
    let index = after === undefined ? 0 : firstBehind(keys, after)
    const items: StoredObject[] = []
    for (; index < keys.length; index++) {
      const object = this.#objects.get(keys[index] ?? '')
      if (!object || (selection.matches && !selection.matches(object))) continue
      if (limit > 0 && items.length === limit) {
        return { items, next: items.at(-1)?.key, remaining: keys.length - index }
      }
      items.push(object)
    }
    return { items, next: undefined, remaining: 0 }
  }

  /**
   * Starts a watch after `revision`; `undefined` when changes after it are no longer known.
   * With `initial`, the present state is sent first as ADDED events, and `revision` is ignored.
   */
  watch(selection: Selection, options: { after: number; initial: boolean; bookmarks: boolean }): Watcher | undefined {
    if (!options.initial && options.after < this.#windowFloor) return undefined
    const named = selection.name
    const set = named === undefined ? this.#watchers : (this.#byName.get(named) ?? new Set())
    const { bookmarks, initial, after } = options
    const watcher = new Watcher(selection, { bookmarks, after: initial ? 0 : after }, (ended) => {
      set.delete(ended)
      if (named !== undefined && set.size === 0) this.#byName.delete(named)
    })
    if (options.initial) {
      watcher.start(this.list(selection).items.map((object) => loneFrame('ADDED', object)))
    } else {
      for (const change of this.#windowAfter(options.after)) deliver(watcher, change, this.#placeOf(change.object.key))
    }
    if (named !== undefined) this.#byName.set(named, set)
    set.add(watcher)
    return watcher
  }

  /** Sends a BOOKMARK to the watchers that asked for them. */
  bookmark(frame: WatchFrame): void {
    for (const watcher of this.#watchers) if (watcher.bookmarks) watcher.push(frame)
    for (const set of this.#byName.values()) for (const watcher of set) if (watcher.bookmarks) watcher.push(frame)
  }

  /** Ends all watches: their clients come back or list again. */
  endWatches(): void {
    for (const watcher of [...this.#watchers, ...[...this.#byName.values()].flatMap((s) => [...s])]) watcher.end()
  }

  /** Over a bound, the older half goes at once, so that the cost of moving the rest is spread over many changes. */
  #extendWindow(change: CacheChange): void {
    this.#window.push(change)
    this.#windowBytes += change.object.bytes.length
    if (this.#window.length <= MAX_WINDOW_CHANGES && this.#windowBytes <= MAX_WINDOW_BYTES) return
    let dropped = 0
    while (this.#window.length - dropped > MAX_WINDOW_CHANGES / 2 || this.#windowBytes > MAX_WINDOW_BYTES / 2) {
      const oldest = this.#window[dropped]
      if (!oldest) break
      this.#windowBytes -= oldest.object.bytes.length
      this.#windowFloor = Math.max(this.#windowFloor, oldest.revision)
      dropped++
    }
    this.#window = this.#window.slice(dropped)
  }

  #windowAfter(revision: number): readonly CacheChange[] {
    let low = 0
    let high = this.#window.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#window[middle]?.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return this.#window.slice(low)
  }

  #placeOf(key: string): { namespace: string; name: string } {
    const slash = this.#namespaced ? key.indexOf('/', this.prefix.length) : -1
    if (slash < 0) return { namespace: '', name: key.slice(this.prefix.length) }
    return { namespace: key.slice(this.prefix.length, slash), name: key.slice(slash + 1) }
  }

  #insert(object: StoredObject): void {
    if (!this.#objects.has(object.key)) {
      const { namespace } = this.#placeOf(object.key)
      let keys = this.#byNamespace.get(namespace)
      if (!keys) {
        keys = new Set()
        this.#byNamespace.set(namespace, keys)
      }
      keys.add(object.key)
      this.#sorted.delete(namespace)
      this.#sorted.delete(ALL)
    }
    this.#objects.set(object.key, object)
  }

  #remove(key: string): void {
    if (!this.#objects.delete(key)) return
    const { namespace } = this.#placeOf(key)
    const keys = this.#byNamespace.get(namespace)
    keys?.delete(key)
    if (keys?.size === 0) this.#byNamespace.delete(namespace)
    this.#sorted.delete(namespace)
    this.#sorted.delete(ALL)
  }

  #keys(selection: Selection): readonly string[] {
    const { namespace, name } = selection
    if (name !== undefined && (namespace !== '' || !this.#namespaced)) {
      const key = this.#namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name
      return this.#objects.has(key) ? [key] : []
    }
    const group = namespace === '' ? ALL : namespace
    let keys = this.#sorted.get(group)
    if (!keys) {
      keys = [...(group === ALL ? this.#objects.keys() : (this.#byNamespace.get(group) ?? []))].sort(compareKeys)
      this.#sorted.set(group, keys)
    }
    return name === undefined ? keys : keys.filter((key) => this.#placeOf(key).name === name)
  }
}

/** No namespace can be called this. */
const ALL = '*'

/** Keys are ASCII, so the order of UTF-16 units is the store's order of bytes. */
function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function firstBehind(keys: readonly string[], after: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') <= after) low = middle + 1
    else high = middle
  }
  return low
}

/** An object that enters a selection is ADDED to it, one that leaves it is DELETED from it. */
function deliver(watcher: Watcher, change: CacheChange, place: { namespace: string; name: string }): void {
  const { selection } = watcher
  // A watch may start at a revision that is still to come.
  if (change.revision <= watcher.after) return
  if (selection.namespace !== '' && selection.namespace !== place.namespace) return
  if (selection.name !== undefined && selection.name !== place.name) return
  const { object, previous, deleted } = change
  const was = previous !== undefined && matches(selection, previous)
  if (deleted) {
    if (was) watcher.push(object.frame('DELETED'), object.bytes.length)
    return
  }
  const is = matches(selection, object)
  if (is) watcher.push(object.frame(was ? 'MODIFIED' : 'ADDED'), object.bytes.length)
  else if (was) watcher.push(previous.at(object.revision).frame('DELETED'), previous.bytes.length)
}

function matches(selection: Selection, stored: StoredObject): boolean {
  return selection.matches === undefined || selection.matches(stored)
}
