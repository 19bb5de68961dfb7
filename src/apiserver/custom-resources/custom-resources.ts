// Watches the definitions of custom resources, and serves what they define: names first, then the resource itself, then the word that it is there.
// When a definition goes, its objects go before it.

import { Backoff } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import type { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import type { Watcher } from '../cache/watcher.ts'
import type { RequestContext } from '../registry/context.ts'
import { remove } from '../registry/delete.ts'
import type { Registry } from '../registry/registry.ts'
import { type Core, keyOf, type Served } from '../registry/served.ts'
import { change } from '../registry/update.ts'
import { parseRequest } from '../request-info.ts'
import {
  approval,
  CLEANUP_FINALIZER,
  type Condition,
  type Definition,
  established,
  isTrue,
  nameIt,
  takenNames,
  withCondition,
} from './conditions.ts'
import type { Conversions } from './conversions.ts'
import { Publication } from './publication.ts'

export interface CustomResourcesOptions {
  registry: Registry
  core: Core
  clock: Clock
  log: Logger
  /** Its store is the one that `core` writes to. */
  conversions: Conversions
}

export interface CustomResources extends AsyncDisposable {
  /** Reads a resource's objects from the store again. */
  reload(group: string, plural: string): Promise<void>
  /** Resolves when everything that has been written about definitions so far has been acted on. */
  settled(): Promise<void>
}

/** How often a definition that goes looks whether its objects are gone. */
const CLEANUP_INTERVAL_MS = 1000
const RETRY = { minMs: 200, maxMs: 30_000 }
/** Objects deleted at the same time when their definition goes. */
const PARALLEL_DELETIONS = 16

/** Resolves when what is defined already is served. */
export async function startCustomResources(options: CustomResourcesOptions): Promise<CustomResources> {
  const served = options.registry.get('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')
  if (!served) throw new Error('Bug: definitions of custom resources are not served')
  await options.core.cacher.reached(options.core.store.revision)
  const keeper = new DefinitionKeeper(options, served)
  await keeper.settled()
  return keeper
}

class DefinitionKeeper implements CustomResources {
  readonly #options: CustomResourcesOptions
  readonly #served: Served
  readonly #publication: Publication
  readonly #dirty = new Set<string>()
  readonly #timers = new Map<string, Timer>()
  readonly #backoff = new Backoff(RETRY)
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #watcher: Watcher | undefined
  /** The revision of the newest change that has been looked at. */
  #seen = 0
  #busy = false
  #waiters: (() => void)[] = []

  constructor(options: CustomResourcesOptions, served: Served) {
    this.#options = options
    this.#served = served
    this.#publication = new Publication(options)
    this.#running = this.#run()
  }

  reload(group: string, plural: string): Promise<void> {
    return this.#publication.reload(group, plural)
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#tellSettled()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#watcher?.end()
    for (const timer of this.#timers.values()) timer.cancel()
    await this.#running
    for (const resolve of this.#waiters) resolve()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // A watcher that fell too far behind is over; then everything there is, and was, is looked at again.
      const { cache } = this.#served
      const place = { after: this.#options.core.cacher.revision, initial: false, bookmarks: false }
      const watcher = cache.watch({ namespace: '' }, place)
      if (!watcher) throw new Error('Bug: a watch from the present on was refused')
      this.#watcher = watcher
      for (const name of this.#publication.names()) this.#dirty.add(name)
      for (const { object } of cache.values()) this.#dirty.add(object.metadata.name)
      this.#seen = cache.changedAt
      await this.#drain()
      for await (const batch of watcher) {
        for (const { object } of batch) {
          const { name, resourceVersion } = (object as AnyObject).metadata
          this.#dirty.add(name)
          this.#seen = Math.max(this.#seen, Number(resourceVersion))
        }
        await this.#drain()
      }
    }
  }

  /** One definition at a time: names are given in order. */
  async #drain(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      for (;;) {
        const [name] = this.#dirty
        if (name === undefined || this.#stop.signal.aborted) break
        this.#dirty.delete(name)
        await this.#attempt(name)
      }
    } finally {
      this.#busy = false
    }
    this.#tellSettled()
  }

  #tellSettled(): void {
    if (this.#busy || this.#dirty.size > 0 || this.#served.cache.changedAt > this.#seen) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }

  async #attempt(name: string): Promise<void> {
    try {
      await this.#reconcile(name)
      this.#backoff.reset(name)
    } catch (error) {
      if (errors.isNotFound(error) || this.#stop.signal.aborted) return
      this.#options.log.warn('Failed to act on a definition', { definition: name, error })
      this.#later(name, this.#backoff.next(name))
    }
  }

  #later(name: string, ms: number): void {
    this.#timers.get(name)?.cancel()
    const timer = this.#options.clock.after(ms, () => {
      this.#timers.delete(name)
      this.#dirty.add(name)
      void this.#drain()
    })
    this.#timers.set(name, timer)
  }

  #get(name: string): Definition | undefined {
    return this.#served.cache.get(keyOf(this.#served, { name }))?.object as unknown as Definition | undefined
  }

  *#ofGroup(group: string): Iterable<Definition> {
    for (const stored of this.#served.cache.values()) {
      const definition = stored.object as unknown as Definition
      if (definition.spec.group === group) yield definition
    }
  }

  async #reconcile(name: string): Promise<void> {
    const definition = this.#get(name)
    if (!definition) {
      this.#requeueGroup(name.slice(name.indexOf('.') + 1), name)
      this.#publication.withdraw(name)
      return
    }
    if (definition.metadata.deletionTimestamp !== undefined) {
      await this.#finalize(definition)
      return
    }
    const { accepted, condition } = nameIt(definition, takenNames(this.#ofGroup(definition.spec.group)))
    const word = established(definition, condition.status === 'True')
    // Who reads that it is established may use it at once: so it is served first.
    const serves = word === undefined || word.status === 'True'
    const unserved = serves ? await this.#publication.publish(definition, accepted) : []
    const names = JSON.stringify(accepted)
    const renamed = JSON.stringify(definition.status?.acceptedNames) !== names
    await this.#writeStatus(name, (current) => {
      let conditions: readonly Condition[] = current.status?.conditions ?? []
      for (const next of [condition, word, approval(current)]) {
        if (next) conditions = withCondition(conditions, next, this.#options.clock.now())
      }
      return { ...current.status, acceptedNames: accepted, conditions: this.#withUnserved(conditions, unserved) }
    })
    if (renamed) this.#requeueGroup(definition.spec.group, name)
  }

  /** A schema from before a check that it would not pass today: said here rather than in the log alone. */
  #withUnserved(conditions: readonly Condition[], versions: readonly string[]): Condition[] {
    const type = 'VersionsServed'
    if (versions.length === 0) return conditions.filter((c) => c.type !== type)
    const message = `not served: ${versions.join(', ')}; the schema cannot be loaded`
    const condition = { type, status: 'False', reason: 'SchemaUnusable', message }
    return withCondition(conditions, condition, this.#options.clock.now())
  }

  #requeueGroup(group: string, except: string): void {
    for (const { metadata } of this.#ofGroup(group)) if (metadata.name !== except) this.#dirty.add(metadata.name)
  }

  async #finalize(definition: Definition): Promise<void> {
    const { name, finalizers = [] } = definition.metadata
    if (!finalizers.includes(CLEANUP_FINALIZER)) return
    if (!isTrue(definition, 'Established')) {
      await this.#endTermination(name, 'NeverEstablished', 'resource was never established')
      return
    }
    await this.#setTerminating(name, 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')
    const now = this.#get(name) ?? definition
    await this.#publication.publish(now, now.status?.acceptedNames ?? now.spec.names)
    const served = this.#publication.servedOf(name)
    if (served) {
      await this.#deleteInstances(served)
      if (served.cache.size > 0) {
        this.#later(name, CLEANUP_INTERVAL_MS)
        return
      }
    }
    await this.#endTermination(name, 'InstanceDeletionCompleted', 'removed all instances')
  }

  async #deleteInstances(served: Served): Promise<void> {
    const keys: ObjectKey[] = [...served.cache.values()]
      .filter(({ object }) => object.metadata.deletionTimestamp === undefined)
      .map(({ object }) => ({ ...object.metadata }))
      .map(({ name, namespace }) => ({ name, ...(namespace === undefined ? {} : { namespace }) }))
    for (let i = 0; i < keys.length; i += PARALLEL_DELETIONS) {
      await Promise.all(keys.slice(i, i + PARALLEL_DELETIONS).map((key) => this.#deleteInstance(served, key)))
    }
  }

  async #deleteInstance(served: Served, key: ObjectKey): Promise<void> {
    const { group, version, plural } = served.resource
    const place = key.namespace === undefined ? '' : `namespaces/${key.namespace}/`
    const context = this.#context('DELETE', `/apis/${group}/${version}/${place}${plural}/${key.name}`)
    try {
      await remove(this.#options.core, served, key, {}, context)
    } catch (error) {
      if (!errors.isNotFound(error)) throw error
    }
  }

  #setTerminating(name: string, reason: string, message: string): Promise<void> {
    return this.#writeStatus(name, (current) => ({
      ...current.status,
      conditions: withCondition(
        current.status?.conditions ?? [],
        { type: 'Terminating', status: 'True', reason, message },
        this.#options.clock.now(),
      ),
    }))
  }

  #endTermination(name: string, reason: string, message: string): Promise<void> {
    const ended = { type: 'Terminating', status: 'False', reason, message }
    return this.#writeStatus(
      name,
      (current) => ({
        ...current.status,
        conditions: withCondition(current.status?.conditions ?? [], ended, this.#options.clock.now()),
      }),
      (finalizers) => finalizers.filter((f) => f !== CLEANUP_FINALIZER),
    )
  }

  /** Writes nothing when the status is that already. */
  async #writeStatus(
    name: string,
    statusOf: (current: Definition) => object,
    finalizersOf: (finalizers: readonly string[]) => string[] = (f) => [...f],
  ): Promise<void> {
    const context = this.#context('PUT', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}/status`)
    const next = (current: { object: unknown }): AnyObject => {
      const object = structuredClone(current.object) as CustomResourceDefinition
      // For whatever is there now: a change by somebody else meanwhile is no conflict.
      delete object.metadata.resourceVersion
      object.status = statusOf(object as Definition) as NonNullable<CustomResourceDefinition['status']>
      if (object.metadata.finalizers) object.metadata.finalizers = finalizersOf(object.metadata.finalizers)
      return object as unknown as AnyObject
    }
    await change(this.#options.core, this.#served, { name }, { next, fromPresent: true }, context)
  }

  #context(method: string, path: string): RequestContext {
    return {
      info: parseRequest(method, path, new URLSearchParams()),
      identity: { username: 'system:apiserver', groups: ['system:masters'] },
      requestID: this.#options.core.random.uuid(),
      userAgent: 'kube-apiserver',
      fieldManager: 'kube-apiserver',
      fieldValidation: 'Ignore',
      dryRun: false,
      warnings: [],
      signal: this.#stop.signal,
    }
  }
}
