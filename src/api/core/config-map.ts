// ConfigMap: configuration that is no secret.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'
import { decodedBytes, MAX_DATA_BYTES, validateFrozen, validateKeys } from './data.ts'

const configMapFields = {
  immutable: bool(4),
  data: mapOf(2, string()),
  binaryData: mapOf(3, bytes()),
}
export interface ConfigMap extends ObjectWith<typeof configMapFields> {}

export const configMaps = defineResource({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  scope: 'Namespaced',
  shortNames: ['cm'],
  model: 'io.k8s.api.core.v1.ConfigMap',
  fields: configMapFields,
  columns: [
    {
      name: 'Data',
      type: 'integer',
      description: 'How many entries there are.',
      cell: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    },
  ],
  validate({ data = {}, binaryData = {} }, issues) {
    validateKeys(data, 'data', issues)
    validateKeys(binaryData, 'binaryData', issues)
    for (const key of Object.keys(binaryData)) {
      if (Object.hasOwn(data, key)) issues.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')
    }
    let bytes = 0
    for (const value of Object.values(data)) bytes += Buffer.byteLength(value)
    for (const value of Object.values(binaryData)) bytes += decodedBytes(value)
    if (bytes > MAX_DATA_BYTES) issues.tooLong('[]', MAX_DATA_BYTES)
  },
  validateUpdate(next, previous, issues) {
    validateFrozen(next, previous, ['data', 'binaryData'], issues)
  },
})
