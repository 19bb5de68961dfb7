// CustomResourceDefinition: teaches the server a new kind.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { customResourceDefinitionViews } from './custom-resource-definition-views.ts'
import { customResourceDefinitionSpec, customResourceDefinitionStatus } from './fields.ts'
import { validateApproval, validateDefinition, validateDefinitionUpdate } from './validate.ts'

const customResourceDefinitionFields = {
  spec: required(ref(2, customResourceDefinitionSpec, { default: {} })),
  status: ref(3, customResourceDefinitionStatus, { default: {} }),
}
export interface CustomResourceDefinition extends ObjectWith<typeof customResourceDefinitionFields> {}

export const customResourceDefinitions = defineResource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  scope: 'Cluster',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  subresources: { status: true },
  model: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  views: customResourceDefinitionViews,
  fields: customResourceDefinitionFields,
  columns: [
    {
      name: 'Created At',
      description: 'When the definition was created.',
      cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>',
    },
  ],
  age: false,
  validate(definition, issues, previous) {
    validateDefinition(definition, issues, previous)
  },
  validateWhole(next, previous, issues) {
    validateApproval(next, previous, issues)
  },
  validateUpdate(next, previous, issues) {
    validateDefinitionUpdate(next, previous, issues)
  },
  // The objects go before their definition: the server lets go of it when they are gone.
  prepareDelete(definition) {
    const { metadata, status = {} } = definition
    const conditions = status.conditions ?? []
    if (conditions.some(({ type }) => type === 'Terminating')) return
    const finalizer = 'customresourcecleanup.apiextensions.k8s.io'
    metadata.finalizers = [...(metadata.finalizers ?? []).filter((f) => f !== finalizer), finalizer]
    const pending = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      ...(metadata.deletionTimestamp === undefined ? {} : { lastTransitionTime: metadata.deletionTimestamp }),
    }
    definition.status = { ...status, conditions: [...conditions, pending] }
  },
  // The version that is stored now has been stored from now on.
  prepareCreate(definition) {
    const storing = definition.spec.versions.filter(({ storage }) => storage).map(({ name }) => name)
    definition.status = { storedVersions: storing, acceptedNames: { plural: '', kind: '' }, conditions: [] }
  },
  prepareUpdate(next) {
    const status = next.status ?? {}
    const stored = status.storedVersions ?? []
    const storing = next.spec.versions.filter(({ storage }) => storage).map(({ name }) => name)
    next.status = { ...status, storedVersions: [...new Set([...stored, ...storing])] }
  },
})
