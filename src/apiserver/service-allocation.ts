// Cluster IPs and node ports of services: taken from their ranges at creation, given back when the service goes or no longer wants them.

import type { Random } from '../base/random.ts'
import * as errors from '../apimachinery/errors.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Service } from '../api/core/service/service.ts'
import { services } from '../api/core/service/service.ts'
import type { ResourceCache } from './cache/resource-cache.ts'
import type { Reservation, WriteHook } from './registry/served.ts'

export interface ServiceRanges {
  /** IPv4 CIDR, as `10.96.0.0/16`. */
  serviceCIDR: string
  /** First and last node port. */
  nodePorts: readonly [number, number]
}

/** Addresses at the head of a range go to those who ask for them by name first (upstream's static band). */
const MIN_STATIC = 16
const MAX_STATIC = 256

interface Range {
  base: number
  size: number
}

export function parseIPv4Range(cidr: string): Range {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  const [a = 0, b = 0, c = 0, d = 0, bits = 32] = (match ?? []).slice(1).map(Number)
  if (!match || [a, b, c, d].some((n) => n > 255) || bits < 12 || bits > 30)
    throw new Error(`Cannot use ${JSON.stringify(cidr)} as the service range: an IPv4 CIDR of /12 to /30 is wanted`)
  const size = 2 ** (32 - bits)
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d
  return { base: address - (address % size), size }
}

export const addressText = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')

function addressNumber(text: string): number | undefined {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some((n) => !Number.isInteger(n) || n < 0 || n > 255)) return undefined
  return parts.reduce((sum, n) => sum * 256 + n, 0)
}

/** The address of the `kubernetes` service: the first of the range. */
export const firstServiceIP = (cidr: string): string => addressText(parseIPv4Range(cidr).base + 1)

/**
 * What services hold is in the watch cache; what requests in flight have taken is in `#pending`. One server process allocates, so the two
 * together are the truth.
 */
export class ServiceAllocation implements WriteHook {
  readonly name = 'ServiceAllocation'
  readonly resource = 'services'
  readonly #cache: ResourceCache
  readonly #random: Random
  readonly #range: Range
  readonly #cidr: string
  readonly #ports: readonly [number, number]
  readonly #pending = new Map<string, number>()
  #used = new Set<string>()
  #usedAt = -1

  constructor(options: ServiceRanges & { cache: ResourceCache; random: Random }) {
    this.#cache = options.cache
    this.#random = options.random
    this.#cidr = options.serviceCIDR
    this.#range = parseIPv4Range(options.serviceCIDR)
    this.#ports = options.nodePorts
  }

