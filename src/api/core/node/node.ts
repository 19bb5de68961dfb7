// Node: a machine that runs pods.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref } from '../../../apimachinery/schema.ts'
import { nodeSpec } from './spec.ts'
import { nodeStatus } from './status.ts'
import { ageColumn } from '../../columns.ts'
import { nodeColumns, nodeVersionColumns } from './columns.ts'
import { validateNode, validateNodeUpdate } from './validate.ts'

const nodeFields = {
  spec: ref(2, nodeSpec, { default: {} }),
  status: ref(3, nodeStatus, { default: {} }),
}
export interface Node extends ObjectWith<typeof nodeFields> {}

export const nodes = defineResource({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
  shortNames: ['no'],
  generation: false,
  subresources: {
    status: true,
    others: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  },
  selectable: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  model: 'io.k8s.api.core.v1.Node',
  fields: nodeFields,
  columns: [...nodeColumns, ageColumn, ...nodeVersionColumns],
  age: false,
  validate(node, issues) {
    validateNode(node, issues)
  },
  validateUpdate(next, previous, issues) {
    validateNodeUpdate(next, previous, issues)
  },
})
