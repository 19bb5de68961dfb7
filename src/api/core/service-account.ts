// ServiceAccount: an identity for the processes of pods.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, list } from '../../apimachinery/schema.ts'
import { localObjectReference, objectReference } from './references.ts'

export const serviceAccounts = defineResource({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  scope: 'Namespaced',
  shortNames: ['sa'],
  unconditionalUpdate: false,
  returnsDeleted: true,
  subresources: {
    others: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  },
  model: 'io.k8s.api.core.v1.ServiceAccount',
  fields: {
    secrets: list(2, objectReference, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' }),
    imagePullSecrets: list(3, localObjectReference, { list: 'atomic' }),
    automountServiceAccountToken: bool(4),
  },
  columns: [
    {
      name: 'Secrets',
      type: 'integer',
      description: 'How many secrets the account may use.',
      cell: ({ secrets = [] }) => secrets.length,
    },
  ],
})
export interface ServiceAccount extends ObjectOf<typeof serviceAccounts> {}
