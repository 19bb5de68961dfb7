// RoleBinding: gives a role to subjects inside one namespace.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list, ref, required } from '../../apimachinery/schema.ts'
import { roleRef, subject } from './fields.ts'
import { ageColumn } from '../columns.ts'
import { subjectColumns } from './columns.ts'
import { validateBinding, validateBindingUpdate } from './validate.ts'

export const roleBindings = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'Namespaced',
  names: 'path-segment',
  createOnUpdate: true,
  model: 'io.k8s.api.rbac.v1.RoleBinding',
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
    validateBinding(binding, true, issues)
  },
  validateUpdate(next, previous, issues) {
    validateBindingUpdate(next, previous, issues)
  },
})
export interface RoleBinding extends ObjectOf<typeof roleBindings> {}
