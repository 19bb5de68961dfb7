// ClusterRoleBinding: gives a cluster role to subjects everywhere.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list, ref, required } from '../../apimachinery/schema.ts'
import { roleRef, subject } from './fields.ts'
import { ageColumn } from '../columns.ts'
import { subjectColumns } from './columns.ts'
import { validateBinding, validateBindingUpdate } from './validate.ts'

export const clusterRoleBindings = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  scope: 'Cluster',
  names: 'path-segment',
  createOnUpdate: true,
  model: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  views: [{ version: 'v1beta1', deprecated: { since: '1.17', removed: '1.22' } }],
  fields: {
    subjects: list(2, subject, { list: 'atomic' }),
    roleRef: required(ref(3, roleRef, { default: {} })),
  },
  columns: [
    { name: 'Role', description: 'What is given.', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
    ageColumn,
    ...subjectColumns,
  ],
  age: false,
  validate(binding, issues) {
    validateBinding(binding, false, issues)
  },
  validateUpdate(next, previous, issues) {
    validateBindingUpdate(next, previous, issues)
  },
})
export interface ClusterRoleBinding extends ObjectOf<typeof clusterRoleBindings> {}
