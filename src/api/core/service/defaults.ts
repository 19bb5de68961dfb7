// Defaults of services that follow from their type.

import type { ServiceSpec } from './fields.ts'

export function defaultServiceSpec(spec: ServiceSpec): void {
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP') {
    const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? CLIENT_IP_TIMEOUT_SECONDS
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds } }
  }
  const onNodes = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (onNodes || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)) {
    spec.externalTrafficPolicy ??= 'Cluster'
  }
  if (onNodes || spec.type === 'ClusterIP') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

const CLIENT_IP_TIMEOUT_SECONDS = 10_800
