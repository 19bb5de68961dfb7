// ConfigMap: configuration that is no secret.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'

export const configMaps = defineResource({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  scope: 'Namespaced',
  shortNames: ['cm'],
  model: 'io.k8s.api.core.v1.ConfigMap',
  fields: {
    immutable: bool(4),
    data: mapOf(2, string()),
    binaryData: mapOf(3, bytes()),
  },
})
export interface ConfigMap extends ObjectOf<typeof configMaps> {}
