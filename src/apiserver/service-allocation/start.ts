// Puts the allocation of services together: the ranges, what is taken, the hook of their writes, and the repair.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Service } from '../../api/core/service/service.ts'
import { ipAddresses } from '../../api/networking/ip-address.ts'
import { type ServiceCIDR, serviceCIDRs } from '../../api/networking/service-cidr.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/client.ts'
import { createEventRecorder, type RunningEventRecorder } from '../../client/events.ts'
import type { Store } from '../../store/store.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Registry } from '../registry/registry.ts'
import { AddressClaims } from './address-claims.ts'
import { DEFAULT_SERVICE_CIDR, ensureDefaultServiceCIDR } from './default-service-cidr.ts'
import { PORT_PLACE, PortClaims } from './port-claims.ts'
import { isReady, rangesOf, serverRange } from './ranges.ts'
import { AllocationRepair, type Finding } from './repair.ts'
import { ServiceAllocation } from './service-allocation.ts'

export interface AllocationOptions {
  registry: Registry
  store: Store
  cacher: Cacher
  /** As the server itself. */
  client: Client
  clock: Clock
  random: Random
  log: Logger
  /** IPv4 CIDR, as `10.96.0.0/16`. */
  serviceCIDR: string
  /** First and last node port. */
  nodePorts: readonly [number, number]
}

export interface Allocation extends AsyncDisposable {
  readonly hook: ServiceAllocation
  /** The default range is there and what services hold is taken; from then on it is kept so. */
  start(): Promise<void>
}

/** Before the cacher starts. */
export async function prepareAllocation(options: AllocationOptions): Promise<Allocation> {
  const { registry, store, cacher, client, clock, random, log, nodePorts } = options
  const cidr = serverRange(options.serviceCIDR).cidr
  const servicesCache = cacheOf(registry, '', 'services')
  const cidrsCache = cacheOf(registry, serviceCIDRs.group, serviceCIDRs.plural)
  const portsCache = await cacher.add(PORT_PLACE)
  const addressesCache = cacheOf(registry, ipAddresses.group, ipAddresses.plural)
  const addresses = new AddressClaims({ store, cacher, cache: addressesCache, client, clock, random })
  const ports = new PortClaims({ store, cacher, cache: portsCache, random })
  const all = (): DeepReadonly<ServiceCIDR>[] => objectsOf<ServiceCIDR>(cidrsCache)
  const find = (): DeepReadonly<ServiceCIDR> | undefined =>
    all().find(({ metadata }) => metadata.name === DEFAULT_SERVICE_CIDR)
  const stack = new AsyncDisposableStack()
  const recorder = (component: Finding['by']): RunningEventRecorder =>
    stack.use(createEventRecorder({ client, component, clock, random, log }))
  const ensure = (): Promise<void> => ensureDefaultServiceCIDR({ client, clock, log, cidr, find })
  const repair = stack.use(
    new AllocationRepair({
      state: () => ({
        services: objectsOf<Service>(servicesCache),
        addresses,
        ports,
        ranges: rangesOf(all(), DEFAULT_SERVICE_CIDR),
        nodePorts,
      }),
      addresses,
      ports,
      changedAt: () =>
        Math.max(servicesCache.changedAt, cidrsCache.changedAt, addresses.changedAt, portsCache.changedAt),
      prepare: async () => (find() === undefined ? ensure() : undefined),
      recorders: {
        'ipallocator-repair-controller': recorder('ipallocator-repair-controller'),
        'portallocator-repair-controller': recorder('portallocator-repair-controller'),
      },
      clock,
      log,
    }),
  )
  return {
    hook: new ServiceAllocation({
      store,
      cacher,
      cache: servicesCache,
      addresses,
      ports,
      nodePorts,
      ranges: () => rangesOf(all().filter(isReady), DEFAULT_SERVICE_CIDR),
      random,
      log,
    }),
    async start() {
      await ensure()
      await repair.start()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function cacheOf(registry: Registry, group: string, plural: string): ResourceCache {
  const cache = registry.get(group, 'v1', plural)?.cache
  if (!cache) throw new Error(`Bug: ${plural} are not served`)
  return cache
}

const objectsOf = <T>(cache: ResourceCache): DeepReadonly<T>[] =>
  [...cache.values()].map((stored) => stored.glance() as unknown as DeepReadonly<T>)
