// What a service says and what is known of it.

import { condition } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  bool,
  int32,
  intOrString,
  list,
  mapOf,
  oneOf,
  ref,
  required,
  string,
  struct,
} from '../../../apimachinery/schema.ts'
import { defaultServiceSpec } from './defaults.ts'

export const servicePort = struct(
  'io.k8s.api.core.v1.ServicePort',
  {
    name: string(1),
    protocol: oneOf(2, ['TCP', 'UDP', 'SCTP'], { default: 'TCP' }),
    appProtocol: string(6),
    port: required(int32(3, { default: 0 })),
    targetPort: intOrString(4),
    nodePort: int32(5),
  },
  {
    // Pods are reached on the service's own port unless said.
    defaults(port) {
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
    },
  },
)
export interface ServicePort extends TypeOf<typeof servicePort> {}

export const clientIPConfig = struct('io.k8s.api.core.v1.ClientIPConfig', {
  timeoutSeconds: int32(1, { default: 10_800 }),
})
export interface ClientIPConfig extends TypeOf<typeof clientIPConfig> {}

export const sessionAffinityConfig = struct('io.k8s.api.core.v1.SessionAffinityConfig', {
  clientIP: ref(1, clientIPConfig),
})
export interface SessionAffinityConfig extends TypeOf<typeof sessionAffinityConfig> {}

export const serviceSpec = struct(
  'io.k8s.api.core.v1.ServiceSpec',
  {
    ports: list(1, servicePort, { list: 'map', keys: ['port', 'protocol'], mergeKey: 'port', strategy: 'merge' }),
    selector: mapOf(2, string(), { atomic: true }),
    clusterIP: string(3),
    clusterIPs: list(18, string(), { list: 'atomic' }),
    type: oneOf(4, ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], { default: 'ClusterIP' }),
    externalIPs: list(5, string(), { list: 'atomic' }),
    sessionAffinity: oneOf(7, ['ClientIP', 'None'], { default: 'None' }),
    loadBalancerIP: string(8),
    loadBalancerSourceRanges: list(9, string(), { list: 'atomic' }),
    externalName: string(10),
    externalTrafficPolicy: oneOf(11, ['Cluster', 'Local']),
    healthCheckNodePort: int32(12),
    publishNotReadyAddresses: bool(13),
    sessionAffinityConfig: ref(14, sessionAffinityConfig),
    ipFamilies: list(19, oneOf(0, ['IPv4', 'IPv6']), { list: 'atomic' }),
    ipFamilyPolicy: oneOf(17, ['SingleStack', 'PreferDualStack', 'RequireDualStack']),
    allocateLoadBalancerNodePorts: bool(20),
    loadBalancerClass: string(21),
    internalTrafficPolicy: oneOf(22, ['Cluster', 'Local']),
    trafficDistribution: string(23),
  },
  {
    defaults(spec) {
      defaultServiceSpec(spec)
    },
  },
)
export interface ServiceSpec extends TypeOf<typeof serviceSpec> {}

export const portStatus = struct('io.k8s.api.core.v1.PortStatus', {
  port: required(int32(1, { default: 0 })),
  protocol: required(oneOf(2, ['TCP', 'UDP', 'SCTP'])),
  error: string(3),
})
export interface PortStatus extends TypeOf<typeof portStatus> {}

export const loadBalancerIngress = struct(
  'io.k8s.api.core.v1.LoadBalancerIngress',
  {
    ip: string(1),
    hostname: string(2),
    ipMode: string(3),
    ports: list(4, portStatus, { list: 'atomic' }),
  },
  {
    defaults(ingress) {
      if (ingress.ip !== undefined) ingress.ipMode ??= 'VIP'
    },
  },
)
export interface LoadBalancerIngress extends TypeOf<typeof loadBalancerIngress> {}

export const loadBalancerStatus = struct('io.k8s.api.core.v1.LoadBalancerStatus', {
  ingress: list(1, loadBalancerIngress, { list: 'atomic' }),
})
export interface LoadBalancerStatus extends TypeOf<typeof loadBalancerStatus> {}

export const serviceStatus = struct('io.k8s.api.core.v1.ServiceStatus', {
  loadBalancer: ref(1, loadBalancerStatus, { default: {} }),
  conditions: list(2, condition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface ServiceStatus extends TypeOf<typeof serviceStatus> {}
