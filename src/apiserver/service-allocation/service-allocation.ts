// Cluster IPs and node ports of services: taken in the store before a service is written, given back when it no longer holds them.

import * as errors from '../../apimachinery/errors.ts'
import { type Issue, Issues } from '../../apimachinery/issues.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Service, services } from '../../api/core/service/service.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Store } from '../../store/store.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Reservation, WriteHook, WriteOutcome } from '../registry/served.ts'
import { type Claim, type Claims, isOwner, type Owner, ownerOf } from './claims.ts'
import { type Holdings, holdingsOf, needsHealthCheck, NOTHING, settleFamilies, wantsNodePorts } from './holdings.ts'
import { type AddressRange, addressNumber, addressText, candidates, offers, portBands, spans } from './ranges.ts'

export interface ServiceAllocationOptions {
  store: Store
  cacher: Cacher
  /** Of the services. */
  cache: ResourceCache
  addresses: Claims<string>
  ports: Claims<number>
  /** First and last node port. */
  nodePorts: readonly [number, number]
  /** Where addresses may be taken from now. */
  ranges(): readonly AddressRange[]
  random: Random
  log: Logger
}

/** What a dry run shows as a node port: upstream's guess, outside the range. */
const DRY_RUN_PORT = 32_769

const FULL = 'range is full'

export class ServiceAllocation implements WriteHook {
  readonly name = 'ServiceAllocation'
  readonly resource = 'services'
  readonly #options: ServiceAllocationOptions

  constructor(options: ServiceAllocationOptions) {
    this.#options = options
  }

  async reserve({ next, previous, dryRun }: Reservation): Promise<(outcome: WriteOutcome) => Promise<void>> {
    const before = previous as DeepReadonly<Service> | undefined
    // A status that changes carries the spec over as it is.
    if (next !== undefined && next['spec'] === previous?.['spec']) return async () => {}
    const operation = new Operation(this.#options, ownerOf((next ?? previous)?.metadata ?? { name: '' }), dryRun)
    const had = holdingsOf(before)
    // What a service held is what its claims say now: later somebody else may have taken the same place for a service of this name.
    const given = operation.claimsOf(had)
    try {
      if (next !== undefined) await allocate(next as AnyObject & Service, before, operation)
    } catch (error) {
      await operation.undo()
      throw error
    }
    const left = next === undefined ? NOTHING : holdingsOf(next as AnyObject & Service)
    return async (outcome) => {
      if (outcome === 'failed') await operation.undo()
      if (outcome === 'committed') await operation.giveBack(given, left)
    }
  }
}

interface Held {
  addresses: readonly Claim<string>[]
  ports: readonly Claim<number>[]
}

interface Named<Place> {
  place: Place
  /** Where to note what is to be given back. */
  taken: Claim<Place>[]
  places(holdings: Holdings): ReadonlySet<Place>
}

/** What one write takes, so that it can be given back. */
class Operation {
  readonly options: ServiceAllocationOptions
  readonly owner: Owner
  readonly dryRun: boolean
  readonly #addresses: Claim<string>[] = []
  readonly #ports: Claim<number>[] = []
  /** Places asked for by name: in a dry run those that would be taken. */
  readonly #named = new Set<string | number>()

  constructor(options: ServiceAllocationOptions, owner: Owner, dryRun: boolean) {
    this.options = options
    this.owner = owner
    this.dryRun = dryRun
  }

  claimsOf(held: Holdings): Held {
    const own = <Place>(claims: Claims<Place>, places: ReadonlySet<Place>): Claim<Place>[] =>
      [...places].flatMap((place) => claims.get(place) ?? []).filter(({ owner }) => isOwner(owner, this.owner))
    return { addresses: own(this.options.addresses, held.addresses), ports: own(this.options.ports, held.ports) }
  }

  /** False: another service has it. */
  async takeAddress(address: string): Promise<boolean> {
    const { addresses } = this.options
    return this.#take(addresses, { place: address, taken: this.#addresses, places: (held) => held.addresses })
  }

