// Service: one address for a changing set of pods.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { serviceSpec, serviceStatus } from './fields.ts'
import { ageColumn } from '../../columns.ts'
import { serviceColumns, serviceWideColumns } from './columns.ts'
import { keepAllocated, validateService, validateServiceUpdate } from './validate.ts'

const serviceFields = {
  spec: required(ref(2, serviceSpec, { default: {} })),
  status: ref(3, serviceStatus, { default: {} }),
}
export interface Service extends ObjectWith<typeof serviceFields> {}

export const services = defineResource({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  scope: 'Namespaced',
  shortNames: ['svc'],
  categories: ['all'],
  names: 'dns-label-1035',
  generation: false,
  createOnUpdate: true,
  returnsDeleted: true,
  subresources: {
    status: true,
    others: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  },
  selectable: {
    'spec.clusterIP': (service) => service.spec.clusterIP ?? '',
    'spec.type': (service) => service.spec.type ?? '',
  },
  model: 'io.k8s.api.core.v1.Service',
  fields: serviceFields,
  columns: [...serviceColumns, ageColumn, ...serviceWideColumns],
  age: false,
  prepareUpdate(next, previous) {
    keepAllocated(next, previous)
  },
  validate(service, issues) {
    validateService(service, issues)
  },
  validateUpdate(next, previous, issues) {
    validateServiceUpdate(next, previous, issues)
  },
})
