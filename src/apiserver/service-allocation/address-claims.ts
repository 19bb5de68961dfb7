// Addresses that are taken, as IPAddress objects: an object's name is the address.

import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type IPAddress, ipAddresses } from '../../api/networking/ip-address.ts'
import type { Client } from '../../client/client.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Claim, Claims, Owner } from './claims.ts'

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
const FAMILY = 'ipaddress.kubernetes.io/ip-family'
const MANAGER = 'ipallocator.k8s.io'

export class AddressClaims implements Claims<string> {
  readonly #cache: ResourceCache
  readonly #client: Client

  constructor({ cache, client }: { cache: ResourceCache; client: Client }) {
    this.#cache = cache
    this.#client = client
  }

  get changedAt(): number {
    return this.#cache.changedAt
  }

  get(address: string): Claim<string> | undefined {
    const object = this.#cache.get(this.#cache.prefix + address)?.object
    return object && claimOf(object as unknown as DeepReadonly<IPAddress>)
  }

  /** Addresses that something else manages are no services' business. */
  *all(): Generator<Claim<string>> {
    for (const { object, labels } of this.#cache.values())
      if (labels[MANAGED_BY] === MANAGER) yield claimOf(object as unknown as DeepReadonly<IPAddress>)
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
