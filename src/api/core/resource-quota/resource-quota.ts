// ResourceQuota: what all objects of a namespace together may be and take.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { list, mapOf, oneOf, quantity, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { ageColumn } from '../../columns.ts'
import { SCOPES, validateQuotaSpec, validateQuotaStatus, validateQuotaUpdate } from './validate.ts'

export const scopedResourceSelectorRequirement = struct('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: required(oneOf(1, SCOPES, { unchecked: true })),
  operator: required(oneOf(2, ['In', 'NotIn', 'Exists', 'DoesNotExist'], { unchecked: true })),
  values: list(3, string(), { list: 'atomic' }),
})
export interface ScopedResourceSelectorRequirement extends TypeOf<typeof scopedResourceSelectorRequirement> {}

export const scopeSelector = struct(
  'io.k8s.api.core.v1.ScopeSelector',
  { matchExpressions: list(1, scopedResourceSelectorRequirement, { list: 'atomic' }) },
  { atomic: true },
)
export interface ScopeSelector extends TypeOf<typeof scopeSelector> {}

export const resourceQuotaSpec = struct('io.k8s.api.core.v1.ResourceQuotaSpec', {
  hard: mapOf(1, quantity()),
  scopes: list(2, oneOf(0, SCOPES), { list: 'atomic', unchecked: true }),
  scopeSelector: ref(3, scopeSelector),
})
export interface ResourceQuotaSpec extends TypeOf<typeof resourceQuotaSpec> {}

export const resourceQuotaStatus = struct('io.k8s.api.core.v1.ResourceQuotaStatus', {
  hard: mapOf(1, quantity()),
  used: mapOf(2, quantity()),
})
export interface ResourceQuotaStatus extends TypeOf<typeof resourceQuotaStatus> {}

const resourceQuotaFields = {
  spec: required(ref(2, resourceQuotaSpec, { default: {} })),
  status: ref(3, resourceQuotaStatus, { default: {} }),
}
export interface ResourceQuota extends ObjectWith<typeof resourceQuotaFields> {}

export const resourceQuotas = defineResource({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  scope: 'Namespaced',
  shortNames: ['quota'],
  generation: false,
  returnsDeleted: true,
  subresources: { status: true },
  model: 'io.k8s.api.core.v1.ResourceQuota',
  fields: resourceQuotaFields,
  columns: [
    {
      name: 'Request',
      description: 'What is counted and asked for, of how much.',
      cell: ({ status }) => usageText(status, false),
    },
    {
      name: 'Limit',
      description: 'What is the most that is used, of how much.',
      cell: ({ status }) => usageText(status, true),
    },
    ageColumn,
  ],
  age: false,
  validate({ spec }, issues) {
    validateQuotaSpec(spec, 'spec', issues)
  },
  validateUpdate(next, previous, issues) {
    validateQuotaUpdate(next.spec, previous.spec, issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    validateQuotaStatus(status ?? {}, 'status', issues)
  },
})

/** `pods: 3/10, requests.cpu: 1/4`: limits, or all the others. */
function usageText({ hard = {}, used = {} }: ResourceQuotaStatus = {}, limits: boolean): string {
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ')
}
