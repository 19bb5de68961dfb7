// What an ingress says and what is known of it: hosts, paths, and the services behind them.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { int32, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { typedLocalObjectReference } from '../../core/references.ts'

export const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'] as const

export const serviceBackendPort = struct(
  'io.k8s.api.networking.v1.ServiceBackendPort',
  { name: string(1), number: int32(2) },
  { atomic: true },
)
export interface ServiceBackendPort extends TypeOf<typeof serviceBackendPort> {}

export const ingressServiceBackend = struct('io.k8s.api.networking.v1.IngressServiceBackend', {
  name: required(string(1)),
  port: ref(2, serviceBackendPort, { default: {} }),
})
export interface IngressServiceBackend extends TypeOf<typeof ingressServiceBackend> {}

export const ingressBackend = struct('io.k8s.api.networking.v1.IngressBackend', {
  service: ref(4, ingressServiceBackend),
  resource: ref(3, typedLocalObjectReference, { unchecked: true }),
})
export interface IngressBackend extends TypeOf<typeof ingressBackend> {}

export const httpIngressPath = struct('io.k8s.api.networking.v1.HTTPIngressPath', {
  path: string(1),
  pathType: required(oneOf(3, PATH_TYPES, { unchecked: true })),
  backend: required(ref(2, ingressBackend, { default: {} })),
})
export interface HTTPIngressPath extends TypeOf<typeof httpIngressPath> {}

export const httpIngressRuleValue = struct('io.k8s.api.networking.v1.HTTPIngressRuleValue', {
  paths: required(list(1, httpIngressPath, { list: 'atomic', default: [] })),
})
export interface HTTPIngressRuleValue extends TypeOf<typeof httpIngressRuleValue> {}

export const ingressRule = struct('io.k8s.api.networking.v1.IngressRule', {
  host: string(1),
  http: ref(1, httpIngressRuleValue),
})
export interface IngressRule extends TypeOf<typeof ingressRule> {}

export const ingressTLS = struct('io.k8s.api.networking.v1.IngressTLS', {
  hosts: list(1, string(), { list: 'atomic' }),
  secretName: string(2),
})
export interface IngressTLS extends TypeOf<typeof ingressTLS> {}

export const ingressSpec = struct('io.k8s.api.networking.v1.IngressSpec', {
  ingressClassName: string(4),
  defaultBackend: ref(1, ingressBackend),
  tls: list(2, ingressTLS, { list: 'atomic' }),
  rules: list(3, ingressRule, { list: 'atomic' }),
})
export interface IngressSpec extends TypeOf<typeof ingressSpec> {}

export const ingressPortStatus = struct('io.k8s.api.networking.v1.IngressPortStatus', {
  port: required(int32(1, { default: 0 })),
  protocol: required(oneOf(2, ['TCP', 'UDP', 'SCTP'])),
  error: string(3),
})
export interface IngressPortStatus extends TypeOf<typeof ingressPortStatus> {}

export const ingressLoadBalancerIngress = struct('io.k8s.api.networking.v1.IngressLoadBalancerIngress', {
  ip: string(1),
  hostname: string(2),
  ports: list(4, ingressPortStatus, { list: 'atomic' }),
})
export interface IngressLoadBalancerIngress extends TypeOf<typeof ingressLoadBalancerIngress> {}

export const ingressLoadBalancerStatus = struct('io.k8s.api.networking.v1.IngressLoadBalancerStatus', {
  ingress: list(1, ingressLoadBalancerIngress, { list: 'atomic' }),
})
export interface IngressLoadBalancerStatus extends TypeOf<typeof ingressLoadBalancerStatus> {}

export const ingressStatus = struct('io.k8s.api.networking.v1.IngressStatus', {
  loadBalancer: ref(1, ingressLoadBalancerStatus, { default: {} }),
})
export interface IngressStatus extends TypeOf<typeof ingressStatus> {}
