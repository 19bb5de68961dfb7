// The shared cache of a component: one list and watch of a resource, kept up to date for ever, read without asking the server.

import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { isExpired } from '../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type { Client, ObjectEvent, ObjectSource } from './client.ts'

export interface InformerOptions<T> {
  client: Client
  resource: Resource<T>
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Named indexes: each gives the values under which an object is found by `by`. */
  indexes?: Readonly<Record<string, (object: DeepReadonly<T>) => readonly string[]>>
  clock: Clock
  log: Logger
}

export interface InformerChange<T> {
  type: 'added' | 'modified' | 'deleted'
  object: DeepReadonly<T>
  previous?: DeepReadonly<T>
}

export interface Informer<T> extends AsyncDisposable {
  readonly resource: Resource<T>
  /** Resolves once the cache holds what was there at the start; handlers have heard of all of it by then. */
  readonly synced: Promise<void>
  readonly hasSynced: boolean
  get(key: ObjectKey): DeepReadonly<T> | undefined
  list(namespace?: string): DeepReadonly<T>[]
  by(index: string, value: string): DeepReadonly<T>[]
  /** Hears of every object already known as added, then of every change. Handlers must not wait and must not throw. */
  onChange(handler: (change: InformerChange<T>) => void): void
}

/** An informer that also tells how far it has come. */
export interface FollowingInformer<T> extends Informer<T> {
  /** The revision up to which the cache has heard of everything; empty before the first list. */
  readonly revision: string
}

interface Index<T> {
  readonly name: string
  readonly values: (object: DeepReadonly<T>) => readonly string[]
  /** Of the objects, by value. */
  readonly keys: Map<string, Set<string>>
}

/** An index of this name makes `list(namespace)` take time by what it finds, not by what there is. */
export const NAMESPACE_INDEX = 'namespace'

const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 30_000

export function startInformer<T>(options: InformerOptions<T>): FollowingInformer<T> {
  return new WatchedCache(options)
}

export const keyText = ({ namespace, name }: ObjectKey): string => (namespace ? `${namespace}/${name}` : name)

class WatchedCache<T> implements FollowingInformer<T> {
  readonly resource: Resource<T>
  readonly synced: Promise<void>
  hasSynced = false
  readonly #options: InformerOptions<T>
  /** What gives each object: of a server in this process the cache's entry, which is parsed when somebody looks. */
  readonly #objects = new Map<string, ObjectSource<T>>()
  readonly #indexes: readonly Index<T>[]
  readonly #handlers: ((change: InformerChange<T>) => void)[] = []
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #markSynced: () => void = () => {}
  #revision = ''

