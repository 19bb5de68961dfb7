// Pod: containers that share an address and volumes, and live and die on one node.

import type { ObjectOf } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { podSpec } from './spec.ts'
import { podStatus } from './status.ts'

export const pods = defineResource({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  scope: 'Namespaced',
  model: 'io.k8s.api.core.v1.Pod',
  fields: {
    spec: required(ref(2, podSpec, { default: {} })),
    status: ref(3, podStatus, { default: {} }),
  },
})
export interface Pod extends ObjectOf<typeof pods> {}