  async reserve({ next, previous }: Reservation): Promise<() => Promise<void>> {
    if (!next) return async () => {}
    const service = next as AnyObject & Service
    // On a subresource the spec is the cache's own: what is written here is written to a copy.
    const { ports } = service.spec
    service.spec = { ...service.spec, ...(ports ? { ports: ports.map((port) => ({ ...port })) } : {}) }
    const before = held(previous as DeepReadonly<Service> | undefined)
    const taken: string[] = []
    const take = (token: string): void => {
      this.#pending.set(token, (this.#pending.get(token) ?? 0) + 1)
      taken.push(token)
    }
    const giveBack = (): void => {
      for (const token of taken) {
        const count = (this.#pending.get(token) ?? 1) - 1
        if (count === 0) this.#pending.delete(token)
        else this.#pending.set(token, count)
      }
    }
    try {
      this.#allocateIP(service, before, take)
      this.#allocatePorts(service, before, take)
    } catch (error) {
      giveBack()
      throw error
    }
    return async () => giveBack()
  }

  #isUsed(token: string): boolean {
    if (this.#pending.has(token)) return true
    if (this.#usedAt !== this.#cache.changedAt || this.#usedAt === -1) {
      this.#used = new Set()
      for (const { object } of this.#cache.values())
        for (const t of held(object as unknown as DeepReadonly<Service>)) this.#used.add(t)
      this.#usedAt = this.#cache.changedAt
    }
    return this.#used.has(token)
  }

  #allocateIP({ spec, metadata }: Service, before: ReadonlySet<string>, take: (token: string) => void): void {
    if (spec.type === 'ExternalName') return
    spec.ipFamilyPolicy ??= 'SingleStack'
    const asked = spec.clusterIP || spec.clusterIPs?.[0]
    if (asked === 'None') {
      spec.clusterIP = 'None'
      spec.clusterIPs = ['None']
      // Headless without selector: upstream lets both families through; this cluster has one.
      spec.ipFamilies ??= ['IPv4']
      return
    }
    spec.ipFamilies ??= ['IPv4']
    if (spec.ipFamilies.includes('IPv6')) {
      throw invalid(metadata.name, 'spec.ipFamilies[0]', `Invalid value: "IPv6": not configured on this cluster`)
    }
    if (asked) {
      const address = addressNumber(asked)
      const { base, size } = this.#range
      if (address === undefined || address <= base || address >= base + size - 1) {
        throw invalid(
          metadata.name,
          'spec.clusterIPs',
          `Invalid value: [${JSON.stringify(asked)}]: failed to allocate IP ${asked}: the provided network does not match the current range: provided IP is not in the valid range. The range of valid IPs is ${this.#cidr}`,
        )
      }
      if (!before.has(asked)) {
        if (this.#isUsed(asked))
          throw invalid(
            metadata.name,
            'spec.clusterIPs',
            `Invalid value: [${JSON.stringify(asked)}]: failed to allocate IP ${asked}: provided IP is already allocated`,
          )
        take(asked)
      }
      spec.clusterIP = asked
      spec.clusterIPs = [asked]
      return
    }
    const free = this.#freeAddress()
    take(free)
    spec.clusterIP = free
    spec.clusterIPs = [free]
  }

  /** A random address outside the static band, the next free one after it, the band itself at last. */
  #freeAddress(): string {
    const { base, size } = this.#range
    const usable = size - 2
    const band = Math.min(Math.max(MIN_STATIC, Math.floor(size / 16)), MAX_STATIC, usable - 1)
    const dynamic = usable - band
    const start = Math.floor(this.#random.next() * dynamic)
    for (let i = 0; i < dynamic; i++) {
      const text = addressText(base + 1 + band + ((start + i) % dynamic))
      if (!this.#isUsed(text)) return text
    }
    for (let i = 0; i < band; i++) {
      const text = addressText(base + 1 + i)
      if (!this.#isUsed(text)) return text
    }
    throw errors.internalError('failed to allocate a serviceIP: range is full')
  }

  #allocatePorts({ spec, metadata }: Service, before: ReadonlySet<string>, take: (token: string) => void): void {
    const wants =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
    const [low, high] = this.#ports
    const own = new Set<string>()
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort) continue
      const token = portToken(port.protocol, port.nodePort)
      if (port.nodePort < low || port.nodePort > high)
        throw invalid(
          metadata.name,
          `spec.ports[${i}].nodePort`,
          `Invalid value: ${port.nodePort}: provided port is not in the valid range. The range of valid ports is ${low}-${high}`,
        )
      if (own.has(token)) throw invalid(metadata.name, `spec.ports[${i}].nodePort`, `Duplicate value: ${port.nodePort}`)
      own.add(token)
      if (before.has(token)) continue
      if (this.#isUsed(token))
        throw invalid(
          metadata.name,
          `spec.ports[${i}].nodePort`,
          `Invalid value: ${port.nodePort}: provided port is already allocated`,
        )
      take(token)
    }
    if (!wants) return
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue
      port.nodePort = this.#freePort(port.protocol)
      take(portToken(port.protocol, port.nodePort))
    }
  }

  #freePort(protocol: string | undefined): number {
    const [low, high] = this.#ports
    const count = high - low + 1
    const start = Math.floor(this.#random.next() * count)
    for (let i = 0; i < count; i++) {
      const port = low + ((start + i) % count)
      if (!this.#isUsed(portToken(protocol, port))) return port
    }
    throw errors.internalError('failed to allocate a nodePort: range is full')
  }
}

const portToken = (protocol: string | undefined, port: number): string => `${protocol ?? 'TCP'}:${port}`

/** The address and node ports that a service holds. */
function held(service: DeepReadonly<Service> | undefined): Set<string> {
  const tokens = new Set<string>()
  const { clusterIP, ports } = service?.spec ?? {}
  if (clusterIP && clusterIP !== 'None') tokens.add(clusterIP)
  for (const port of ports ?? []) if (port.nodePort) tokens.add(portToken(port.protocol, port.nodePort))
  return tokens
}

function invalid(name: string, field: string, message: string): errors.StatusError {
  const reason = message.startsWith('Duplicate') ? 'FieldValueDuplicate' : 'FieldValueInvalid'
  return errors.invalid(services, name, [{ field, reason, message }])
}
