// Addresses that are taken, as IPAddress objects: an object's name is the address.

import { type Clock, rfc3339 } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { serialize } from '../../apimachinery/serialize.ts'
import { type IPAddress, ipAddresses } from '../../api/networking/ip-address.ts'
import type { Client } from '../../client/client.ts'
import type { Store } from '../../store/store.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Claim, Claims, Owner } from './claims.ts'

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
const FAMILY = 'ipaddress.kubernetes.io/ip-family'
const MANAGER = 'ipallocator.k8s.io'

export interface AddressClaimsOptions {
  store: Store
  cacher: Cacher
  cache: ResourceCache
  client: Client
  clock: Clock
  random: Random
}

export class AddressClaims implements Claims<string> {
  readonly #options: AddressClaimsOptions
  readonly #cache: ResourceCache
  readonly #client: Client

  constructor(options: AddressClaimsOptions) {
    this.#options = options
    this.#cache = options.cache
    this.#client = options.client
  }

  get changedAt(): number {
    return this.#cache.changedAt
  }

  has(address: string): boolean {
    return this.#cache.get(this.#cache.prefix + address) !== undefined
  }

  get(address: string): Claim<string> | undefined {
    const object = this.#cache.get(this.#cache.prefix + address)?.object
    return object && claimOf(object as unknown as DeepReadonly<IPAddress>)
  }

  /** Addresses that something else manages are no services' business. */
  *all(): Generator<Claim<string>> {
    for (const stored of this.#cache.values())
      if (stored.labels[MANAGED_BY] === MANAGER) yield claimOf(stored.glance() as unknown as DeepReadonly<IPAddress>)
  }

  async take(address: string, { namespace, name }: Owner): Promise<Claim<string> | undefined> {
    try {
      const object = await this.#client.create(ipAddresses, {
        apiVersion: ipAddresses.apiVersion,
        kind: ipAddresses.kind,
        metadata: { name: address, labels: { [FAMILY]: 'IPv4', [MANAGED_BY]: MANAGER } },
        spec: { parentRef: { resource: 'services', namespace, name } },
      })
      return claimOf(object)
    } catch (error) {
      if (errors.isAlreadyExists(error)) return undefined
      throw error
    }
  }

  /** No request can do this: the object is deleted and made again in one write. */
  async replace({ place, id }: Claim<string>): Promise<Claim<string> | undefined> {
    const { store, cacher, clock, random } = this.#options
    const stored = this.#cache.get(this.#cache.prefix + place)
    if (stored?.object.metadata.uid !== id) return undefined
    const { resourceVersion: _, ...metadata } = stored.object.metadata
    const object = {
      ...stored.object,
      metadata: { ...metadata, uid: random.uuid(), creationTimestamp: rfc3339(clock.now()) },
    }
    const result = await store.write({
      key: stored.key,
      value: serialize(ipAddresses, object),
      expected: stored.revision,
      actor: { user: 'system:apiserver', verb: 'update', requestID: random.uuid() },
    })
    if (!result.ok) return undefined
    await cacher.reached(result.revision)
    return claimOf(object as unknown as DeepReadonly<IPAddress>)
  }

  async release({ place: name, id: uid }: Claim<string>): Promise<void> {
    try {
      await this.#client.delete(ipAddresses, { name }, { preconditions: { uid } })
    } catch (error) {
      if (!errors.isNotFound(error) && !errors.isConflict(error)) throw error
    }
  }
}

function claimOf({ metadata, spec }: DeepReadonly<IPAddress>): Claim<string> {
  const { group = '', resource, namespace = '', name } = spec.parentRef
  const { labels = {} } = metadata
  return {
    place: metadata.name,
    id: metadata.uid ?? '',
    owner: group === '' && resource === 'services' ? { namespace, name } : undefined,
    sound: labels[MANAGED_BY] === MANAGER && labels[FAMILY] === 'IPv4',
  }
}
