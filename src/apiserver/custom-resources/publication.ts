// Which definitions are served as what: keeps the registry's custom resources in step with their definitions, version by version.

import type { Logger } from '../../base/log.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import type { Registry } from '../registry/registry.ts'
import type { Served } from '../registry/served.ts'
import { type Definition, isTrue, type Names } from './conditions.ts'
import type { Conversions } from './conversions.ts'
import { readerOf, resourceOf } from './resource.ts'

interface Published {
  /** What the resource was made from: as long as it is the same, so is the resource. */
  facts: string
  resource: Resource<AnyObject>
  served: Served
  storage: boolean
  /** What converts stored objects: when that changes, they are read anew. */
  strategy: string
  reader: { read(stored: Buffer): Buffer }
}

export class Publication {
  readonly #registry: Registry
  readonly #log: Logger
  readonly #conversions: Conversions
  readonly #published = new Map<string, Map<string, Published>>()

  constructor({ registry, log, conversions }: { registry: Registry; log: Logger; conversions: Conversions }) {
    this.#registry = registry
    this.#log = log
    this.#conversions = conversions
  }

  names(): Iterable<string> {
    return this.#published.keys()
  }

  /** The resource in its storage version, or in any that is served. */
  servedOf(name: string): Served | undefined {
    const versions = [...(this.#published.get(name)?.values() ?? [])]
    return (versions.find((v) => v.storage) ?? versions[0])?.served
  }

  /** Serves the definition's versions as they are now; returns those that should be served and cannot be. */
  async publish(definition: Definition, names: Names): Promise<string[]> {
    const { name } = definition.metadata
    const { group, versions, conversion, scope } = definition.spec
    if (this.#isBuiltIn(group, names.plural)) return []
    const published = this.#published.get(name) ?? new Map<string, Published>()
    this.#published.set(name, published)
    const storageVersion = versions.find((v) => v.storage)?.name ?? ''
    const terminating = isTrue(definition, 'Terminating')
    const strategy = conversion?.strategy ?? 'None'
    this.#setConversion(definition, names)
    const unserved: string[] = []
    const wanted = new Set<string>()
    for (const version of versions) {
      // While the definition goes, its objects are reached by the storage version even if that one was not served.
      if (!version.served && !(terminating && version.storage)) continue
      wanted.add(version.name)
      const facts = JSON.stringify([version, names, scope, storageVersion, terminating, strategy])
      const known = published.get(version.name)
      if (known?.facts === facts) continue
      let resource: Resource<AnyObject>
      try {
        resource = resourceOf(definition, version, names)
      } catch (error) {
        this.#log.warn('Failed to load the schema of a custom resource', {
          definition: name,
          version: version.name,
          error,
        })
        unserved.push(version.name)
        continue
      }
      if (known && known.strategy !== strategy) this.#registry.remove(known.resource)
      // The cache stays when the schema changes, and reads by the new one from then on.
      const reader = known?.reader ?? { read: readerOf(resource) }
      reader.read = readerOf(resource, strategy === 'Webhook' ? this.#converter(name, version.name) : undefined)
      const served = await this.#registry.add(resource, { storageVersion, read: (stored) => reader.read(stored) })
      published.set(version.name, { facts, resource, served, storage: version.storage, strategy, reader })
    }
    for (const [version, { resource }] of published) {
      if (wanted.has(version)) continue
      published.delete(version)
      this.#registry.remove(resource)
    }
    return unserved
  }

  #setConversion({ spec }: Definition, names: Names): void {
    const { group, versions, conversion } = spec
    const { plural, kind } = names
    if (conversion?.strategy !== 'Webhook' || !conversion.webhook) {
      this.#conversions.set(group, plural, undefined)
      return
    }
    const { webhook } = conversion
    const storage = `${group}/${versions.find((v) => v.storage)?.name ?? ''}`
    const served = versions.filter((v) => v.served || v.storage).map((v) => `${group}/${v.name}`)
    this.#conversions.set(group, plural, { group, plural, kind, storage, served, webhook })
  }

  /** What has been converted before the cache asks. What could not be ends the watches: nobody sees it under a wrong shape. */
  #converter(name: string, version: string): (stored: Buffer) => Buffer | undefined {
    return (stored) => {
      const found = this.#published.get(name)?.get(version)
      const { group = '' } = found?.resource ?? {}
      const converted = this.#conversions.take(stored, `${group}/${version}`)
      if (!converted) found?.served.cache.endWatches()
      return converted
    }
  }

  /** Reads all objects of a resource from the store again: what could not be converted now can. */
  async reload(group: string, plural: string): Promise<void> {
    for (const versions of this.#published.values()) {
      for (const published of versions.values()) {
        const { resource, served, reader } = published
        if (resource.group !== group || resource.plural !== plural) continue
        const { storageVersion = resource.version } = served
        this.#registry.remove(resource)
        published.served = await this.#registry.add(resource, { storageVersion, read: (stored) => reader.read(stored) })
      }
    }
  }

  withdraw(name: string): void {
    for (const { resource } of this.#published.get(name)?.values() ?? []) {
      this.#registry.remove(resource)
      this.#conversions.set(resource.group, resource.plural, undefined)
    }
    this.#published.delete(name)
  }

  /** A definition never takes the place, or the stored objects, of a kind of the server's own. */
  #isBuiltIn(group: string, plural: string): boolean {
    const served = this.#registry.byGroupResource(group, plural)
    return served !== undefined && served.resource.custom !== true
  }
}
