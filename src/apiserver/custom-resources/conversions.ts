// Conversion by webhook: what is written is stored in the storage version; what is read in another version has been converted before the
// caches, which cannot wait, ask for it. An object that could not be converted is asked about again, and refused meanwhile.

import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { StatusError } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { serialize } from '../../apimachinery/serialize.ts'
import type { WebhookConversion } from '../../api/apiextensions/fields.ts'
import type { Change, Entry, Store, WatchBatch, WatchOptions, Write, WriteResult } from '../../store/store.ts'
import {
  checkedObject,
  ConversionError,
  convertedObjects,
  type JsonObject,
  reviewOf,
  reviewVersion,
} from './conversion-review.ts'
import type { CallWebhook } from './webhook-call.ts'

/** Upstream gives a conversion webhook 30 seconds. */
const TIMEOUT_MS = 30_000
/** A change that another server made holds up every watch of this one: it waits no longer than this. */
const FOREIGN_TIMEOUT_MS = 2000
/** Objects asked about in one review. */
const MAX_REVIEW_OBJECTS = 500
/** Converted states that wait for the caches to take them. */
const MAX_PREPARED = 100_000
/** What failed is asked about again at most this often. */
const RETRY_INTERVAL_MS = 1000

export interface Converted {
  group: string
  plural: string
  kind: string
  /** `example.com/v1` */
  storage: string
  /** The versions that are served, the storage version among them if it is. */
  served: readonly string[]
  webhook: DeepReadonly<WebhookConversion>
}

export interface ConversionsOptions {
  call: CallWebhook
  clock: Clock
  random: Random
  log: Logger
}

interface Failure {
  stored: Buffer
  /** `namespace/name` */
  place: string
  why: string
}

interface Active extends Converted {
  /** Stored states that could not be converted, by `apiVersion`, then by the bytes' hash. */
  readonly failed: Map<string, Map<string, Failure>>
  retriedAt: number
}

export class Conversions {
  readonly #options: ConversionsOptions
  readonly #active = new Map<string, Active>()
  readonly #prepared = new Map<string, Buffer>()
  readonly #stop = new AbortController()

  constructor(options: ConversionsOptions) {
    this.#options = options
  }

  /** From now on objects of this resource are converted by this webhook; undefined: no longer. */
  set(group: string, plural: string, conversion: Converted | undefined): void {
    const key = `${group}/${plural}`
    const known = this.#active.get(key)
    if (!conversion) this.#active.delete(key)
    else this.#active.set(key, { ...conversion, failed: known?.failed ?? new Map(), retriedAt: 0 })
  }

  /** Whether any resource is converted by a webhook. */
  get active(): boolean {
    return this.#active.size > 0
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }

  /** The store as the caches and the registry use it. */
  over(store: Store): Store {
    return new ConvertingStore(store, this)
  }

  /** The resource that a key of the store belongs to, if its objects are converted by a webhook. */
  of(key: string): Active | undefined {
    if (this.#active.size === 0) return undefined
    const [, group = '', plural = ''] = key.split('/', 3)
    return this.#active.get(`${group}/${plural}`)
  }

  /** The bytes in the storage version. Throws a StatusError. */
  async toStorage(resource: Active, value: Buffer): Promise<Buffer> {
    if (versionOf(value) === resource.storage) return value
    try {
      const [converted] = await this.#convert(resource, [value], resource.storage, TIMEOUT_MS)
      return converted ?? value
    } catch (error) {
      throw statusOf(error)
    }
  }

  /** Converts stored states to every version that is served. What fails is remembered, and refused when it is read. */
  async prepare(resource: Active, stored: readonly Buffer[], timeoutMs = TIMEOUT_MS): Promise<void> {
    for (const apiVersion of resource.served) {
      const asked = stored.filter(
        (bytes) => versionOf(bytes) !== apiVersion && !this.#prepared.has(idOf(bytes, apiVersion)),
      )
      for (let i = 0; i < asked.length; i += MAX_REVIEW_OBJECTS) {
        const some = asked.slice(i, i + MAX_REVIEW_OBJECTS)
        try {
          const converted = await this.#convert(resource, some, apiVersion, timeoutMs)
          some.forEach((bytes, k) => {
            const result = converted[k]
            if (result) this.#remember(idOf(bytes, apiVersion), result)
            resource.failed.get(apiVersion)?.delete(hashOf(bytes))
          })
        } catch (error) {
          if (!(error instanceof ConversionError)) throw error
          this.#fail(resource, apiVersion, some, error.message)
        }
      }
    }
  }

  #fail(resource: Active, apiVersion: string, stored: readonly Buffer[], why: string): void {
    this.#options.log.warn('Failed to convert custom resources', {
      resource: `${resource.plural}.${resource.group}`,
      to: apiVersion,
      why,
    })
    const failed = resource.failed.get(apiVersion) ?? new Map<string, Failure>()
    resource.failed.set(apiVersion, failed)
    for (const bytes of stored) failed.set(hashOf(bytes), { stored: bytes, place: placeOf(bytes), why })
  }

  #remember(id: string, bytes: Buffer): void {
    this.#prepared.set(id, bytes)
    const [oldest] = this.#prepared.keys()
    if (this.#prepared.size > MAX_PREPARED && oldest !== undefined) this.#prepared.delete(oldest)
  }

  /** A stored state in a version, once: the cache keeps it from then on. */
  take(stored: Buffer, apiVersion: string): Buffer | undefined {
    const id = idOf(stored, apiVersion)
    const bytes = this.#prepared.get(id)
    this.#prepared.delete(id)
    return bytes
  }

  /** Whether what is asked for can be shown, after asking the webhook again about what could not. */
  async readable({ group, version, plural, place }: Asked): Promise<'yes' | 'reload' | { why: string }> {
    const resource = this.#active.get(`${group}/${plural}`)
    const failed = resource?.failed.get(`${group}/${version}`)
    if (!resource || !failed || failed.size === 0) return 'yes'
    const now = this.#options.clock.now()
    if (now - resource.retriedAt >= RETRY_INTERVAL_MS) {
      resource.retriedAt = now
      const before = failed.size
      await this.prepare(
        resource,
        [...failed.values()].map(({ stored }) => stored),
      )
      if (failed.size < before) return 'reload'
    }
    const found = [...failed.values()].find((failure) => place === undefined || failure.place === place)
    return found ? { why: found.why } : 'yes'
  }

  /** A state that is gone needs no converting any more. */
  forget(resource: Active, stored: Buffer): void {
    for (const failed of resource.failed.values()) failed.delete(hashOf(stored))
  }

  async #convert(
    resource: Active,
    stored: readonly Buffer[],
    apiVersion: string,
    timeoutMs: number,
  ): Promise<Buffer[]> {
    const { webhook, kind } = resource
    const objects = stored.map((bytes) => JSON.parse(bytes.toString()) as JsonObject)
    const from = `${String(objects[0]?.['apiVersion'] ?? '')}, Kind=${kind}`
    const version = reviewVersion(webhook.conversionReviewVersions)
    const question = { version, uid: this.#options.random.uuid(), desiredAPIVersion: apiVersion, objects }
    const body = Buffer.from(JSON.stringify(reviewOf(question)))
    let answered: readonly unknown[]
    try {
      const config = webhook.clientConfig ?? {}
      const answer = await this.#options.call({ config, body, timeoutMs, signal: this.#stop.signal })
      answered = convertedObjects(parsed(answer), question)
    } catch (error) {
      const why = error instanceof StatusError || error instanceof ConversionError ? error.message : String(error)
      throw new ConversionError(`conversion webhook for ${from} failed: ${why}`, { cause: error })
    }
    if (answered.length !== objects.length) {
      const counts = `returned ${answered.length} objects, expected ${objects.length}`
      throw new ConversionError(`conversion webhook for ${from} ${counts}`)
    }
    return objects.map((original, i) => {
      try {
        return serialize({ kind, apiVersion }, checkedObject(original, answered[i], apiVersion))
      } catch (error) {
        if (!(error instanceof ConversionError)) throw error
        throw new ConversionError(`conversion webhook for ${from} returned ${error.message}`)
      }
    })
  }
}

