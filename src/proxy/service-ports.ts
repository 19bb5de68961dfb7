// Decides, per port of every service, which endpoints get its traffic: the meaning of services without any nftables in it. Pure.

import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Service } from '../api/core/service/service.ts'
import type { Endpoint, EndpointSlice } from '../api/discovery/endpoint-slice.ts'
import type { Target } from '../netlink/nft/model.ts'
import { ipv4Number, ipv4Range, isIPv4 } from '../netlink/nft/ranges.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** Where the choice is made. */
export interface Place {
  readonly node: string
  readonly zone?: string
}

/** One port of one service, and who answers. */
export interface ServicePort {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  readonly clusterIP: string
  readonly port: number
  readonly nodePort?: number
  /** External and load-balancer addresses. */
  readonly externalIPs: readonly string[]
  /** Only these prefixes may come in through a load-balancer address; absent: all. */
  readonly loadBalancer?: { readonly ips: readonly string[]; readonly sourceRanges: readonly string[] }
  /** How long a client stays with its endpoint; absent: not at all. */
  readonly affinitySeconds?: number
  readonly internalPolicy: 'Cluster' | 'Local'
  readonly externalPolicy: 'Cluster' | 'Local'
  /** For traffic under policy Cluster. */
  readonly everywhere: readonly Target[]
  /** For traffic under policy Local. */
  readonly here: readonly Target[]
  /** Addresses among them that are on this node: their own traffic may come back to them. */
  readonly hereIPs: readonly string[]
}

const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name'
const SERVICE_NAME = 'kubernetes.io/service-name'
const DEFAULT_AFFINITY_SECONDS = 10_800

/** Addresses that would turn traffic against the node itself or are nobody's. */
const NEVER_ENDPOINTS = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

export function servicePorts(
  services: readonly DeepReadonly<Service>[],
  slices: readonly DeepReadonly<EndpointSlice>[],
  place: Place,
): ServicePort[] {
  const slicesOf = new Map<string, DeepReadonly<EndpointSlice>[]>()
  for (const slice of slices) {
    const key = `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`
    slicesOf.set(key, [...(slicesOf.get(key) ?? []), slice])
  }
  return services.flatMap((service) =>
    portsOf(service, slicesOf.get(`${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}`) ?? [], place),
  )
}

function portsOf(
  service: DeepReadonly<Service>,
  slices: readonly DeepReadonly<EndpointSlice>[],
  place: Place,
): ServicePort[] {
  const { spec, metadata } = service
  const clusterIP = [spec.clusterIP, ...(spec.clusterIPs ?? [])].find((ip) => ip !== undefined && isIPv4(ip))
  if (clusterIP === undefined || spec.type === 'ExternalName' || metadata.labels?.[OTHER_PROXY] !== undefined) return []

  const ingressIPs = (service.status?.loadBalancer?.ingress ?? [])
    .filter((ingress) => ingress.ipMode !== 'Proxy')
    .flatMap((ingress) => (ingress.ip !== undefined && isIPv4(ingress.ip) ? [ingress.ip] : []))
  const balancerIPs = spec.type === 'LoadBalancer' ? ingressIPs : []
  const externalIPs = [...new Set([...(spec.externalIPs ?? []).filter(isIPv4), ...balancerIPs])]
  const sourceRanges = (spec.loadBalancerSourceRanges ?? [])
    .map((range) => range.trim())
    .filter((range) => ipv4Range(range))
  const opensNodePort = spec.type === 'NodePort' || spec.type === 'LoadBalancer'

  return (spec.ports ?? []).map((port) => {
    const protocol = asProtocol(port.protocol)
    const found = endpointsOf(slices, port.name ?? '', protocol)
    return {
      namespace: metadata.namespace ?? '',
      service: metadata.name ?? '',
      portName: port.name ?? '',
      protocol,
      clusterIP,
      port: port.port,
      ...(opensNodePort && port.nodePort ? { nodePort: port.nodePort } : {}),
      externalIPs,
      ...(balancerIPs.length > 0 && (spec.loadBalancerSourceRanges ?? []).length > 0
        ? { loadBalancer: { ips: balancerIPs, sourceRanges } }
        : {}),
      ...(spec.sessionAffinity === 'ClientIP'
        ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS }
        : {}),
      internalPolicy: spec.internalTrafficPolicy ?? 'Cluster',
      externalPolicy: spec.externalTrafficPolicy ?? 'Cluster',
      ...choose(found, place),
    }
  })
}

