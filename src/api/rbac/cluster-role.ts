// ClusterRole: rights in every namespace, and on what has none.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list, ref } from '../../apimachinery/schema.ts'
import { aggregationRule, policyRule } from './fields.ts'
import { validateRules } from './validate.ts'

export const clusterRoles = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
  names: 'path-segment',
  createOnUpdate: true,
  model: 'io.k8s.api.rbac.v1.ClusterRole',
  views: [{ version: 'v1beta1', deprecated: { since: '1.17', removed: '1.22' } }],
  fields: {
    rules: list(2, policyRule, { list: 'atomic' }),
    aggregationRule: ref(3, aggregationRule),
  },
  columns: [
    {
      name: 'Created At',
      description: 'When the role was created.',
      cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>',
    },
  ],
  age: false,
  validate({ rules }, issues) {
    validateRules(rules ?? [], false, issues)
  },
})
export interface ClusterRole extends ObjectOf<typeof clusterRoles> {}
