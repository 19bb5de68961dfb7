// Binding: puts a pod onto a node.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { objectReference } from './references.ts'

export const bindings = defineResource({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  scope: 'Namespaced',
  verbs: ['create'],
  model: 'io.k8s.api.core.v1.Binding',
  fields: {
    target: required(ref(2, objectReference, { default: {} })),
  },
})
export interface Binding extends ObjectOf<typeof bindings> {}
