// Eviction: asks a pod to leave, if its disruption budget allows.

import { deleteOptions } from '../../apimachinery/messages.ts'
import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref } from '../../apimachinery/schema.ts'

export const evictions = defineResource({
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  plural: 'evictions',
  scope: 'Namespaced',
  verbs: ['create'],
  model: 'io.k8s.api.policy.v1.Eviction',
  // Clients from before policy/v1 still ask in the beta.
  alsoAs: ['policy/v1beta1'],
  fields: {
    deleteOptions: ref(2, deleteOptions),
  },
})
export interface Eviction extends ObjectOf<typeof evictions> {}