  async takePort(port: number): Promise<boolean> {
    const { ports } = this.options
    return this.#take(ports, { place: port, taken: this.#ports, places: (held) => held.ports })
  }

  /** The first of the ranges that has one. */
  async takeAnyAddress(): Promise<string> {
    const { addresses, random, ranges } = this.options
    for (const range of ranges()) {
      if (this.dryRun) return addressText(range.base)
      for (const candidate of candidates(range, random)) {
        const address = addressText(candidate)
        if (addresses.has(address)) continue
        const claim = await addresses.take(address, this.owner)
        if (claim === undefined) continue
        this.#addresses.push(claim)
        return address
      }
    }
    throw new RangeFull()
  }

  async takeAnyPort(): Promise<number> {
    const { ports, random, nodePorts } = this.options
    if (this.dryRun) {
      const port = Math.max(DRY_RUN_PORT - 1, ...[...this.#named].filter((place) => typeof place === 'number')) + 1
      this.#named.add(port)
      return port
    }
    for (const port of candidates(portBands(nodePorts), random)) {
      if (ports.has(port)) continue
      const claim = await ports.take(port, this.owner)
      if (claim === undefined) continue
      this.#ports.push(claim)
      return port
    }
    throw new RangeFull()
  }

  /**
   * Takes a place that was asked for by name. One that is taken for a service of this very name which does not hold it is left over from a write that
   * did not come to its end, or belongs to one that is racing with this: it is taken over, so that its maker gives nothing back that this one counts on.
   * Neither does this one, should it fail: what nobody holds in the end is found by the repair.
   */
  async #take<Place extends string | number>(claims: Claims<Place>, named: Named<Place>): Promise<boolean> {
    const { place, taken, places } = named
    if (this.#named.has(place)) return false
    this.#named.add(place)
    if (this.dryRun) return !claims.has(place)
    const claim = await claims.take(place, this.owner)
    if (claim !== undefined) {
      taken.push(claim)
      return true
    }
    await this.#catchUp()
    const present = claims.get(place)
    if (present === undefined || !isOwner(present.owner, this.owner)) return false
    if (places(this.#live()).has(place)) throw errors.alreadyExists(services, this.owner.name)
    return (await claims.replace(present)) !== undefined
  }

  /** After a write that failed. */
  undo(): Promise<void> {
    return this.giveBack({ addresses: this.#addresses, ports: this.#ports }, NOTHING)
  }

  /** What cannot be given back now is found by the repair. */
  async giveBack(claims: Held, kept: Holdings): Promise<void> {
    if (this.dryRun) return
    const { addresses, ports, log } = this.options
    try {
      for (const claim of claims.addresses) if (!kept.addresses.has(claim.place)) await addresses.release(claim)
      for (const claim of claims.ports) if (!kept.ports.has(claim.place)) await ports.release(claim)
    } catch (error) {
      log.error('Could not give back what a service held', {
        service: `${this.owner.namespace}/${this.owner.name}`,
        error,
      })
    }
  }

  #live(): Holdings {
    const { cache } = this.options
    const key = `${cache.prefix}${this.owner.namespace}/${this.owner.name}`
    return holdingsOf(cache.get(key)?.object as unknown as DeepReadonly<Service> | undefined)
  }

  async #catchUp(): Promise<void> {
    const { cacher, store } = this.options
    await cacher.reachedSoon(await store.newest())
  }
}

class RangeFull extends Error {
  constructor() {
    super(FULL)
  }
}

async function allocate(
  service: AnyObject & Service,
  before: DeepReadonly<Service> | undefined,
  operation: Operation,
): Promise<void> {
  // What a patch leaves alone is the cache's own: what is written here is written to a copy.
  const { ports } = service.spec
  service.spec = { ...service.spec, ...(ports ? { ports: ports.map((port) => ({ ...port })) } : {}) }
  const issues = settleFamilies(service.spec)
  if (issues.length > 0) throw errors.invalid(services, service.metadata.name, issues)
  const had = holdingsOf(before)
  await allocateAddress(service, had, operation)
  if (service.spec.type === 'NodePort' || service.spec.type === 'LoadBalancer')
    await allocatePorts(service, { had, created: before === undefined }, operation)
  await allocateHealthCheckPort(service, had, operation)
}

async function allocateAddress({ spec, metadata }: Service, had: Holdings, operation: Operation): Promise<void> {
  if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return
  const asked = spec.clusterIP || spec.clusterIPs?.[0]
  if (asked && !had.addresses.has(asked)) {
    const why = await refusalOf(asked, operation)
    const text = `failed to allocate IP ${asked}: ${why}`
    if (why !== undefined) throw invalid(metadata.name, (issues) => issues.invalid('spec.clusterIPs', [asked], text))
  }
  const address = asked || (await orFull('failed to allocate a serviceIP', () => operation.takeAnyAddress()))
  spec.clusterIP = address
  spec.clusterIPs = [address]
}

/** Takes the address that was asked for; why not, if not. */
async function refusalOf(asked: string, operation: Operation): Promise<string | undefined> {
  const address = addressNumber(asked)
  const range = address === undefined ? undefined : operation.options.ranges().find((one) => spans(one, address))
  if (address === undefined || range === undefined) return 'the provided network does not match the current range'
  if (!offers(range, address))
    return `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${range.cidr}`
  return (await operation.takeAddress(asked)) ? undefined : 'provided IP is already allocated'
}

/** In a new service, ports of one number and several protocols share a node port. */
async function allocatePorts(
  service: Service,
  { had, created }: { had: Holdings; created: boolean },
  operation: Operation,
): Promise<void> {
  const { ports = [] } = service.spec
  const taken = new Set(had.ports)
  const shared = new Map<number, number>()
  for (const [i, port] of ports.entries()) {
    const asked =
      port.nodePort ||
      (created ? (shared.get(port.port) ?? ports.find((p) => p.port === port.port && p.nodePort)?.nodePort) : 0)
    if (!asked && !wantsNodePorts(service.spec)) continue
    if (asked && !taken.has(asked)) {
      const why = await portRefusalOf(asked, operation)
      if (why !== undefined)
        throw invalid(service.metadata.name, (issues) => issues.invalid(`spec.ports[${i}].nodePort`, asked, why))
    }
    port.nodePort = asked || (await orFull('failed to allocate a nodePort', () => operation.takeAnyPort()))
    taken.add(port.nodePort)
    shared.set(port.port, port.nodePort)
  }
}

async function portRefusalOf(port: number, operation: Operation): Promise<string | undefined> {
  const [low, high] = operation.options.nodePorts
  if (port < low || port > high)
    return `provided port is not in the valid range. The range of valid ports is ${low}-${high}`
  return (await operation.takePort(port)) ? undefined : 'provided port is already allocated'
}

async function allocateHealthCheckPort({ spec }: Service, had: Holdings, operation: Operation): Promise<void> {
  if (!needsHealthCheck(spec)) return
  const asked = spec.healthCheckNodePort ?? 0
  if (asked === 0) {
    spec.healthCheckNodePort = await orFull('failed to allocate a HealthCheck NodePort 0', () =>
      operation.takeAnyPort(),
    )
    return
  }
  if (had.ports.has(asked)) return
  const why = await portRefusalOf(asked, operation)
  if (why !== undefined)
    throw errors.internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`)
}

async function orFull<Place>(what: string, take: () => Promise<Place>): Promise<Place> {
  try {
    return await take()
  } catch (error) {
    if (error instanceof RangeFull) throw errors.internalError(`${what}: ${error.message}`)
    throw error
  }
}

function invalid(name: string, add: (issues: Issues) => void): errors.StatusError {
  const issues = new Issues()
  add(issues)
  return errors.invalid(services, name, issues.list satisfies readonly Issue[])
}
