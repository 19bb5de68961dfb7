// Node ports that are taken, as entries of the store that no client sees: one for each port, whatever the protocol (upstream keeps a bitmap).

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Random } from '../../base/random.ts'
import type { Actor, Store } from '../../store/store.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { StoredObject } from '../cache/stored.ts'
import type { Claim, Claims, Owner } from './claims.ts'

/** Upstream's name for its bitmap. A group of one label is nobody's custom resource. */
export const PORT_PLACE = {
  group: 'ranges',
  plural: 'servicenodeports',
  namespaced: false,
  apiVersion: 'ranges/v1',
  kind: 'ServiceNodePort',
}

interface PortClaim {
  spec: Owner
}

export interface PortClaimsOptions {
  store: Store
  cacher: Cacher
  cache: ResourceCache
  random: Random
}

export class PortClaims implements Claims<number> {
  readonly #options: PortClaimsOptions

  constructor(options: PortClaimsOptions) {
    this.#options = options
  }

  get changedAt(): number {
    return this.#options.cache.changedAt
  }

  has(port: number): boolean {
    return this.#options.cache.get(this.#keyOf(port)) !== undefined
  }

  get(port: number): Claim<number> | undefined {
    const stored = this.#options.cache.get(this.#keyOf(port))
    return stored && claimOf(port, stored)
  }

  *all(): Generator<Claim<number>> {
    const { cache } = this.#options
    for (const stored of cache.values()) yield claimOf(Number(stored.key.slice(cache.prefix.length)), stored)
  }

  take(port: number, owner: Owner): Promise<Claim<number> | undefined> {
    return this.#write(port, owner, 0)
  }

  /** Its id is its revision. */
  async replace({ place, id, owner }: Claim<number>): Promise<Claim<number> | undefined> {
    return owner && this.#write(place, owner, Number(id))
  }

  async #write(port: number, owner: Owner, expected: number): Promise<Claim<number> | undefined> {
    const { store, cacher } = this.#options
    const { kind, apiVersion } = PORT_PLACE
    const object = { kind, apiVersion, metadata: { name: String(port) }, spec: owner }
    const value = Buffer.from(JSON.stringify(object))
    const actor = this.#actor(expected === 0 ? 'create' : 'update')
    const result = await store.write({ key: this.#keyOf(port), value, expected, actor })
    if (!result.ok) return undefined
    await cacher.reached(result.revision)
    return { place: port, id: String(result.revision), owner, sound: true }
  }

  async release({ place, id }: Claim<number>): Promise<void> {
    const { store, cacher } = this.#options
    const write = { key: this.#keyOf(place), value: null, expected: Number(id), actor: this.#actor('delete') }
    const result = await store.write(write)
    if (result.ok) await cacher.reached(result.revision)
  }

  #keyOf(port: number): string {
    return this.#options.cache.prefix + String(port)
  }

  #actor(verb: string): Actor {
    return { user: 'system:apiserver', verb, requestID: this.#options.random.uuid() }
  }
}

function claimOf(port: number, stored: StoredObject): Claim<number> {
  const { spec } = stored.glance() as unknown as DeepReadonly<PortClaim>
  return { place: port, id: String(stored.revision), owner: spec, sound: true }
}
