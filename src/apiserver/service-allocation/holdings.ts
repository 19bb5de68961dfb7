// What a service holds beside itself: an address, node ports; and what its fields say about the families of its addresses.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Issue, Issues } from '../../apimachinery/issues.ts'
import { parseAddress } from '../../api/core/cidr.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { ServiceSpec } from '../../api/core/service/fields.ts'

export interface Holdings {
  addresses: ReadonlySet<string>
  ports: ReadonlySet<number>
}

export const NOTHING: Holdings = { addresses: new Set(), ports: new Set() }

export function holdingsOf(service: DeepReadonly<Pick<Service, 'spec'>> | undefined): Holdings {
  if (service === undefined) return NOTHING
  const { clusterIP = '', clusterIPs = [clusterIP], ports = [], healthCheckNodePort = 0 } = service.spec
  return {
    addresses: new Set(clusterIPs.filter((ip) => ip !== '' && ip !== 'None')),
    ports: new Set([...ports.map(({ nodePort = 0 }) => nodePort), healthCheckNodePort].filter((port) => port > 0)),
  }
}

export const wantsNodePorts = ({ type, allocateLoadBalancerNodePorts }: DeepReadonly<ServiceSpec>): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)

/** A load balancer asks each node whether pods are on it. */
export const needsHealthCheck = ({ type, externalTrafficPolicy }: DeepReadonly<ServiceSpec>): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

const isHeadless = (spec: DeepReadonly<ServiceSpec>): boolean => (spec.clusterIPs?.[0] ?? spec.clusterIP) === 'None'

/** Fills in what follows from a cluster of one family, IPv4; says what it cannot give. */
export function settleFamilies(spec: ServiceSpec): readonly Issue[] {
  if (spec.type === 'ExternalName') return []
  spec.ipFamilyPolicy ??= 'SingleStack'
  if (isHeadless(spec)) {
    // Headless without selector: upstream lets both families through; this cluster has one.
    spec.ipFamilies ??= ['IPv4']
    spec.clusterIP = 'None'
    spec.clusterIPs = ['None']
    return []
  }
  const { clusterIPs = [], ipFamilies } = spec
  const issues = new Issues()
  for (const [i, ip] of clusterIPs.entries())
    if (ipFamilies?.[i] === undefined && parseAddress(ip)?.family === 'IPv6')
      issues.invalid(`spec.clusterIPs[${i}]`, clusterIPs, 'IPv6 is not configured on this cluster')
  if (issues.list.length > 0) return issues.list
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    const why = 'this cluster is not configured for dual-stack services'
    issues.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why)
  }
  for (const [i, family] of (ipFamilies ?? []).entries())
    if (family === 'IPv6') issues.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster')
  if (issues.list.length === 0) spec.ipFamilies ??= ['IPv4']
  return issues.list
}
