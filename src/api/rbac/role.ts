// Role: rights inside one namespace.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list } from '../../apimachinery/schema.ts'
import { policyRule } from './fields.ts'
import { validateRules } from './validate.ts'

export const roles = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  scope: 'Namespaced',
  names: 'path-segment',
  createOnUpdate: true,
  model: 'io.k8s.api.rbac.v1.Role',
  views: [{ version: 'v1beta1', deprecated: { since: '1.17', removed: '1.22' } }],
  fields: {
    rules: list(2, policyRule, { list: 'atomic' }),
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
    validateRules(rules ?? [], true, issues)
  },
})
export interface Role extends ObjectOf<typeof roles> {}
