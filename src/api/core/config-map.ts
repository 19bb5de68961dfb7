// ConfigMap: configuration that is no secret.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'

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
})
