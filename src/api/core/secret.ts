// Secret: small confidential data.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'

export const secrets = defineResource({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  selectable: { type: (secret) => secret.type ?? '' },
  model: 'io.k8s.api.core.v1.Secret',
  fields: {
    immutable: bool(5),
    data: mapOf(2, bytes()),
    stringData: mapOf(4, string()),
    type: string(3, { default: 'Opaque' }),
  },
})
export interface Secret extends ObjectOf<typeof secrets> {}
