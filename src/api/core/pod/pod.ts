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
  shortNames: ['po'],
  categories: ['all'],
  returnsDeleted: true,
  subresources: {
    status: true,
    others: [
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
      { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      { name: 'binding', kind: 'Binding', verbs: ['create'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
      { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    ],
  },
  model: 'io.k8s.api.core.v1.Pod',
  fields: {
    spec: required(ref(2, podSpec, { default: {} })),
    status: ref(3, podStatus, { default: {} }),
  },
})
export interface Pod extends ObjectOf<typeof pods> {}
