// The resources in service, by group, version and plural; custom resources come and go while the server runs.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import type { ReadyView } from '../../apimachinery/view.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { Served } from './served.ts'

/** Told when a resource is served or no longer served. */
export type RegistryListener = () => void

export interface AddOptions {
  /** The version that objects are stored in, where it is another one. */
  storageVersion?: string
  /** How stored bytes read in this version, where the resource has several. */
  read?: (stored: Buffer) => Buffer
}

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

  /** Any version of a resource. */
  byGroupResource(group: string, plural: string): Served | undefined {
    for (const served of this.#served.values()) {
      if (served.shown.group === group && served.shown.plural === plural) return served
    }
    return undefined
  }

  all(): Iterable<Served> {
    return this.#served.values()
  }

  async add(resource: Resource<AnyObject>, { storageVersion, read }: AddOptions = {}): Promise<Served> {
    const { group, plural, scope, apiVersion, kind } = resource
    const place = { group, plural, namespaced: scope === 'Namespaced', apiVersion, kind }
    const cache = await this.#cacher.add({ ...place, ...(read ? { read } : {}) })
    const served = { resource, shown: resource, cache, ...(storageVersion === undefined ? {} : { storageVersion }) }
    this.#served.set(`${group}/${resource.version}/${plural}`, served)
    this.#changed()
    return served
  }

  /** Serves another version of a resource that is served already. */
  addView(view: ReadyView): void {
    const { resource: shown, hub } = view
    const served = this.get(hub.group, hub.version, hub.plural)
    if (!served) throw new Error(`Bug: ${hub.groupResource} is not served`)
    const storageVersion = hub.version
    this.#served.set(`${shown.group}/${shown.version}/${shown.plural}`, { ...served, shown, view, storageVersion })
    this.#changed()
  }

  /** Stops serving one version, and ends its watches. */
  remove(resource: Resource<AnyObject>): void {
    this.#served.delete(`${resource.group}/${resource.version}/${resource.plural}`)
    this.#cacher.remove(resource)
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
