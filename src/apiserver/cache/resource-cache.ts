// All objects of one resource, by key and in order, with the window of recent changes that watches resume from.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { WatchFrame } from '../../client/door.ts'
import { type CacheChange, ChangeWindow } from './change-window.ts'
import { LabelIndex, MIN_INDEXED_OBJECTS } from './label-index.ts'
import { OrderedObjects, type Span } from './ordered-objects.ts'
import { ParsedForms } from './parsed-forms.ts'
import { Slabs } from './slabs.ts'
import { StoredObject } from './stored.ts'
import type { Selection } from './watcher.ts'
import { Watcher } from './watcher.ts'

/** Objects that are looked through in one turn; other requests come in between. */
const OBJECTS_A_TURN = 256

export interface Page {
  items: readonly StoredObject[]
  /** The key of the last item when there is more behind it. */
  next: string | undefined
  remaining: number
}

export interface ResourceCacheOptions {
  /** How stored bytes read in this cache's version; absent where there is one version only. */
  read?: ((stored: Buffer) => Buffer) | undefined
  /** Where the parsed objects of all caches are counted. */
  forms?: ParsedForms
}

export class ResourceCache {
  /** `tenant/group/resource/`; keys go on with `namespace/name` or `name`. */
  readonly prefix: string
  readonly #namespaced: boolean
  readonly #read: ((stored: Buffer) => Buffer) | undefined
  readonly #forms: ParsedForms
  readonly #slabs: Slabs
  readonly #objects = new Map<string, StoredObject>()
  readonly #ordered = new OrderedObjects<StoredObject>()
  readonly #labels = new LabelIndex()
  /** Indexes that are being made, by their label. */
  readonly #indexing = new Map<string, Promise<void>>()
  readonly #window = new ChangeWindow()
  /** What `remember` has taken in by key: the change that comes next replaces it. */
  readonly #remembered = new Map<string, StoredObject>()
  /** The revision of the last change of this resource. */
  #changedAt = 0
  readonly #watchers = new Set<Watcher>()
  /** Watchers of one object by its name, so that thousands of them cost a change of another object nothing. */
  readonly #byName = new Map<string, Set<Watcher>>()

  constructor(prefix: string, namespaced: boolean, options: ResourceCacheOptions = {}) {
    this.prefix = prefix
    this.#namespaced = namespaced
    this.#read = options.read
    this.#forms = options.forms ?? new ParsedForms()
    this.#slabs = new Slabs(this.#forms)
  }

