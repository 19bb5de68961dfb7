// VolumeAttributesClass: names attributes of volumes that can be changed while a volume is in use.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { mapOf, required, string } from '../../apimachinery/schema.ts'
import { forbidChanges, validateParameters, validateProvisioner } from './validate.ts'

const volumeAttributesClassFields = {
  driverName: required(string(2, { default: '' })),
  parameters: mapOf(3, string()),
}
export interface VolumeAttributesClass extends ObjectWith<typeof volumeAttributesClassFields> {}

export const volumeAttributesClasses = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  scope: 'Cluster',
  shortNames: ['vac'],
  model: 'io.k8s.api.storage.v1.VolumeAttributesClass',
  views: [{ version: 'v1beta1', deprecated: { since: '1.34', removed: '1.37' } }],
  fields: volumeAttributesClassFields,
  columns: [{ name: 'DriverName', description: 'Whose volumes.', cell: ({ driverName }) => driverName }],
  validate({ driverName, parameters = {} }, issues) {
    validateProvisioner(driverName, 'driverName', issues)
    validateParameters(parameters, 'parameters', issues)
    if (Object.keys(parameters).length === 0) {
      issues.required('parameters', 'must contain at least one key/value pair')
    }
  },
  validateUpdate(next, previous, issues) {
    forbidChanges(next, previous, ['driverName', 'parameters'], issues)
  },
})
