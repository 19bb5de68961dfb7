// NetworkPolicy: which peers the pods that it selects may talk with.

import { labelSelector } from '../../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { int32, intOrString, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { selectorText } from '../../columns.ts'
import { networkPolicyViews } from './views.ts'
import { validateNetworkPolicySpec } from './validate.ts'

export const ipBlock = struct('io.k8s.api.networking.v1.IPBlock', {
  cidr: required(string(1, { unchecked: true })),
  except: list(2, string(), { list: 'atomic' }),
})
export interface IPBlock extends TypeOf<typeof ipBlock> {}

export const networkPolicyPeer = struct('io.k8s.api.networking.v1.NetworkPolicyPeer', {
  podSelector: ref(1, labelSelector),
  namespaceSelector: ref(2, labelSelector),
  ipBlock: ref(3, ipBlock),
})
export interface NetworkPolicyPeer extends TypeOf<typeof networkPolicyPeer> {}

export const networkPolicyPort = struct('io.k8s.api.networking.v1.NetworkPolicyPort', {
  protocol: oneOf(1, ['TCP', 'UDP', 'SCTP'], { default: 'TCP' }),
  port: intOrString(2),
  endPort: int32(3),
})
export interface NetworkPolicyPort extends TypeOf<typeof networkPolicyPort> {}

export const networkPolicyIngressRule = struct('io.k8s.api.networking.v1.NetworkPolicyIngressRule', {
  ports: list(1, networkPolicyPort, { list: 'atomic' }),
  from: list(2, networkPolicyPeer, { list: 'atomic' }),
})
export interface NetworkPolicyIngressRule extends TypeOf<typeof networkPolicyIngressRule> {}

export const networkPolicyEgressRule = struct('io.k8s.api.networking.v1.NetworkPolicyEgressRule', {
  ports: list(1, networkPolicyPort, { list: 'atomic' }),
  to: list(2, networkPolicyPeer, { list: 'atomic' }),
})
export interface NetworkPolicyEgressRule extends TypeOf<typeof networkPolicyEgressRule> {}

export const networkPolicySpec = struct(
  'io.k8s.api.networking.v1.NetworkPolicySpec',
  {
    podSelector: ref(1, labelSelector, { default: {} }),
    ingress: list(2, networkPolicyIngressRule, { list: 'atomic' }),
    egress: list(3, networkPolicyEgressRule, { list: 'atomic' }),
    policyTypes: list(4, oneOf(0, ['Ingress', 'Egress']), { list: 'atomic' }),
  },
  {
    // A policy is about what comes in; about what goes out only if it says something of it.
    defaults(spec) {
      if ((spec.policyTypes ?? []).length > 0) return
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
    },
  },
)
export interface NetworkPolicySpec extends TypeOf<typeof networkPolicySpec> {}

const networkPolicyFields = { spec: required(ref(2, networkPolicySpec, { default: {} })) }
export interface NetworkPolicy extends ObjectWith<typeof networkPolicyFields> {}

export const networkPolicies = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  scope: 'Namespaced',
  shortNames: ['netpol'],
  generation: true,
  model: 'io.k8s.api.networking.v1.NetworkPolicy',
  views: networkPolicyViews,
  fields: networkPolicyFields,
  columns: [
    {
      name: 'Pod-Selector',
      description: 'The labels of the pods that it is about.',
      cell: ({ spec }) => selectorText(spec.podSelector),
    },
  ],
  validate({ spec }, issues) {
    validateNetworkPolicySpec(spec, 'spec', issues)
  },
})
