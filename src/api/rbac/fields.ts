// What roles and bindings are made of.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, required, string, struct } from '../../apimachinery/schema.ts'

export const RBAC_GROUP = 'rbac.authorization.k8s.io'

export const policyRule = struct('io.k8s.api.rbac.v1.PolicyRule', {
  verbs: required(list(1, string(), { list: 'atomic', default: [] })),
  apiGroups: list(2, string(), { list: 'atomic' }),
  resources: list(3, string(), { list: 'atomic' }),
  resourceNames: list(4, string(), { list: 'atomic' }),
  nonResourceURLs: list(5, string(), { list: 'atomic' }),
})
export interface PolicyRule extends TypeOf<typeof policyRule> {}

export const aggregationRule = struct('io.k8s.api.rbac.v1.AggregationRule', {
  clusterRoleSelectors: list(1, labelSelector, { list: 'atomic' }),
})
export interface AggregationRule extends TypeOf<typeof aggregationRule> {}

export const subject = struct(
  'io.k8s.api.rbac.v1.Subject',
  {
    kind: required(string(1)),
    apiGroup: string(2),
    name: required(string(3)),
    namespace: string(4),
  },
  {
    atomic: true,
    // Service accounts are of the core group, whose name is empty.
    defaults(value) {
      if (value.kind === 'User' || value.kind === 'Group') value.apiGroup ??= RBAC_GROUP
    },
  },
)
export interface Subject extends TypeOf<typeof subject> {}

export const roleRef = struct(
  'io.k8s.api.rbac.v1.RoleRef',
  {
    apiGroup: string(1, { always: true, default: RBAC_GROUP }),
    kind: required(string(2)),
    name: required(string(3)),
  },
  { atomic: true },
)
export interface RoleRef extends TypeOf<typeof roleRef> {}
