// Secret: small confidential data.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'

const secretFields = {
  immutable: bool(5),
  data: mapOf(2, bytes()),
  stringData: mapOf(4, string()),
  type: string(3, { default: 'Opaque' }),
}
export interface Secret extends ObjectWith<typeof secretFields> {}

export const secrets = defineResource({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  selectable: { type: (secret) => secret.type ?? '' },
  model: 'io.k8s.api.core.v1.Secret',
  fields: secretFields,
  defaults(secret) {
    if (secret.stringData === undefined) return
    secret.data = { ...secret.data }
    for (const [key, text] of Object.entries(secret.stringData)) secret.data[key] = Buffer.from(text).toString('base64')
    delete secret.stringData
  },
  columns: [
    { name: 'Type', description: 'What the secret is for.', cell: ({ type = '' }) => type },
    {
      name: 'Data',
      type: 'integer',
      description: 'How many entries there are.',
      cell: ({ data = {} }) => Object.keys(data).length,
    },
  ],
})