  constructor(options: InformerOptions<T>) {
    this.#options = options
    this.resource = options.resource
    this.#indexes = Object.entries(options.indexes ?? {}).map(([name, values]) => ({ name, values, keys: new Map() }))
    this.synced = new Promise((resolve) => {
      this.#markSynced = () => {
        this.hasSynced = true
        resolve()
      }
    })
    this.#running = this.#run()
  }

  get revision(): string {
    return this.#revision
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return contentOf(this.#objects.get(keyText(key)))
  }

  list(namespace?: string): DeepReadonly<T>[] {
    if (namespace === undefined) return this.#all()
    if (this.#indexOf(NAMESPACE_INDEX)) return this.by(NAMESPACE_INDEX, namespace)
    return this.#all().filter((o) => metadataOf(o).namespace === namespace)
  }

  #all(): DeepReadonly<T>[] {
    return Array.from(this.#objects.values(), (source) => contentOf(source))
  }

  by(index: string, value: string): DeepReadonly<T>[] {
    const found: DeepReadonly<T>[] = []
    const keys = this.#indexOf(index)?.keys.get(value)
    if (keys === undefined) return found
    for (const key of keys) {
      const source = this.#objects.get(key)
      if (source !== undefined) found.push(contentOf(source))
    }
    return found
  }

  #indexOf(name: string): Index<T> | undefined {
    for (const index of this.#indexes) if (index.name === name) return index
    return undefined
  }

  onChange(handler: (change: InformerChange<T>) => void): void {
    this.#handlers.push(handler)
    for (const source of this.#objects.values()) handler({ type: 'added', object: contentOf(source) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log, resource } = this.#options
    let wait = RETRY_MIN_MS
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#revision === '') await this.#snapshot()
        wait = RETRY_MIN_MS
        await this.#follow()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (isExpired(error)) this.#revision = ''
        log.debug('Lost a watch', { resource: resource.plural, error })
        await sleep(clock, wait, this.#stop.signal).catch(() => {})
        wait = Math.min(wait * 2, RETRY_MAX_MS)
      }
    }
  }

  /** Lists, and tells the difference to what was known: after an Expired watch nothing may be missed. */
  async #snapshot(): Promise<void> {
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options
    const listed = await client.list(resource, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      resourceVersion: '0',
      signal: this.#stop.signal,
    })
    const seen = new Set<string>()
    for (const source of listed.sources ?? listed.items.map(sourceOf)) seen.add(this.#put(source))
    for (const [key, source] of this.#objects) if (!seen.has(key)) this.#drop(contentOf(source))
    this.#revision = listed.resourceVersion
    this.#markSynced()
  }

  async #follow(): Promise<void> {
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options
    const events = client.watch(resource, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      resourceVersion: this.#revision,
      allowWatchBookmarks: true,
      signal: this.#stop.signal,
    })
    for await (const batch of events) for (const event of batch) this.#take(event)
  }

  #take(event: ObjectEvent<T>): void {
    const source = event.source ?? sourceOf(event.object)
    const object = contentOf(source)
    this.#revision = metadataOf(object).resourceVersion ?? this.#revision
    if (event.type === 'DELETED') this.#drop(object)
    else if (event.type !== 'BOOKMARK') this.#put(source)
  }

  /** Returns its key. */
  #put(source: ObjectSource<T>): string {
    const object = contentOf(source)
    const metadata = metadataOf(object)
    const key = keyText(metadata)
    const previous = contentOf(this.#objects.get(key))
    if (previous && metadataOf(previous).resourceVersion === metadata.resourceVersion) return key
    this.#objects.set(key, source)
    this.#index(key, previous, object)
    this.#tell(previous === undefined ? { type: 'added', object } : { type: 'modified', object, previous })
    return key
  }

  #drop(object: DeepReadonly<T>): void {
    const key = keyText(metadataOf(object))
    const previous = contentOf(this.#objects.get(key))
    if (previous === undefined) return
    this.#objects.delete(key)
    this.#index(key, previous, undefined)
    this.#tell({ type: 'deleted', object, previous })
  }

  #tell(change: InformerChange<T>): void {
    for (const handler of this.#handlers) handler(change)
  }

  #index(key: string, previous: DeepReadonly<T> | undefined, object: DeepReadonly<T> | undefined): void {
    for (const { values, keys: index } of this.#indexes) {
      const before = previous === undefined ? NO_VALUES : values(previous)
      const after = object === undefined ? NO_VALUES : values(object)
      // Most changes leave an object where it is found.
      if (before.length === after.length && before.every((value, i) => value === after[i])) continue
      for (const value of before) {
        const keys = index.get(value)
        keys?.delete(key)
        if (keys?.size === 0) index.delete(value)
      }
      for (const value of after) {
        const keys = index.get(value)
        if (keys) keys.add(key)
        else index.set(value, new Set([key]))
      }
    }
  }
}

const NO_VALUES: readonly string[] = []

/** An object that is ours alone. Nobody who reads a cache asks who owns which field, and that is half of a pod. */
function sourceOf<T>(object: DeepReadonly<T>): ObjectSource<T> {
  const metadata = metadataOf(object) as { managedFields?: unknown }
  if (metadata.managedFields !== undefined) delete metadata.managedFields
  return { object }
}

/** What a source gives to who does not ask which fields somebody owns: components do not. */
function contentOf<T>(source: ObjectSource<T>): DeepReadonly<T>
function contentOf<T>(source: ObjectSource<T> | undefined): DeepReadonly<T> | undefined
function contentOf<T>(source: ObjectSource<T> | undefined): DeepReadonly<T> | undefined {
  return source && (source.content ?? source.object)
}

function metadataOf(object: unknown): AnyObject['metadata'] {
  return (object as AnyObject).metadata
}