function parsed(answer: Buffer): unknown {
  try {
    return JSON.parse(answer.toString())
  } catch {
    throw new ConversionError("couldn't get version/kind; json parse error")
  }
}

/** `place` is that of one object; undefined: all are asked for. */
export interface Asked {
  group: string
  version: string
  plural: string
  place: string | undefined
}

function placeOf(stored: Buffer): string {
  const { metadata } = JSON.parse(stored.toString()) as { metadata?: { namespace?: string; name?: string } }
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
}

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64')
const idOf = (bytes: Buffer, apiVersion: string): string => `${apiVersion} ${hashOf(bytes)}`

/** Stored bytes begin with their kind and version. */
export function versionOf(bytes: Buffer): string {
  return /^\{"kind":"[^"]*","apiVersion":"([^"]*)"/.exec(bytes.subarray(0, 1024).toString())?.[1] ?? ''
}

/** Upstream's error has no reason of its own. */
export function statusOf(error: unknown): unknown {
  if (!(error instanceof ConversionError)) return error
  const { message } = error
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 })
}

/** Converts on the way in, and sees to it that what comes out has been converted. Everything else is the store's own. */
class ConvertingStore implements Store {
  readonly #store: Store
  readonly #conversions: Conversions

  constructor(store: Store, conversions: Conversions) {
    this.#store = store
    this.#conversions = conversions
  }

  get revision(): number {
    return this.#store.revision
  }
  get compacted(): number {
    return this.#store.compacted
  }
  newest: Store['newest'] = () => this.#store.newest()
  get: Store['get'] = (key, options) => this.#store.get(key, options)
  requestProgress: Store['requestProgress'] = () => this.#store.requestProgress()
  history: Store['history'] = (target, options) => this.#store.history(target, options)
  purge: Store['purge'] = (target) => this.#store.purge(target)
  compact: Store['compact'] = (revision) => this.#store.compact(revision)

  list: Store['list'] = async (prefix, options) => {
    const found = await this.#store.list(prefix, options)
    const resource = this.#conversions.of(prefix)
    if (resource)
      await this.#conversions.prepare(
        resource,
        found.entries.map(({ value }) => value),
      )
    return found
  }

  async write(write: Write): Promise<WriteResult> {
    const resource = this.#conversions.of(write.key)
    if (!resource) return this.#store.write(write)
    const value = write.value && (await this.#conversions.toStorage(resource, write.value))
    const before: Entry | undefined = await this.#store.get(write.key)
    const last = value ?? before?.value
    if (last) await this.#conversions.prepare(resource, [last])
    const result = await this.#store.write({ ...write, value })
    const gone = result.ok ? before?.value : value
    if (gone) this.#conversions.forget(resource, gone)
    return result
  }

  async *watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch> {
    for await (const batch of this.#store.watch(prefix, options)) {
      await this.#ready(batch.changes)
      yield batch
    }
  }

  /** Changes of this server's own are prepared already; those of others are now. */
  async #ready(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      const resource = this.#conversions.of(change.key)
      const last = change.value ?? change.previous?.value
      if (resource && last) await this.#conversions.prepare(resource, [last], FOREIGN_TIMEOUT_MS)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#store[Symbol.asyncDispose]())
  }
}
