// The resources in service, by group, version and plural; custom resources come and go while the server runs.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { Served } from './served.ts'

/** Told when a resource is served or no longer served. */
export type RegistryListener = () => void

export class Registry {
  readonly #cacher: Cacher
  readonly #served = new Map<string, Served>()
  readonly #listeners = new Set<RegistryListener>()
  #generation = 0

  constructor(cacher: Cacher) {
    this.#cacher = cacher
  }

  /** Grows with every change, for caches of what follows from the set of resources (discovery, OpenAPI). */
  get generation(): number {
    return this.#generation
  }

  get(group: string, version: string, plural: string): Served | undefined {
    return this.#served.get(`${group}/${version}/${plural}`)
  }

  /** Any version of a resource: its cache is the same. */
  byGroupResource(group: string, plural: string): Served | undefined {
    for (const served of this.#served.values()) {
      if (served.resource.group === group && served.resource.plural === plural) return served
    }
    return undefined
  }

  all(): Iterable<Served> {
    return this.#served.values()
  }

  async add(resource: Resource<AnyObject>): Promise<Served> {
    const { group, plural, scope, apiVersion, kind } = resource
    const cache = await this.#cacher.add({ group, plural, namespaced: scope === 'Namespaced', apiVersion, kind })
    const served = { resource, cache }
    this.#served.set(`${group}/${resource.version}/${plural}`, served)
    this.#changed()
    return served
  }

  /** Stops serving one version; the cache goes with the last of them. */
  remove(resource: Resource<AnyObject>): void {
    this.#served.delete(`${resource.group}/${resource.version}/${resource.plural}`)
    if (!this.byGroupResource(resource.group, resource.plural)) this.#cacher.remove(resource)
    this.#changed()
  }

  onChange(listener: RegistryListener): void {
    this.#listeners.add(listener)
  }

  #changed(): void {
    this.#generation++
    for (const listener of this.#listeners) listener()
  }
}
