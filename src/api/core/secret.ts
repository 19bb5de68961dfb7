// Secret: small confidential data.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, bytes, mapOf, string } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { decodedBytes, MAX_DATA_BYTES, validateFrozen, validateKeys } from './data.ts'
import { validateSecretType } from './secret-types.ts'

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
  validate(secret, issues) {
    const { data = {} } = secret
    validateKeys(data, 'data', issues)
    let bytes = 0
    for (const value of Object.values(data)) bytes += decodedBytes(value)
    if (bytes > MAX_DATA_BYTES) issues.tooLong('data', MAX_DATA_BYTES)
    validateSecretType(secret, issues)
  },
  prepareUpdate(next, previous) {
    // An empty type means: as it is.
    if ((next.type ?? '') === '' && previous.type !== undefined) next.type = previous.type
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.type, previous.type, 'type', issues)
    validateFrozen(next, previous, ['data'], issues)
  },
})