function asProtocol(protocol: string | undefined): Protocol {
  return protocol === 'UDP' ? 'udp' : protocol === 'SCTP' ? 'sctp' : 'tcp'
}

interface Candidate {
  readonly target: Target
  readonly ip: string
  readonly endpoint: DeepReadonly<Endpoint>
}

/** The endpoints for one port, each address and port once: while slices are rewritten, an endpoint may stand in two of them. */
function endpointsOf(
  slices: readonly DeepReadonly<EndpointSlice>[],
  portName: string,
  protocol: Protocol,
): Candidate[] {
  const found = new Map<Target, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    for (const port of slice.ports ?? []) {
      if ((port.name ?? '') !== portName || asProtocol(port.protocol) !== protocol || !port.port) continue
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0]
        if (ip === undefined || !mayBeEndpoint(ip)) continue
        const target: Target = `${ip}:${port.port}`
        const known = found.get(target)
        if (known === undefined || (!isReady(known.endpoint) && isReady(endpoint)))
          found.set(target, { target, ip, endpoint })
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}

function mayBeEndpoint(ip: string): boolean {
  const number = ipv4Number(ip)
  if (number === undefined) return false
  return NEVER_ENDPOINTS.map(ipv4Range).every(
    (range) => range === undefined || number < range.first || number > range.last,
  )
}

const isReady = ({ conditions }: DeepReadonly<Endpoint>): boolean => conditions?.ready ?? true
const isServing = ({ conditions }: DeepReadonly<Endpoint>): boolean => conditions?.serving ?? conditions?.ready ?? true
const isTerminating = ({ conditions }: DeepReadonly<Endpoint>): boolean => conditions?.terminating ?? false

function choose(candidates: readonly Candidate[], place: Place): Pick<ServicePort, 'everywhere' | 'here' | 'hereIPs'> {
  const local = candidates.filter(({ endpoint }) => endpoint.nodeName === place.node)
  const here = usable(local)
  const everywhere = nearest(usable(candidates), place)
  const hereIPs = new Set(
    [...everywhere, ...here].filter((one) => one.endpoint.nodeName === place.node).map(({ ip }) => ip),
  )
  return {
    everywhere: everywhere.map(({ target }) => target),
    here: here.map(({ target }) => target),
    hereIPs: [...hereIPs],
  }
}

/** The ready ones; when there are none, those that still serve while they terminate, which is better than nobody. */
function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter(({ endpoint }) => isReady(endpoint))
  if (ready.length > 0) return ready
  return candidates.filter(({ endpoint }) => isServing(endpoint) && isTerminating(endpoint))
}

/** Follows topology hints, but only when every endpoint has one and at least one is meant for us. */
function nearest(candidates: readonly Candidate[], { node, zone }: Place): readonly Candidate[] {
  const hinted = (kind: 'forNodes' | 'forZones', name: string): readonly Candidate[] => {
    if (!candidates.every(({ endpoint }) => (endpoint.hints?.[kind]?.length ?? 0) > 0)) return []
    return candidates.filter(({ endpoint }) => endpoint.hints?.[kind]?.some((hint) => hint.name === name))
  }
  const sameNode = hinted('forNodes', node)
  if (sameNode.length > 0) return sameNode
  const sameZone = zone === undefined ? [] : hinted('forZones', zone)
  return sameZone.length > 0 ? sameZone : candidates
}