  /** What the store holds, as this cache's readers see it. */
  objectFrom(key: string, revision: number, stored: Buffer): StoredObject {
    return StoredObject.fromStore(key, revision, this.#read ? this.#read(stored) : stored)
  }

  #hold(key: string, revision: number, stored: Buffer): StoredObject {
    return StoredObject.held(key, revision, this.#read ? this.#read(stored) : stored, this.#slabs)
  }

  /** The load is complete, and of this revision. The last change before it may have been a deletion, which leaves nothing to tell when it was. */
  filled(revision: number): void {
    this.#window.floor = revision
    this.#changedAt = revision
  }

  /** Says from where on the window is complete. */
  setFloor(revision: number): void {
    this.#window.floor = revision
  }

  get size(): number {
    return this.#objects.size
  }

  /** Watches can resume from here on. */
  get floor(): number {
    return this.#window.floor
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
    this.#forget(this.#window.changes)
    for (const object of this.#objects.values()) object.release()
    this.#objects.clear()
    this.#ordered.clear()
    this.#labels.clear()
    this.#indexing.clear()
    this.#window.clear()
    this.#remembered.clear()
  }

  /** Fills the cache while it is being loaded; no event is sent. */
  load({ key, revision, value }: LoadedEntry): void {
    this.#insert(this.#hold(key, revision, value))
  }

  /** Remembers a change from before the cache was loaded, so that watches can resume across a restart of the server. */
  remember({ key, revision, value, previous }: RememberedChange): void {
    const state = (at: number, stored: Buffer): StoredObject =>
      [this.#objects.get(key), this.#remembered.get(key)].find((known) => known?.revision === at) ??
      this.#hold(key, at, stored)
    const before = previous && state(previous.revision, previous.value)
    const object = value && state(revision, value)
    if (object) this.#remembered.set(key, object)
    else this.#remembered.delete(key)
    this.#extendWindow({ key, revision, object, previous: before, last: undefined })
  }

  /** What the objects in the window take; the newest states are counted although the cache holds them too. */
  get windowBytes(): number {
    return this.#window.sizeBytes
  }

  /** Applies a committed change and tells the watchers. */
  apply(key: string, revision: number, value: Buffer | undefined): void {
    const previous = this.#objects.get(key)
    if (this.#remembered.size > 0) this.#remembered.clear()
    this.#changedAt = revision
    if (value === undefined && !previous) return
    const object = value && this.#hold(key, revision, value)
    if (object) this.#insert(object, previous)
    else this.#remove(key, previous)
    const change: CacheChange = { key, revision, object, previous, last: undefined }
    this.#extendWindow(change)
    const place = this.#placeOf(key)
    for (const watcher of this.#watchers) deliver(watcher, change, place)
    const named = this.#byName.get(place.name)
    if (named) for (const watcher of named) deliver(watcher, change, place)
    change.last = undefined
    object?.dropPassing()
    if (previous) this.#forms.retire(previous)
  }

  /** A page of the selection in key order, starting behind `after`. */
  list(selection: Selection, limit = 0, after?: string): Page {
    const span = this.#spanOf(selection, after)
    if (limit === 0 && !selection.matches && (selection.name === undefined || span.end !== undefined))
      return { items: this.#ordered.slice(span), next: undefined, remaining: 0 }
    const items: StoredObject[] = []
    let next: StoredObject | undefined
    const take = (object: StoredObject): boolean => {
      if (!this.#isSelected(selection, object)) return true
      if (limit > 0 && items.length === limit) next = object
      else items.push(object)
      return next === undefined
    }
    const indexed = this.#indexed(selection, span)
    if (indexed) indexed.every(take)
    else this.#ordered.walk(span, take)
    if (!next) return { items, next: undefined, remaining: 0 }
    return { items, next: items.at(-1)?.key, remaining: this.#ordered.count({ ...span, start: next.key }) }
  }

  /**
   * The same of the state at this call, in turns where it looks through many objects. Call `prepare` before.
   */
  async select(selection: Selection, limit = 0, after?: string): Promise<Page> {
    const span = this.#spanOf(selection, after)
    const few = !selection.matches || selection.name !== undefined || this.#ordered.count(span) <= OBJECTS_A_TURN
    if (few || this.#indexed(selection, span)) return this.list(selection, limit, after)
    const objects = this.#ordered.slice(span)
    const items: StoredObject[] = []
    for (const [index, object] of objects.entries()) {
      if (index % OBJECTS_A_TURN === OBJECTS_A_TURN - 1) await nextTurn()
      if (!this.#isSelected(selection, object)) continue
      if (limit > 0 && items.length === limit)
        return { items, next: items.at(-1)?.key, remaining: objects.length - index }
      items.push(object)
    }
    return { items, next: undefined, remaining: 0 }
  }

  /** Makes an index for what a list selects by, where there are many objects: to be waited for, when it is not there yet. */
  prepare({ labels = [], name }: Selection): Promise<void> | undefined {
    if (labels.length === 0 || name !== undefined || this.#objects.size < MIN_INDEXED_OBJECTS) return undefined
    const missing = this.#labels.missing(labels)
    if (missing === undefined) return labels.map(({ key }) => this.#indexing.get(key)).find((making) => making)
    const making = this.#index(missing).finally(() => {
      if (this.#indexing.get(missing) === making) this.#indexing.delete(missing)
    })
    this.#indexing.set(missing, making)
    return making
  }

  async #index(label: string): Promise<void> {
    const put = this.#labels.open(label)
    let count = 0
    // A map is walked as it is when the walk comes by: what changes meanwhile is put in by the change.
    for (const object of this.#objects.values()) {
      put(object)
      object.dropPassing()
      if (++count % OBJECTS_A_TURN === 0) await nextTurn()
    }
    this.#labels.complete(label)
  }

  /**
   * Starts a watch after `revision`; `undefined` when changes after it are no longer known.
   * With `initial`, the present state is sent first as ADDED events, and `revision` is ignored.
   */
  watch(selection: Selection, options: { after: number; initial: boolean; bookmarks: boolean }): Watcher | undefined {
    if (!options.initial && options.after < this.#window.floor) return undefined
    const named = selection.name
    const set = named === undefined ? this.#watchers : (this.#byName.get(named) ?? new Set())
    const { bookmarks, initial, after } = options
    const watcher = new Watcher(selection, { bookmarks, after: initial ? 0 : after }, this.#leave)
    if (options.initial) {
      watcher.start(this.list(selection).items)
    } else {
      for (const change of this.#window.after(options.after)) {
        deliver(watcher, change, this.#placeOf(change.key))
        change.last = undefined
        change.object?.dropPassing()
        change.previous?.dropPassing()
      }
    }
    if (named !== undefined) this.#byName.set(named, set)
    set.add(watcher)
    return watcher
  }

  /** One for all watchers: a closure for each would be memory. */
  readonly #leave = (watcher: Watcher): void => {
    const { name } = watcher.selection
    const set = name === undefined ? this.#watchers : this.#byName.get(name)
    set?.delete(watcher)
    if (name !== undefined && set?.size === 0) this.#byName.delete(name)
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

  #extendWindow(change: CacheChange): void {
    this.#forget(this.#window.add(change))
  }

  /** What a change replaced is needed by nobody once the change has left the window: the change that made it left before. */
  #forget(changes: readonly CacheChange[]): void {
    for (const { key, previous } of changes) if (previous && this.#objects.get(key) !== previous) previous.release()
  }

  #placeOf(key: string): Place {
    const slash = this.#namespaced ? key.indexOf('/', this.prefix.length) : -1
    if (slash < 0) return { namespace: '', name: key.slice(this.prefix.length) }
    return { namespace: key.slice(this.prefix.length, slash), name: key.slice(slash + 1) }
  }

  #insert(object: StoredObject, previous?: StoredObject): void {
    this.#objects.set(object.key, object)
    this.#ordered.set(object)
    if (this.#labels.isEmpty) return
    if (previous) this.#labels.remove(previous)
    this.#labels.add(object)
  }

  #remove(key: string, previous: StoredObject | undefined): void {
    this.#objects.delete(key)
    this.#ordered.delete(key)
    if (previous && !this.#labels.isEmpty) this.#labels.remove(previous)
  }

  /** Where in the order the selection can be. */
  #spanOf({ namespace, name }: Selection, after: string | undefined): Span {
    const inNamespace = this.#namespaced && namespace !== '' ? `${this.prefix}${namespace}/` : undefined
    const one = name !== undefined && (inNamespace !== undefined || !this.#namespaced)
    const first = one ? (inNamespace ?? this.prefix) + name : inNamespace
    const end = one ? `${first}${LOWEST}` : inNamespace && inNamespace.slice(0, -1) + BEHIND_SLASH
    const behind = after === undefined ? undefined : after + LOWEST
    const start = behind !== undefined && (first === undefined || behind > first) ? behind : first
    return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
  }

  /** The objects of the span that can be selected, in order, where an index knows them. */
  #indexed({ labels, name }: Selection, { start = '', end }: Span): StoredObject[] | undefined {
    if (!labels || name !== undefined || this.#labels.isEmpty) return undefined
    const most = this.#ordered.count({ start, ...(end === undefined ? {} : { end }) })
    const candidates = this.#labels.candidates(labels, most)
    return candidates
      ?.filter(({ key }) => key >= start && (end === undefined || key < end))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  #isSelected({ name, matches: suits }: Selection, object: StoredObject): boolean {
    if (name !== undefined && this.#placeOf(object.key).name !== name) return false
    if (!suits) return true
    const { isParsed } = object
    // Looking through all objects must not make what others look at be forgotten.
    this.#forms.isPaused = true
    try {
      return suits(object)
    } finally {
      this.#forms.isPaused = false
      if (isParsed) object.dropPassing()
      else object.dropParsed()
    }
  }
}

interface LoadedEntry {
  key: string
  revision: number
  value: Buffer
}

/** A change from before the load, as the store's log has it. */
interface RememberedChange extends Partial<LoadedEntry> {
  key: string
  revision: number
  previous?: { revision: number; value: Buffer } | undefined
}

interface Place {
  readonly namespace: string
  readonly name: string
}

/** Added to a key: the first text behind it. */
const LOWEST = '\0'
/** Follows the slash in ASCII. */
const BEHIND_SLASH = '0'

/** An object that enters a selection is ADDED to it, one that leaves it is DELETED from it. */
function deliver(watcher: Watcher, change: CacheChange, place: Place): void {
  const { selection } = watcher
  // A watch may start at a revision that is still to come.
  if (change.revision <= watcher.after) return
  if (selection.namespace !== '' && selection.namespace !== place.namespace) return
  if (selection.name !== undefined && selection.name !== place.name) return
  const { object, previous, revision } = change
  const was = previous !== undefined && matches(selection, previous)
  const is = object !== undefined && matches(selection, object)
  if (is) {
    watcher.push(object.frame(was ? 'MODIFIED' : 'ADDED'), object.bytes.length)
  } else if (was) {
    // Deleted, or no longer selected: the last state, as of the revision at which it went.
    change.last ??= previous.at(revision)
    watcher.push(change.last.frame('DELETED'), previous.bytes.length)
  }
}

function matches(selection: Selection, stored: StoredObject): boolean {
  return selection.matches === undefined || selection.matches(stored)
}
