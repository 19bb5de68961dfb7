// Namespace: a scope for names.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, oneOf, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { checkQualifiedName, checkValue } from '../../apimachinery/validation.ts'

/** Every namespace carries its name as a label, for selectors to find. */
const NAME_LABEL = 'kubernetes.io/metadata.name'

export const namespaceCondition = struct('io.k8s.api.core.v1.NamespaceCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
})
export interface NamespaceCondition extends TypeOf<typeof namespaceCondition> {}

export const namespaceSpec = struct('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: list(1, string(), { list: 'atomic' }),
})
export interface NamespaceSpec extends TypeOf<typeof namespaceSpec> {}

export const namespaceStatus = struct('io.k8s.api.core.v1.NamespaceStatus', {
  phase: oneOf(1, ['Active', 'Terminating']),
  conditions: list(2, namespaceCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface NamespaceStatus extends TypeOf<typeof namespaceStatus> {}

export const namespaces = defineResource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  scope: 'Cluster',
  shortNames: ['ns'],
  names: 'dns-label',
  generation: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: { status: true, others: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }] },
  selectable: {
    'status.phase': (namespace) => namespace.status?.phase ?? '',
    name: (namespace) => namespace.metadata.name,
  },
  model: 'io.k8s.api.core.v1.Namespace',
  fields: {
    spec: ref(2, namespaceSpec, { default: {} }),
    status: ref(3, namespaceStatus, { default: {} }),
  },
  defaults(namespace) {
    const { name = '' } = namespace.metadata
    if (name === '') return
    namespace.metadata.labels = { ...namespace.metadata.labels, [NAME_LABEL]: name }
  },
  prepareCreate(namespace) {
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec?.finalizers ?? []
    if (!finalizers.includes('kubernetes'))
      namespace.spec = { ...namespace.spec, finalizers: [...finalizers, 'kubernetes'] }
  },
  // The finalizers of the spec belong to the finalize subresource.
  prepareUpdate(next, previous) {
    if (previous.spec === undefined) delete next.spec
    else next.spec = previous.spec
    if (previous.status !== undefined) next.status = previous.status
  },
  prepareDelete(namespace) {
    namespace.status = { ...namespace.status, phase: 'Terminating' }
  },
  holdsDeletion: (namespace) => (namespace.spec?.finalizers ?? []).length > 0,
  columns: [
    {
      name: 'Status',
      description: 'Whether the namespace takes new objects.',
      cell: (namespace) => namespace.status?.phase ?? '',
    },
  ],
  validate({ spec }, issues) {
    for (const finalizer of spec?.finalizers ?? []) checkValue(finalizer, checkQualifiedName, 'spec.finalizers', issues)
  },
})
export interface Namespace extends ObjectOf<typeof namespaces> {}
